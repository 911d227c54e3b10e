/**
 * How long a call of a port may take before its end is "no answer" (L6). A call beyond this bound keeps its
 * place: no second call is made on the same object before it has returned, because it may hold a lock of the
 * kernel or one of Deno's threads.
 */
import type { Failure } from "../base/failure.ts";
import { type Duration, minutes, seconds } from "../base/time.ts";

export interface CallBound {
  readonly phase: Failure["phase"];
  /** For display, followed by the object: "the disconnect of nvme3". */
  readonly what: string;
  readonly bound: Duration;
}

/** The documentation contains this table, too; a test compares the two. */
export const CALL_BOUNDS = {
  scan: { phase: "scan", what: "the look at all controllers in sysfs", bound: seconds(60) },
  states: { phase: "scan", what: "the look at the states of controllers in sysfs", bound: seconds(30) },
  /** In addition to the call's own time-out. */
  reach: { phase: "reach", what: "the test whether an address answers", bound: seconds(10) },
  /** The kernel's lock may delay a connect for 61 s, and another connect may be ahead of it. */
  connect: { phase: "connect", what: "the connect", bound: seconds(150) },
  /** A delete waits for requests in flight. */
  disconnect: { phase: "disconnect", what: "the disconnect", bound: minutes(3) },
  use: { phase: "disconnect", what: "the look at what its namespaces are used for", bound: seconds(30) },
  keys: { phase: "connect", what: "the handing over of new keys", bound: seconds(60) },
  storage: { phase: "scan", what: "the look at all subsystems in sysfs", bound: seconds(30) },
  register: { phase: "register", what: "the registration", bound: seconds(60) },
  supportedLogs: { phase: "supported-logs", what: "the Supported Log Pages command", bound: seconds(60) },
  discoveryLog: { phase: "read-log", what: "the reading of the log page", bound: minutes(3) },
  generation: { phase: "read-log", what: "the reading of the generation", bound: seconds(60) },
  resolve: { phase: "resolve", what: "the question to the name server", bound: seconds(60) },
  save: { phase: "file", what: "the writing of the state file", bound: seconds(30) },
  exclusions: { phase: "file", what: "the reading of nvme-cli's exclusions", bound: seconds(30) },
  fetch: { phase: "bus", what: "the question to stafd", bound: seconds(60) },
} as const satisfies Readonly<Record<string, CallBound>>;

export type CallKind = keyof typeof CALL_BOUNDS;
