/** stafd from its command line to its exit status: the same wiring for this machine and simulated ones. */
import { parseStafdConf } from "../config/stafd_conf.ts";
import { STAF } from "../dbus/interfaces.ts";
import { nbftEvent } from "./boot_tables.ts";
import type { DaemonOptions } from "./daemon_options.ts";
import { buildStafd, stafdSeams } from "./stafd_daemon.ts";
import { openedKernel, type StafdPlatform } from "./platform.ts";
import { runDaemon } from "./run_daemon.ts";

export interface StafdProgram {
  readonly open: (options: DaemonOptions) => StafdPlatform;
  readonly libraryVersion: () => string;
  readonly seams?: typeof stafdSeams;
}

export function runStafd(
  { open, libraryVersion, seams = stafdSeams }: StafdProgram,
  args: readonly string[],
): Promise<number> {
  return runDaemon({
    program: "stafd",
    what: "STorage Appliance Finder: finds NVMe-oF discovery controllers and publishes what they say.",
    service: STAF,
    parse: parseStafdConf,
    open,
    libraryVersion,
    build: async ({ platform, ...bus }) => {
      const { log, mdns, units, udevRule } = platform;
      const { kernel, close } = await openedKernel(platform, bus.facts);
      bus.keeper.onBus((connection) => mdns.attach(connection), () => mdns.lost());
      return buildStafd(
        {
          ...platform,
          kernel,
          mdns,
          units,
          nbft: (hostNqn) => nbftEvent(platform.nbft(), platform.interfaces(), hostNqn, log),
          prepare: async () => {
            if (!bus.facts.supportsHostIface || !bus.facts.supportsDiscovery) log.write(OLD_KERNEL);
            await udevRule.install();
          },
          close: async () => {
            await udevRule.remove();
            await close();
          },
        },
        bus,
        seams,
      );
    },
  }, args);
}

const OLD_KERNEL = {
  level: "warning",
  message:
    "This kernel cannot bind connections to an interface, or cannot connect to discovery controllers with an NQN of " +
    "their own; Linux 5.18 or later can",
} as const;
