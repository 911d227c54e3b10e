/** What a daemon says of itself, for tests that need any. */
import type { DaemonFacts } from "../../../src/lib/daemon/daemon_facts.ts";

export const FACTS: DaemonFacts = {
  version: "1.0.1",
  started: 0,
  stateFile: "",
  supportsDiscovery: true,
  supportsHostIface: true,
  tron: false,
  conf: { file: "", loadedAt: 0, valid: true, findings: [] },
};
