/** JSON of schema 2 about the acts of a person, and about what happened. */
import type { V2Head, V2Tid } from "./v2_types.ts";

/** Controllers that a person took out for maintenance. */
export interface V2Drain {
  /** As it was written. */
  readonly what: string;
  readonly uid: number;
  /** When it began. */
  readonly begun_at: number;
  /** When it ends; null: by undrain or a reboot. */
  readonly until: number | null;
  /** Also what is in use goes. */
  readonly forced: boolean;
  /** Controllers that it takes now. */
  readonly controllers: number;
}

/** A controller that an act of a person names. */
interface V2Named {
  readonly tid: V2Tid;
  readonly text: string;
  /** The present one; empty if it is not connected. */
  readonly device: string;
}

interface V2DrainedController extends V2Named {
  /** `held`: it would go, and may not; `watched`: that is not known yet; `kept`: stacd may not disconnect it. */
  readonly becomes: "not-connected" | "disconnected" | "kept" | "held" | "watched";
  /** Of the last three; empty otherwise. */
  readonly why: string;
}

/** `drain` and `undrain`. */
export interface V2Drained extends V2Head {
  readonly output: "drain";
  /** `unknown`: nothing has that name. */
  readonly result: "drained" | "undrained" | "refused" | "unknown";
  /** Why it was refused. */
  readonly reasons: readonly string[];
  /** What becomes of each controller that is named. */
  readonly controllers: readonly V2DrainedController[];
  /** The drains that began or ended; of `unknown` those in force. */
  readonly drains: readonly V2Drain[];
}

interface V2ForgottenController extends V2Named {
  /** `disconnected`: its connection, whose link is lost, goes, too; `kept`: stafd may not disconnect it; `refused`: nothing changes. */
  readonly becomes: "not-connected" | "disconnected" | "kept" | "refused";
  /** Of the last two; empty otherwise. */
  readonly why: string;
  /** The number of I/O controllers that its log page listed last. */
  readonly listed: number;
  /** Those of them that no other log page lists. */
  readonly only: number;
}

/** `forget`. */
export interface V2Forgotten extends V2Head {
  readonly output: "forget";
  /** `possible`: with `--dry-run`, it would be done; `unknown`: nothing has that name. */
  readonly result: "possible" | "forgotten" | "refused" | "unknown";
  /** Why it was refused, each with the way out. */
  readonly reasons: readonly string[];
  /** The controllers that are named, then those to which only they referred. */
  readonly controllers: readonly V2ForgottenController[];
}

interface V2RenewedController extends V2Named {
  /**
   * `keys`: the kernel authenticates again with new keys; `reconnect`: disconnected and connected again; `same`: nothing that
   * the kernel shows differs from the file; `not-connected`: its next connection has the options.
   */
  readonly means: "keys" | "reconnect" | "same" | "not-connected";
  /** `left`: not begun. */
  readonly is: "waiting" | "under-way" | "done" | "failed" | "left";
  /** The differences; of `failed`, the reason. */
  readonly why: string;
}

/** `renew`. */
export interface V2Renewed extends V2Head {
  readonly output: "renew";
  /** `possible`: with `--dry-run`, it would be begun; `stopped`: at the first failure, or by a person. */
  readonly result: "possible" | "renewed" | "stopped" | "refused" | "unknown";
  /** Why it was refused, or stopped. */
  readonly reasons: readonly string[];
  /** What the array has to be ready for. */
  readonly warnings: readonly string[];
  readonly controllers: readonly V2RenewedController[];
}

/** One event of `history`. */
export interface V2Past {
  readonly at: number;
  /** Stable word, as in `monitor`: `connected`, `link-lost`, `disconnecting`, `drained`... */
  readonly type: string;
  /** The controller, null for an event of the daemon itself. The journal does not have its `host_nqn`: empty. */
  readonly tid: V2Tid | null;
  readonly text: string;
  /** Empty where it is not connected, or not known. */
  readonly device: string;
  /** For people, one sentence with the reason. */
  readonly message: string;
  /** Why no source wanted the controller any more, or what was drained; null: none, or an older daemon told the event. */
  readonly evidence: string | null;
  /** Of an act by hand, the user; null: no such act, or an older daemon told the event. */
  readonly uid: number | null;
}

/** `history`. */
export interface V2History extends V2Head {
  readonly output: "history";
  /** From and to when it was asked for; null: no limit. */
  readonly since: number | null;
  readonly until: number | null;
  /** What could be asked; the journal is read by the tool. */
  readonly sources: { readonly daemon: boolean; readonly journal: boolean };
  /** For people: why something may be missing. */
  readonly notes: readonly string[];
  /** The oldest first. */
  readonly events: readonly V2Past[];
}
