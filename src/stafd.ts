/** stafd on this machine. */
import { parseStafdConf } from "./lib/config/stafd_conf.ts";
import { nbftEvent } from "./lib/daemon/boot_tables.ts";
import { buildFinder } from "./lib/daemon/finder_daemon.ts";
import { runDaemon } from "./lib/daemon/run_daemon.ts";
import { STAF } from "./lib/dbus/interfaces.ts";
import { Avahi } from "./lib/linux/avahi.ts";
import { loadBackend } from "./lib/linux/libnvme.ts";
import { linuxPlatform } from "./lib/linux/platform.ts";
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
    build: async ({ platform, ...bus }) => {
      const { log } = platform;
      const { kernel, fabrics, close } = platform.openKernel();
      const support = await fabrics.support();
      bus.facts.supportsDiscovery = support.has("discovery");
      bus.facts.supportsHostIface = support.has("host_iface");
      const avahi = new Avahi();
      bus.keeper.onBus((connection) => avahi.attach(connection), () => avahi.lost());
      const rule = new UdevRule(log);
      return buildFinder({
        ...platform,
        kernel,
        mdns: avahi,
        units: new SystemdUnits(log),
        nbft: (hostNqn) => nbftEvent(platform.nbft(), platform.interfaces(), hostNqn, log),
        prepare: async () => {
          if (!bus.facts.supportsHostIface || !bus.facts.supportsDiscovery) log.write(OLD_KERNEL);
          await rule.install();
        },
        close: async () => {
          await rule.remove();
          await close();
        },
      }, bus);
    },
  }, args);
}

const OLD_KERNEL = {
  level: "warning",
  message:
    "This kernel cannot bind connections to an interface, or not connect to discovery controllers with an NQN of " +
    "their own; Linux 5.18 or later can",
} as const;
