/**
 * `deno task screenshots`: what the control tools print, as pictures for the documents. The real daemons and tools on the
 * demo's simulated fabric, each command once for a terminal of 80 columns or of 120.
 */
import { main as stacctl } from "../src/ctl/stacctl.ts";
import { main as stafctl } from "../src/ctl/stafctl.ts";
import { Buffer } from "../src/ctl/pager.ts";
import { realWorld } from "../src/ctl/world.ts";
import { seconds } from "../src/lib/base/time.ts";
import { entryFor } from "../src/lib/sim/discovery.ts";
import { startStacd, startStafd } from "../demo/daemons.ts";
import { openBus } from "../demo/bus.ts";
import { Observer } from "../demo/observer.ts";
import { buildSite } from "../demo/site.ts";
import { runScript } from "./run.ts";
import { BUS_NEEDS, providePackages } from "./system_packages.ts";
import { taskArguments } from "./task_arguments.ts";
import { terminalSvg } from "./terminal_svg.ts";

const FOLDER = "docs/screenshots";
const BOUND = seconds(60);
const TRIED = "stacd-new.conf";
/** What `plan --config` is asked about. */
const TRIED_CONF = `[Controllers]
exclude = nqn=nqn.2025-01.com.example:archive
`;

interface Picture {
  readonly file: string;
  readonly command: string;
  readonly columns: 80 | 120;
  readonly exit?: number;
}

const PICTURES: readonly Picture[] = [
  { file: "stafctl-ls", command: "stafctl ls", columns: 120 },
  { file: "stacctl-ls", command: "stacctl ls", columns: 120 },
  { file: "stacctl-ls-80", command: "stacctl ls", columns: 80 },
  { file: "stacctl-tree", command: "stacctl tree", columns: 80 },
  { file: "stacctl-status", command: "stacctl status", columns: 120, exit: 3 },
  { file: "stacctl-plan", command: `stacctl plan --config ${TRIED}`, columns: 120, exit: 2 },
  { file: "stacctl-explain", command: "stacctl explain nqn.2025-01.com.example:backup", columns: 120 },
  { file: "stacctl-explain-80", command: "stacctl explain nqn.2025-01.com.example:archive", columns: 80 },
];

async function printed(
  { command, columns, exit = 0 }: Picture,
  bus: string,
  folder: string,
): Promise<string> {
  const [program, ...args] = command.replace(TRIED, `${folder}/${TRIED}`).split(" ");
  const out = new Buffer({ isTerminal: true, columns });
  const err = new Buffer({ isTerminal: true, columns });
  const env = new Map([["LC_ALL", "C.UTF-8"], ["TERM", "xterm-256color"]]);
  // What a pager shows cannot be kept.
  const openPager = () => undefined;
  const world = { ...realWorld(), openPager, bus, out, err, env: (name: string) => env.get(name) };
  const status = await (program === "stafctl" ? stafctl : stacctl)(args, world);
  if (status !== exit) throw new Error(`${command}: exit status ${status}\n${out.text}${err.text}`);
  return out.text.replaceAll(`${folder}/`, "");
}

/** The demo's site with one subsystem taken away again: its story is to be told. */
async function take(bus: string): Promise<void> {
  const site = buildSite();
  const [stafd, stacd] = await Promise.all([startStafd(site.world), startStacd(site.world)]);
  const observer = await Observer.open(bus);
  const folder = await Deno.makeTempDir({ prefix: "nvme-stas-screenshots-" });
  try {
    const at = (traddr: string, phase: string, what: string) =>
      observer.until(
        "stacd",
        what,
        ({ controllers }) => controllers.some((one) => one.tid.traddr === traddr && one.phase === phase),
        BOUND,
      );
    const { orders, archive, backup, payroll, alpha, world } = site;
    for (const target of [...orders, archive]) {
      await at(target.address.traddr, "connected", `${target.nqn} is connected`);
    }
    await at(backup.address.traddr, "failing", "the one that does not answer was tried");
    await Deno.writeTextFile(`${folder}/${TRIED}`, TRIED_CONF);
    await Deno.mkdir(FOLDER, { recursive: true });
    for (const picture of PICTURES) {
      if (picture.file === "stacctl-explain-80") {
        alpha.discovery.edit([entryFor(orders[0], "nvme"), entryFor(payroll, "nvme")], world.time.now.mono);
        await at(payroll.address.traddr, "connected", "what was added is connected");
        await observer.until(
          "stacd",
          "what is no longer listed is gone",
          ({ controllers }) => controllers.every(({ tid }) => tid.traddr !== archive.address.traddr),
          BOUND,
        );
      }
      const text = await printed(picture, bus, folder);
      const shown = `\u001b[2m$\u001b[0m \u001b[1m${picture.command}\u001b[0m\n${text}`;
      const path = `${FOLDER}/${picture.file}.svg`;
      await Deno.writeTextFile(path, terminalSvg(picture.command, shown, picture.columns));
      console.log(path);
    }
  } finally {
    observer.close();
    stacd.stop();
    stafd.stop();
    await Promise.all([stafd.ended, stacd.ended]);
    await Deno.remove(folder, { recursive: true });
  }
}

const USAGE = `usage: deno task screenshots

Takes the pictures of docs/screenshots: the real daemons and tools on the demo's simulated fabric.
`;

async function main(): Promise<boolean> {
  taskArguments(USAGE, {});
  await providePackages(BUS_NEEDS);
  const bus = await openBus();
  try {
    Deno.env.set("DBUS_SYSTEM_BUS_ADDRESS", bus.address);
    await take(bus.address);
    return true;
  } finally {
    await bus.close();
  }
}

if (import.meta.main) await runScript("screenshots", main);
