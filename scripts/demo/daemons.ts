/** stafd and stacd as src/stafd.ts and src/stacd.ts put them together, on a simulated host instead of this machine. */
import type { DaemonConf } from "../../src/lib/config/daemon_conf.ts";
import { parseStacdConf, type StacdConf } from "../../src/lib/config/stacd_conf.ts";
import { parseStafdConf, type StafdConf } from "../../src/lib/config/stafd_conf.ts";
import { restoredConnector } from "../../src/lib/core/connector_saved.ts";
import type { ConnectorState } from "../../src/lib/core/connector_state.ts";
import type {
  ConnectorEffect,
  ConnectorEvent,
  Event,
  FinderEffect,
  FinderEvent,
} from "../../src/lib/core/effects.ts";
import { restoredFinder } from "../../src/lib/core/finder_saved.ts";
import type { FinderState } from "../../src/lib/core/finder_state.ts";
import { type HostConf, noNbft } from "../../src/lib/core/host.ts";
import { connectorCore, connectorService } from "../../src/lib/daemon/connector_service.ts";
import { finderCore, finderService } from "../../src/lib/daemon/finder_service.ts";
import { type CommonPorts, performConnector, performFinder } from "../../src/lib/daemon/performer.ts";
import { type Context, type DaemonSpec, runDaemon, type Running } from "../../src/lib/daemon/run_daemon.ts";
import { Shell } from "../../src/lib/daemon/shell.ts";
import { STAC, STAF } from "../../src/lib/dbus/interfaces.ts";
import { publisher, serveStac, serveStaf } from "../../src/lib/dbus/server.ts";
import { StafdClient } from "../../src/lib/dbus/stafd_client.ts";
import type { Publisher } from "../../src/lib/ports.ts";
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

/** Where a daemon's loop takes what both daemons are told. */
type Post = (event: Event) => void;

/** In the order of a start: who the host is, what it booted from, what must not be connected; then what happens. */
function tellHost({ kernel, exclusions }: SimPlatform, host: HostConf, post: Post): void {
  post({ type: "host", host });
  post({ type: "nbft", targets: noNbft });
  exclusions.read((list) => post({ type: "exclusions", exclusions: list }));
  kernel.watch(post);
}

function portsOf(platform: SimPlatform, emitter: Publisher, exit: () => void): CommonPorts {
  const { kernel, resolver, stateFile, exclusions, log } = platform;
  return { kernel, resolver, stateFile, exclusions, publisher: emitter, log, exit };
}

function buildFinder({ platform, keeper, facts, setTron }: Context<SimPlatform>): Running<StafdConf> {
  const { clock, world, readDevice } = platform;
  const end = Promise.withResolvers<void>();
  const ports = portsOf(platform, publisher(STAF, () => keeper.bus), end.resolve);
  const avahi = new AvahiPort(world.avahi, () => keeper.bus !== undefined);
  const shell: Shell<FinderState, FinderEvent, FinderEffect> = new Shell(
    finderCore,
    restoredFinder(platform.stateFile.load()),
    clock,
    (effect) =>
      performFinder(effect, {
        ...ports,
        mdns: avahi,
        units: world.units,
        host: () => shell.state.fleet.host ?? { nqn: "", id: "", symname: "" },
      }, (event) => shell.post(event)),
  );
  const post = (event: FinderEvent): void => shell.post(event);
  const handlers = finderService({ state: () => shell.state, clock, read: readDevice, facts, setTron });
  keeper.onBus((bus) => {
    serveStaf(bus, handlers);
    return Promise.resolve(undefined);
  });
  return {
    begin: (host, conf) => {
      tellHost(platform, host, post);
      avahi.watch(post);
      post({ type: "config", conf, reload: false });
      return Promise.resolve();
    },
    reload: (_host, conf) => {
      if (conf !== undefined) post({ type: "config", conf, reload: true });
    },
    stop: () => post({ type: "stop" }),
    ended: end.promise,
    close: () => {
      shell.stop();
      avahi.close();
      platform.close();
      return Promise.resolve();
    },
  };
}

function buildConnector({ platform, keeper, facts, setTron }: Context<SimPlatform>): Running<StacdConf> {
  const { clock, readDevice } = platform;
  const end = Promise.withResolvers<void>();
  const ports = portsOf(platform, publisher(STAC, () => keeper.bus), end.resolve);
  const stafd = new StafdClient(keeper, () => clock.now().wall);
  const shell: Shell<ConnectorState, ConnectorEvent, ConnectorEffect> = new Shell(
    connectorCore,
    restoredConnector(platform.stateFile.load()),
    clock,
    (effect) => performConnector(effect, { ...ports, stafd }, (event) => shell.post(event)),
  );
  const post = (event: ConnectorEvent): void => shell.post(event);
  const handlers = connectorService({ state: () => shell.state, clock, read: readDevice, facts, setTron });
  keeper.onBus((bus) => {
    serveStac(bus, handlers);
    return Promise.resolve(undefined);
  });
  return {
    begin: (host, conf) => {
      tellHost(platform, host, post);
      post({ type: "config", conf, reload: false });
      stafd.watch(post);
      return Promise.resolve();
    },
    reload: (_host, conf) => {
      if (conf !== undefined) post({ type: "config", conf, reload: true });
    },
    stop: () => post({ type: "stop" }),
    ended: end.promise,
    close: () => {
      shell.stop();
      platform.close();
      return Promise.resolve();
    },
  };
}

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
    build: buildFinder,
  });

export const startStacd = (world: World): Promise<RunningDaemon> =>
  start(world, {
    program: "stacd",
    what: "connects I/O controllers",
    service: STAC,
    parse: parseStacdConf,
    build: buildConnector,
  });
