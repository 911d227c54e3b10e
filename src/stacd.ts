/** stacd: its adapters, its core, and the shell around it. */
import { parseStacdConf, type StacdConf } from "./lib/config/stacd_conf.ts";
import type { ConnectorEffect, ConnectorEvent } from "./lib/core/effects.ts";
import { restoredConnector } from "./lib/core/connector_saved.ts";
import type { ConnectorState } from "./lib/core/connector_state.ts";
import { nbftEvent } from "./lib/daemon/boot_tables.ts";
import { connectorCore, connectorService } from "./lib/daemon/connector_service.ts";
import { performConnector } from "./lib/daemon/performer.ts";
import { type Context, reloadedHost, runDaemon, type Running } from "./lib/daemon/run_daemon.ts";
import { Shell } from "./lib/daemon/shell.ts";
import { STAC } from "./lib/dbus/interfaces.ts";
import { publisher, serveStac } from "./lib/dbus/server.ts";
import { StafdClient } from "./lib/dbus/stafd_client.ts";
import { loadBackend } from "./lib/linux/libnvme.ts";
import { linuxPlatform, type Platform } from "./lib/linux/platform.ts";

export function main(args: readonly string[]): Promise<number> {
  return runDaemon({
    program: "stacd",
    what: "STorage Appliance Connector: connects the NVMe-oF I/O controllers that should be connected.",
    service: STAC,
    parse: parseStacdConf,
    open: ({ syslog }) => linuxPlatform("stacd", syslog),
    libraryVersion: () => loadBackend().version,
    build,
  }, args);
}

async function build({ platform, keeper, facts, setTron }: Context<Platform>): Promise<Running<StacdConf>> {
  const { log, clock, stateFile } = platform;
  const { kernel, fabrics, close } = platform.openKernel();
  const support = await fabrics.support();
  facts.supportsDiscovery = support.has("discovery");
  facts.supportsHostIface = support.has("host_iface");
  const stafd = new StafdClient(keeper, () => clock.now().wall);
  const end = Promise.withResolvers<void>();

  const shell: Shell<ConnectorState, ConnectorEvent, ConnectorEffect> = new Shell(
    connectorCore,
    restoredConnector(stateFile.load()),
    clock,
    (effect) =>
      performConnector(effect, {
        kernel,
        resolver: platform.resolver,
        stateFile,
        exclusions: platform.exclusions,
        publisher: publisher(STAC, () => keeper.bus),
        log,
        exit: end.resolve,
        stafd,
      }, (event) => shell.post(event)),
  );
  const handlers = connectorService({
    state: () => shell.state,
    clock,
    read: platform.readDevice,
    facts,
    setTron,
  });
  keeper.onBus((bus) => {
    serveStac(bus, handlers);
    return Promise.resolve(undefined);
  });

  return {
    begin: (host, conf) => {
      shell.post({ type: "host", host });
      shell.post(nbftEvent(platform.nbft(), platform.interfaces(), host.nqn, log));
      platform.exclusions.read((exclusions) => shell.post({ type: "exclusions", exclusions }));
      kernel.watch((event) => shell.post(event));
      shell.post({ type: "config", conf, reload: false });
      stafd.watch((event) => shell.post(event));
      return Promise.resolve();
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
      await close();
    },
  };
}
