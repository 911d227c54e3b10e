/** stafd and stacd as they ship, on a simulated host instead of this machine. */
import { runStacd } from "../src/lib/daemon/stacd_program.ts";
import { runStafd } from "../src/lib/daemon/stafd_program.ts";
import { systemBusAddress } from "../src/lib/dbus/connection.ts";
import { busAt } from "../src/lib/dbus/reconnect.ts";
import { processSignals } from "../src/lib/linux/signals.ts";
import { SimMachine, type Ways } from "../src/lib/sim/machine.ts";
import type { World } from "../src/lib/sim/world.ts";
import { DemoFailure } from "./failure.ts";

export interface RunningDaemon {
  /** Asks it to end, as SIGTERM does. */
  stop(): void;
  /** Asks it to read its configuration again, as SIGHUP does. */
  reload(): void;
  /** The exit status. */
  readonly ended: Promise<number>;
}

/** Settles when the daemon has begun its work; fails when it ends instead. */
async function start(
  world: World,
  program: "stafd" | "stacd",
  run: (machine: SimMachine) => Promise<number>,
  ways: Ways,
): Promise<RunningDaemon> {
  const ready = Promise.withResolvers<"ready">();
  const machine = new SimMachine(world, program, {
    // A real bus, for the real control tools.
    bus: busAt(systemBusAddress()),
    ...ways,
    ready: () => ready.resolve("ready"),
  });
  const ended = run(machine);
  const first = await Promise.race([ready.promise, ended]);
  if (first !== "ready") throw new DemoFailure(`${program} ended at its start with exit status ${first}`);
  return { stop: () => machine.signal("SIGTERM"), reload: () => machine.signal("SIGHUP"), ended };
}

const libraryVersion = (): string => "simulated";

/** Signals of this process are theirs, too. */
const OUR_SIGNALS: Ways = { signals: processSignals };

/** Which bus they go to says DBUS_SYSTEM_BUS_ADDRESS. */
export const startStafd = (
  world: World,
  args: readonly string[] = [],
  ways: Ways = OUR_SIGNALS,
): Promise<RunningDaemon> =>
  start(world, "stafd", (machine) => runStafd({ open: () => machine, libraryVersion }, args), ways);

export const startStacd = (
  world: World,
  args: readonly string[] = [],
  ways: Ways = OUR_SIGNALS,
): Promise<RunningDaemon> =>
  start(world, "stacd", (machine) => runStacd({ open: () => machine, libraryVersion }, args), ways);
