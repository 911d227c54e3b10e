/**
 * `forget`: a person tells stafd that a discovery controller which mDNS announced once, and which is silent now, will
 * not come back. Its record goes at once, and with it what leads on from it alone; stacd then removes what only its
 * log page lists, as after the end of `zeroconf-connections-persistence`, and keeps what is in use (S12). Pure.
 */
import type { Tid } from "../../nvme/tid.ts";
import type { Act } from "../effects.ts";

export interface ForgetEvent extends Act {
  readonly type: "forget";
  /** `ask`: only report what would go. */
  readonly mode: "ask" | "do";
}

/** The outcome for one controller. */
export interface Forgotten {
  readonly tid: Tid;
  /** Empty where it is not connected. */
  readonly device: string;
  /** `disconnected`: its connection, whose link is lost, goes too; `kept`: stafd may not disconnect it; `refused`: all stays. */
  readonly becomes: "not-connected" | "disconnected" | "kept" | "refused";
  /** The reason, for the last two. */
  readonly why: string;
  /** I/O controllers that its log page listed last, and those of them that no other log page lists. */
  readonly listed: number;
  readonly only: number;
}

export interface ForgetAnswer {
  /** `possible` answers `ask`; `unknown`: no such controller. */
  readonly result: "possible" | "forgotten" | "refused" | "unknown";
  /** Why it was refused, each with the way out. */
  readonly reasons: readonly string[];
  /** Those that were named, then those to which only they referred. */
  readonly controllers: readonly Forgotten[];
}
