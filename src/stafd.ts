/** stafd: its adapters, its core, and the shell around it. */
import { parseStafdConf, type StafdConf } from "./lib/config/stafd_conf.ts";
import type { FinderEffect, FinderEvent } from "./lib/core/effects.ts";
import { restoredFinder } from "./lib/core/finder_saved.ts";
import type { FinderState } from "./lib/core/finder_state.ts";
import { nbftEvent } from "./lib/daemon/boot_tables.ts";
import { finderCore, finderService } from "./lib/daemon/finder_service.ts";
import { performFinder } from "./lib/daemon/performer.ts";
import { type Context, reloadedHost, runDaemon, type Running } from "./lib/daemon/run_daemon.ts";
import { Shell } from "./lib/daemon/shell.ts";
import { STAF } from "./lib/dbus/interfaces.ts";
import { publisher, serveStaf } from "./lib/dbus/server.ts";
import { Avahi } from "./lib/linux/avahi.ts";
import { loadBackend } from "./lib/linux/libnvme.ts";
import { linuxPlatform, type Platform } from "./lib/linux/platform.ts";
import { UdevRule } from "./lib/linux/udev_rule.ts";
import { SystemdUnits } from "./lib/linux/units.ts";

export function main(args: readonly string[]): Promise<number> {
  return runDaemon({
    program: "stafd",
    what: "STorage Appliance Finder: finds NVMe-oF discovery controllers and publishes what they say.",
    service: STAF,
    parse: parseStafdConf,
    open: ({ syslog }) => linuxPlatform("stafd", syslog),
    libraryVersion: () => loadBackend().version,
    build,
  }, args);
}

async function build({ platform, keeper, facts, setTron }: Context<Platform>): Promise<Running<StafdConf>> {
  const { log, clock, stateFile } = platform;
  const { kernel, fabrics, close } = platform.openKernel();
  const support = await fabrics.support();
  facts.supportsDiscovery = support.has("discovery");
  facts.supportsHostIface = support.has("host_iface");
  const avahi = new Avahi();
  const rule = new UdevRule(log);
  const end = Promise.withResolvers<void>();

  const shell: Shell<FinderState, FinderEvent, FinderEffect> = new Shell(
    finderCore,
    restoredFinder(stateFile.load()),
    clock,
    (effect) =>
      performFinder(effect, {
        kernel,
        resolver: platform.resolver,
        stateFile,
        exclusions: platform.exclusions,
        publisher: publisher(STAF, () => keeper.bus),
        log,
        exit: end.resolve,
        mdns: avahi,
        units: new SystemdUnits(log),
        host: () => shell.state.fleet.host ?? { nqn: "", id: "", symname: "" },
      }, (event) => shell.post(event)),
  );
  const handlers = finderService({
    state: () => shell.state,
    clock,
    read: platform.readDevice,
    facts,
    setTron,
  });
  keeper.onBus((bus) => {
    serveStaf(bus, handlers);
    return Promise.resolve(undefined);
  });
  keeper.onBus((bus) => avahi.attach(bus), () => avahi.lost());

  return {
    begin: async (host, conf) => {
      if (!facts.supportsHostIface || !facts.supportsDiscovery) log.write(oldKernel);
      await rule.install();
      shell.post({ type: "host", host });
      shell.post(nbftEvent(platform.nbft(), platform.interfaces(), host.nqn, log));
      platform.exclusions.read((exclusions) => shell.post({ type: "exclusions", exclusions }));
      avahi.watch((event) => shell.post(event));
      kernel.watch((event) => shell.post(event));
      shell.post({ type: "config", conf, reload: false });
    },
    reload: (host, conf) => {
      if (host !== undefined) {
        shell.post({ type: "host", host: reloadedHost(shell.state.fleet.host, host, log) });
      }
      platform.exclusions.read((exclusions) => shell.post({ type: "exclusions", exclusions }));
      if (conf !== undefined) shell.post({ type: "config", conf, reload: true });
    },
    stop: () => shell.post({ type: "stop" }),
    ended: end.promise,
    close: async () => {
      shell.stop();
      avahi.browse(false);
      await rule.remove();
      await close();
    },
  };
}

const oldKernel = {
  level: "warning",
  message:
    "This kernel cannot bind connections to an interface, or not connect to discovery controllers with an NQN of " +
    "their own; Linux 5.18 or later can",
} as const;
