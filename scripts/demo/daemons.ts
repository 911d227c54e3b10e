/** stafd and stacd as src/stafd.ts and src/stacd.ts put them together, on a simulated host instead of this machine. */
import type { DaemonConf } from "../../src/lib/config/daemon_conf.ts";
import { parseStacdConf, type StacdConf } from "../../src/lib/config/stacd_conf.ts";
import { parseStafdConf, type StafdConf } from "../../src/lib/config/stafd_conf.ts";
import { noNbft } from "../../src/lib/core/host.ts";
import { buildConnector } from "../../src/lib/daemon/connector_daemon.ts";
import { buildFinder } from "../../src/lib/daemon/finder_daemon.ts";
import type { Machine } from "../../src/lib/daemon/machine.ts";
import { type Context, type DaemonSpec, runDaemon, type Running } from "../../src/lib/daemon/run_daemon.ts";
import { STAC, STAF } from "../../src/lib/dbus/interfaces.ts";
import { AvahiPort } from "../../src/lib/sim/avahi.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { DemoFailure } from "./failure.ts";
import { SimPlatform } from "./platform.ts";

export interface RunningDaemon {
  /** Asks it to end, as SIGTERM does. */
  stop(): void;
  /** The exit status. */
  readonly ended: Promise<number>;
}

/** A simulated host as a daemon's machine. */
const machineOf = (platform: SimPlatform): Machine => ({
  kernel: platform.kernel,
  resolver: platform.resolver,
  stateFile: platform.stateFile,
  exclusions: platform.exclusions,
  log: platform.log,
  clock: platform.clock,
  readDevice: platform.readDevice,
  nbft: () => ({ type: "nbft", targets: noNbft }),
  prepare: () => Promise.resolve(),
  close: () => {
    platform.close();
    return Promise.resolve();
  },
});

function finder({ platform, ...bus }: Context<SimPlatform>): Running<StafdConf> {
  const avahi = new AvahiPort(platform.world.avahi, () => bus.keeper.bus !== undefined);
  const machine = machineOf(platform);
  return buildFinder({
    ...machine,
    mdns: avahi,
    units: platform.world.units,
    close: () => {
      avahi.close();
      return machine.close();
    },
  }, bus);
}

const connector = ({ platform, ...bus }: Context<SimPlatform>): Running<StacdConf> =>
  buildConnector(machineOf(platform), bus);

type Spec<Conf> = Pick<DaemonSpec<Conf, SimPlatform>, "program" | "what" | "service" | "parse"> & {
  readonly build: (context: Context<SimPlatform>) => Running<Conf>;
};

/** Settles when the daemon has begun its work; fails when it ends instead. */
async function start<Conf extends DaemonConf>(world: World, spec: Spec<Conf>): Promise<RunningDaemon> {
  const { program } = spec;
  const ready = Promise.withResolvers<"ready">();
  let stop = (): void => undefined;
  const ended = runDaemon({
    ...spec,
    open: () => new SimPlatform(world, program, () => ready.resolve("ready")),
    libraryVersion: () => "simulated",
    build: (context) => {
      const running = spec.build(context);
      stop = running.stop;
      return Promise.resolve(running);
    },
  }, []);
  const first = await Promise.race([ready.promise, ended]);
  if (first !== "ready") throw new DemoFailure(`${program} ended at its start with exit status ${first}`);
  return { stop: () => stop(), ended };
}

/** Which bus they go to says DBUS_SYSTEM_BUS_ADDRESS. */
export const startStafd = (world: World): Promise<RunningDaemon> =>
  start(world, {
    program: "stafd",
    what: "finds discovery controllers",
    service: STAF,
    parse: parseStafdConf,
    build: finder,
  });

export const startStacd = (world: World): Promise<RunningDaemon> =>
  start(world, {
    program: "stacd",
    what: "connects I/O controllers",
    service: STAC,
    parse: parseStacdConf,
    build: connector,
  });
