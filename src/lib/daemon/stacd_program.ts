/** stacd from its command line to its exit status: the same wiring for this machine and simulated ones. */
import { parseStacdConf } from "../config/stacd_conf.ts";
import { STAC } from "../dbus/interfaces.ts";
import { nbftEvent } from "./boot_tables.ts";
import { buildStacd, stacdSeams } from "./stacd_daemon.ts";
import type { DaemonOptions } from "./daemon_options.ts";
import { openedKernel, type Platform } from "./platform.ts";
import { runDaemon } from "./run_daemon.ts";

export interface StacdProgram {
  readonly open: (options: DaemonOptions) => Platform;
  readonly libraryVersion: () => string;
  readonly seams?: typeof stacdSeams;
}

export function runStacd(
  { open, libraryVersion, seams = stacdSeams }: StacdProgram,
  args: readonly string[],
): Promise<number> {
  return runDaemon({
    program: "stacd",
    what: "STorage Appliance Connector: connects the NVMe-oF I/O controllers that should be connected.",
    service: STAC,
    parse: parseStacdConf,
    open,
    libraryVersion,
    build: async ({ platform, ...bus }) => {
      const { kernel, close } = await openedKernel(platform, bus.facts);
      return buildStacd(
        {
          ...platform,
          kernel,
          nbft: (hostNqn) => nbftEvent(platform.nbft(), platform.interfaces(), hostNqn, platform.log),
          prepare: () => Promise.resolve(),
          close,
        },
        bus,
        seams,
      );
    },
  }, args);
}
