/** The real control tools, run as a person would, on the private bus. */
import { Buffer } from "../src/ctl/pager.ts";
import { main as stacctl } from "../src/ctl/stacctl.ts";
import { main as stafctl } from "../src/ctl/stafctl.ts";
import type { World } from "../src/ctl/world.ts";
import { DemoFailure } from "./failure.ts";
import type { Screen } from "./screen.ts";

const TOOLS = new Map([["stafctl", stafctl], ["stacctl", stacctl]]);

/** Tools print as on a terminal; where there is none, without colours and in ASCII. */
export function toolWorld(world: World, bus: string, interrupted: Promise<void>): World {
  const plain = new Map([["NO_COLOR", "1"], ["LC_ALL", "C"]]);
  return {
    ...world,
    // It would write past the demo's own screen.
    openPager: () => undefined,
    bus,
    env: (name) => world.out.isTerminal ? world.env(name) : plain.get(name) ?? world.env(name),
    interrupted: () => interrupted,
  };
}

export class Tools {
  readonly #world: World;
  readonly #screen: Screen;

  constructor(world: World, screen: Screen) {
    this.#world = world;
    this.#screen = screen;
  }

  /** Shows a command and what it prints. */
  async show(line: string): Promise<void> {
    this.#screen.command(line);
    const text = await this.run(line);
    for (const printed of text.trimEnd().split("\n")) this.#screen.print(printed);
  }

  /** Runs a command; fails as the command does. */
  async run(line: string): Promise<string> {
    const [name = "", ...args] = line.split(" ");
    const main = TOOLS.get(name);
    if (main === undefined) throw new Error(`no tool: ${name}`);
    const out = new Buffer({ isTerminal: true, columns: this.#screen.columns });
    const err = new Buffer({ isTerminal: true, columns: this.#screen.columns });
    const exit = await main(args, { ...this.#world, out, err });
    if (exit !== 0) throw new DemoFailure(err.text.trim() || `${line}: exit status ${exit}`);
    return out.text;
  }
}
