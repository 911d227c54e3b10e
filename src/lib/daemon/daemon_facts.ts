import type { Finding } from "../config/finding.ts";
import type { NextConf } from "../config/next_conf.ts";
import type { V1State } from "../dbus/v1_types.ts";

/** Facts about a daemon that are not in its core, for `process_info` and the versioned interface. */
export interface DaemonFacts {
  readonly version: string;
  /** Milliseconds since 1970. */
  started: number;
  readonly stateFile: string;
  supportsDiscovery: boolean;
  supportsHostIface: boolean;
  tron: boolean;
  /** The connectivity file of nvme-stas 3 that is in force with `conf`. */
  next?: NextConf;
  conf: { file: string; loadedAt: number; valid: boolean; findings: readonly Finding[] };
}

/** The past times among the facts, converted after the clock was set. */
export function factsAfterClockSet(facts: DaemonFacts, ms: number): void {
  facts.started += ms;
  facts.conf = { ...facts.conf, loadedAt: facts.conf.loadedAt + ms };
}

export const confOf = (facts: DaemonFacts): V1State["config"] => ({ ...facts.conf });
