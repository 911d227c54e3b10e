/** `deno task run`: a program from source, or a daemon on the demo's simulated fabric. */
import { main as stacctl } from "../src/ctl/stacctl.ts";
import { main as stafctl } from "../src/ctl/stafctl.ts";
import { main as stasadm } from "../src/ctl/stasadm.ts";
import { main as stacd } from "../src/stacd.ts";
import { main as stafd } from "../src/stafd.ts";
import { openBus } from "../demo/bus.ts";
import { startStacd, startStafd } from "../demo/daemons.ts";
import { DemoFailure } from "../demo/failure.ts";
import { buildSite } from "../demo/site.ts";
import { howToUse } from "../demo/stay.ts";
import { BUS_NEEDS, providePackages } from "./system_packages.ts";
import { usageError } from "./task_arguments.ts";

const PROGRAMS: ReadonlyMap<string, (args: readonly string[]) => Promise<number>> = new Map([
  ["stafd", stafd],
  ["stacd", stacd],
  ["stafctl", stafctl],
  ["stacctl", stacctl],
  ["stasadm", stasadm],
]);

const USAGE = `usage: deno task run PROGRAM [ARGUMENT]...
       deno task run stafd|stacd --simulated [ARGUMENT]...

Runs stafd, stacd, stafctl, stacctl or stasadm from source, with these arguments.

  --simulated   run the daemon on the demo's simulated host and fabric, on a private D-Bus whose address is
                printed; needs no root. stacd brings a stafd of its own. Log lines go to standard error;
                Ctrl-C ends it

A daemon without --simulated is the real one: it needs root, and it connects and disconnects on this host.

  deno task run stacctl --help
  deno task run stacd --simulated --tron
`;

async function simulated(program: "stafd" | "stacd", args: readonly string[]): Promise<number> {
  await providePackages(BUS_NEEDS);
  const bus = await openBus();
  try {
    Deno.env.set("DBUS_SYSTEM_BUS_ADDRESS", bus.address);
    const { world } = buildSite();
    world.logged = (who, { level, message }) => console.error(`${who} ${level}: ${message}`);
    const running = [await startStafd(world, program === "stafd" ? args : [])];
    if (program === "stacd") running.push(await startStacd(world, args));
    console.log(howToUse(bus.address));
    return Math.max(...await Promise.all(running.map(({ ended }) => ended)));
  } finally {
    await bus.close();
  }
}

async function main([program = "", ...args]: readonly string[]): Promise<number> {
  if (program === "--help" || program === "-h") {
    console.log(USAGE.trimEnd());
    return 0;
  }
  const run = PROGRAMS.get(program);
  if (run === undefined) {
    const names = [...PROGRAMS.keys()].join(", ");
    usageError(USAGE, program === "" ? `name a program: ${names}` : `${program}: must be one of ${names}`);
  }
  if (!args.includes("--simulated")) return await run(args);
  if (program !== "stafd" && program !== "stacd") {
    usageError(
      USAGE,
      `${program} has no --simulated: it talks to the daemons on the bus in DBUS_SYSTEM_BUS_ADDRESS`,
    );
  }
  try {
    return await simulated(program, args.filter((one) => one !== "--simulated"));
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    console.error(`run: ${error.message}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
