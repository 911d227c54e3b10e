import type { Secret } from "../../base/secret.ts";
import type { Tid } from "../../nvme/tid.ts";
import type { HostIdentity } from "../../ports.ts";

/** The host as sys.conf describes it: identity, and the host's DH-HMAC-CHAP key if it has one. */
export interface HostConf extends HostIdentity {
  readonly key: Secret | undefined;
  /** sys.conf names a key that cannot be read: no connection is made without a key (S15). */
  readonly keyProblem?: string | undefined;
}

/** The content of the boot firmware's tables (requirements 20). */
export interface NbftTargets {
  /** Discovery controllers that stafd is to use, with the host ID that goes with a host NQN of the table. */
  readonly discovery: readonly NbftTarget[];
  /** Subsystems that the machine was booted from, which are never disconnected (STAC-47). */
  readonly boot: readonly NbftTarget[];
}

export interface NbftTarget {
  readonly tid: Tid;
  /** Host ID of the table; empty if the table has none. */
  readonly hostId: string;
  /** The file of the table. */
  readonly file: string;
}

export const noNbft: NbftTargets = { discovery: [], boot: [] };
