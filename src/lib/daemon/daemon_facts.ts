import type { Finding } from "../config/finding.ts";
import type { NextConf } from "../config/next_conf.ts";
import type { V1State } from "../dbus/v1_types.ts";

/** What a daemon knows of itself beside its core: for `process_info` and the versioned interface. */
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

/** What it knows of the past, in terms of the clock after somebody set that. */
export function factsAfterClockSet(facts: DaemonFacts, ms: number): void {
  facts.started += ms;
  facts.conf = { ...facts.conf, loadedAt: facts.conf.loadedAt + ms };
}

export const confOf = (facts: DaemonFacts): V1State["config"] => ({ ...facts.conf });
