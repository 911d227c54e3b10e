/**
 * `deno task demo`: the main job on a simulated fabric. The real daemons and the real control tools on a private bus, in
 * the place of the kernel, Avahi and the network a simulation. Needs no root and no hardware.
 */
import { BUS_NEEDS, providePackages } from "../scripts/system_packages.ts";
import { taskArguments, usageError } from "../scripts/task_arguments.ts";
import { styleFor } from "../src/ctl/style.ts";
import { realWorld, type World } from "../src/ctl/world.ts";
import { type Duration, seconds } from "../src/lib/base/time.ts";
import type { LogEntry } from "../src/lib/ports.ts";
import { type Daemons, play, showSite, type Stage, startDaemons, stopDaemons } from "./acts.ts";
import { openBus } from "./bus.ts";
import { DemoFailure } from "./failure.ts";
import { Observer } from "./observer.ts";
import { Screen } from "./screen.ts";
import { buildSite } from "./site.ts";
import { howToUse } from "./stay.ts";
import { Tools, toolWorld } from "./tools.ts";

/** Lines of the daemons' logs that are shown when something went wrong. */
const LAST_WORDS = 12;
const ABOUT =
  "The real stafd, stacd, stafctl and stacctl on a private D-Bus. Simulated are the host's kernel, files and Avahi, and " +
  "the network with these two storage arrays:";
/** In seconds; a timer cannot hold much more than 24 days. */
const LONGEST_BOUND = 86_400;
const NEXT = "The same on a real kernel: deno task test:vm. Under faults, thousands of times: deno task sim.";
const USAGE = `usage: deno task demo [--stay] [--timeout SECONDS]

Shows the main job on a simulated fabric; needs no root and no hardware.

  --stay             keep the daemons and the fabric running at the end, and print the address of their bus, for
                     trying the tools by hand; Ctrl-C ends them
  --timeout SECONDS  the longest that any one thing may take (default: 20); exit status 1 when it takes longer
`;

interface Options {
  readonly bound: Duration;
  readonly stay: boolean;
}

function options(): Options {
  const { values } = taskArguments(USAGE, {
    options: { timeout: { type: "string", default: "20" }, stay: { type: "boolean", default: false } },
  });
  const bound = Number(values.timeout);
  if (values.timeout.trim() === "" || !(bound >= 0 && bound <= LONGEST_BOUND)) {
    usageError(
      USAGE,
      `--timeout ${values.timeout}: give a number of seconds up to ${LONGEST_BOUND}, such as 20`,
    );
  }
  return { bound: seconds(bound), stay: values.stay };
}

class Demo {
  readonly #bound: Duration;
  readonly #stay: boolean;
  readonly #screen: Screen;
  readonly #interrupted: Promise<void>;
  readonly #world: World;
  /** The latest lines that the daemons logged. */
  readonly #log: string[] = [];
  #daemons: Daemons | undefined;
  /** All has been shown, and the daemons run until they are interrupted. */
  #stays = false;

  constructor({ bound, stay }: Options) {
    const world = realWorld();
    this.#bound = bound;
    this.#stay = stay;
    this.#interrupted = world.interrupted();
    this.#world = world;
    this.#screen = new Screen(world.out, styleFor(world, true));
  }

  /** The result is the exit status. */
  async run(): Promise<number> {
    const begin = performance.now();
    this.#screen.title("nvme-stas demo", ABOUT);
    const bus = await openBus();
    try {
      const shown = this.#show(bus.address).then(() => "shown" as const);
      const ended = await Promise.race([shown, this.#interrupted]);
      if (ended !== "shown" || this.#stays) return await this.#interrupt();
      this.#screen.closing(`Done in ${((performance.now() - begin) / 1000).toFixed(0)} s.`, NEXT);
      return 0;
    } catch (error) {
      if (!(error instanceof DemoFailure)) throw error;
      this.#screen.end();
      this.#world.err.write(`demo: ${error.message}\n`);
      if (this.#log.length > 0) {
        this.#world.err.write(
          `\nThe daemons' last words:\n${this.#log.map((line) => `  ${line}\n`).join("")}`,
        );
      }
      return 1;
    } finally {
      await bus.close();
    }
  }

  async #show(address: string): Promise<void> {
    Deno.env.set("DBUS_SYSTEM_BUS_ADDRESS", address);
    const screen = this.#screen;
    const site = buildSite();
    site.world.logged = (who, entry) => this.#logged(who, entry);
    showSite(site, screen);
    const observer = await Observer.open(address);
    try {
      const tools = new Tools(toolWorld(this.#world, address, this.#interrupted), screen);
      const stage: Stage = { site, screen, tools, observer, bound: this.#bound };
      const daemons = await startDaemons(stage);
      this.#daemons = daemons;
      await play(stage, daemons);
      if (this.#stay) return await this.#staying(address);
      await stopDaemons(stage, daemons);
    } finally {
      observer.close();
    }
  }

  /** Until somebody interrupts the demo. */
  async #staying(address: string): Promise<void> {
    this.#screen.print("");
    for (const line of howToUse(address).split("\n")) this.#screen.print(line);
    this.#stays = true;
    await this.#interrupted;
  }

  #logged(who: string, { level, message }: LogEntry): void {
    if (level === "debug") return;
    this.#screen.note(`${who}: ${message}`);
    this.#log.push(`${who} ${level}: ${message}`);
    if (this.#log.length > LAST_WORDS) this.#log.shift();
  }

  /** The daemons have heard the signal, too, and end by themselves. A second one ends all at once. */
  async #interrupt(): Promise<number> {
    this.#screen.end();
    if (!this.#stays) this.#world.err.write("demo: interrupted; the daemons and their bus end\n");
    const { stafd, stacd } = this.#daemons ?? {};
    const late = new Promise((resolve) => setTimeout(resolve, 3_000));
    await Promise.race([Promise.all([stafd?.ended, stacd?.ended]), late]);
    return this.#stays ? 0 : 130;
  }
}

async function main(): Promise<number> {
  const chosen = options();
  try {
    await providePackages(BUS_NEEDS);
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
  return await new Demo(chosen).run();
}

Deno.exit(await main());
