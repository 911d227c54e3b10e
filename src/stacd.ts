/** stacd on this machine. */
import { parseStacdConf } from "./lib/config/stacd_conf.ts";
import { nbftEvent } from "./lib/daemon/boot_tables.ts";
import { buildConnector } from "./lib/daemon/connector_daemon.ts";
import { runDaemon } from "./lib/daemon/run_daemon.ts";
import { STAC } from "./lib/dbus/interfaces.ts";
import { loadBackend } from "./lib/linux/libnvme.ts";
import { linuxPlatform } from "./lib/linux/platform.ts";

export function main(args: readonly string[]): Promise<number> {
  return runDaemon({
    program: "stacd",
    what: "STorage Appliance Connector: connects the NVMe-oF I/O controllers that should be connected.",
    service: STAC,
    parse: parseStacdConf,
    open: ({ syslog }) => linuxPlatform("stacd", syslog),
    libraryVersion: () => loadBackend().version,
    build: async ({ platform, ...bus }) => {
      const { kernel, fabrics, close } = platform.openKernel();
      const support = await fabrics.support();
      bus.facts.supportsDiscovery = support.has("discovery");
      bus.facts.supportsHostIface = support.has("host_iface");
      return buildConnector({
        ...platform,
        kernel,
        nbft: (hostNqn) => nbftEvent(platform.nbft(), platform.interfaces(), hostNqn, platform.log),
        prepare: () => Promise.resolve(),
        close,
      }, bus);
    },
  }, args);
}
