import type { Secret } from "../nvme/secret.ts";
import type { Tid } from "../nvme/tid.ts";
import type { HostIdentity } from "../ports.ts";

/** The host as sys.conf describes it: identity, and the host's DH-HMAC-CHAP key if it has one. */
export interface HostConf extends HostIdentity {
  readonly key: Secret | undefined;
  /** sys.conf asks for a key and it cannot be read: nothing is connected without one (S15). */
  readonly keyProblem?: string | undefined;
}

/** What the boot firmware's tables say (requirements 20). */
export interface NbftTargets {
  /** Discovery controllers that stafd is to use, with the host ID that goes with a host NQN of the table. */
  readonly discovery: readonly NbftTarget[];
  /** Subsystems that the machine was booted from: never to be disconnected (STAC-47). */
  readonly boot: readonly NbftTarget[];
}

export interface NbftTarget {
  readonly tid: Tid;
  /** Host ID of the table, empty when it has none. */
  readonly hostId: string;
  /** File that says so. */
  readonly file: string;
}

export const noNbft: NbftTargets = { discovery: [], boot: [] };
