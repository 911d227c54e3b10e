/** stafd and stacd as they ship, on a simulated host instead of this machine. */
import { runStacd } from "../src/lib/daemon/stacd_program.ts";
import { runStafd } from "../src/lib/daemon/stafd_program.ts";
import { systemBusAddress } from "../src/lib/dbus/connection.ts";
import { busAt } from "../src/lib/dbus/reconnect.ts";
import { processSignals } from "../src/lib/linux/signals.ts";
import { SimMachine } from "../src/lib/sim/machine.ts";
import type { World } from "../src/lib/sim/world.ts";
import { DemoFailure } from "./failure.ts";

export interface RunningDaemon {
  /** Asks it to end, as SIGTERM does. */
  stop(): void;
  /** The exit status. */
  readonly ended: Promise<number>;
}

/** Settles when the daemon has begun its work; fails when it ends instead. */
async function start(
  world: World,
  program: "stafd" | "stacd",
  run: (machine: SimMachine) => Promise<number>,
): Promise<RunningDaemon> {
  const ready = Promise.withResolvers<"ready">();
  const machine = new SimMachine(world, program, {
    // A real bus, for the real control tools.
    bus: busAt(systemBusAddress()),
    signals: processSignals,
    ready: () => ready.resolve("ready"),
  });
  const ended = run(machine);
  const first = await Promise.race([ready.promise, ended]);
  if (first !== "ready") throw new DemoFailure(`${program} ended at its start with exit status ${first}`);
  return { stop: () => machine.signal("SIGTERM"), ended };
}

const libraryVersion = (): string => "simulated";

/** Which bus they go to says DBUS_SYSTEM_BUS_ADDRESS. */
export const startStafd = (world: World, args: readonly string[] = []): Promise<RunningDaemon> =>
  start(world, "stafd", (machine) => runStafd({ open: () => machine, libraryVersion }, args));

export const startStacd = (world: World, args: readonly string[] = []): Promise<RunningDaemon> =>
  start(world, "stacd", (machine) => runStacd({ open: () => machine, libraryVersion }, args));
