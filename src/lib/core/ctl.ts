/** One controller as the core sees it: its sources, and how far the connection is. */
import type { ConnectOptions, DhchapKeys } from "../nvme/connect_options.ts";
import type { Failure } from "../nvme/failure.ts";
import type { Tid } from "../nvme/tid.ts";
import type { Instant } from "../nvme/time.ts";
import type { DeviceRef } from "../ports.ts";
import type { Op } from "./effects.ts";
import type { Evidence, Proof } from "./evidence.ts";
import type { Guard } from "./guard.ts";
import type { Standing } from "./standing.ts";

/**
 * Somebody's positive statement that this controller is to be connected. `traddr` is the address as they spell it: they need
 * not agree on that (TID-17).
 */
export type Claim =
  | {
    readonly kind: "config";
    readonly file: string;
    readonly line: number;
    /** The line as written, secrets replaced. */
    readonly text: string;
    /** Before name resolution: exclusions by host name look at this. */
    readonly written: Tid;
    /** The address of a host name, or the literal one. */
    readonly traddr: string;
    readonly overrides: ConnectOptions;
    readonly keys: DhchapKeys;
    /** Of the line, with its host NQN; empty when it gives none. */
    readonly hostId: string;
    /** Unknown keys of the line; shown on D-Bus (CFG-55). */
    readonly extra: ReadonlyMap<string, string>;
  }
  | { readonly kind: "nbft"; readonly file: string; readonly traddr: string; readonly hostId: string }
  /** `present` is false from the moment the service was withdrawn. */
  | {
    readonly kind: "mdns";
    /** For people: name, interface, protocol. */
    readonly service: string;
    /** That heard it; empty for one of a state file that does not tell. */
    readonly hostIface: string;
    readonly traddr: string;
    readonly present: boolean;
    /** False: known from before a restart, and Avahi has not spoken of it since. */
    readonly heard: boolean;
  }
  | {
    readonly kind: "referral" | "log-page";
    /** Key of the discovery controller whose page lists it. */
    readonly dc: string;
    readonly dcText: string;
    readonly genctr: string;
    /** Milliseconds since 1970. */
    readonly readAt: number;
    /** The entry, as texts (requirements 50). */
    readonly entry: Readonly<Record<string, string>>;
  };

/** Who made a claim: a line, a service, the page of one discovery controller. One authority's statement replaces its last one. */
export type Authority = string;

/** The log page of one discovery controller, as an authority. */
export const pageAuthority = (dcKey: string): Authority => `page:${dcKey}`;

/** The key of the discovery controller whose page that is; of no controller for other authorities. */
export const dcOfPage = (authority: Authority): string =>
  authority.startsWith("page:") ? authority.slice("page:".length) : "";

export type Link =
  /** Nothing under way. */
  | { readonly phase: "idle" }
  /** Failed; tried again at `until`. */
  | { readonly phase: "waiting"; readonly until: Instant }
  /** Waits for its turn to be probed, or is being probed. */
  | { readonly phase: "reaching"; readonly op: Op | undefined }
  /** Answers; waits for the kernel, which makes one connection at a time. */
  | { readonly phase: "ready" }
  | { readonly phase: "connecting"; readonly op: Op }
  | {
    readonly phase: "up";
    readonly ref: DeviceRef;
    readonly adopted: boolean;
    /** When its link was seen to be lost; absent while it is live. */
    readonly lost?: number;
  }
  | { readonly phase: "deleting"; readonly ref: DeviceRef; readonly op: Op; readonly evidence: Proof };

export interface HistoryEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly text: string;
}

/** Entries of {@link Ctl.history} that are kept. */
const MAX_HISTORY = 12;

/** This host's side of a transport id: who we are, and which way we go. */
export interface HostSide {
  readonly hostNqn: string;
  readonly hostIface: string;
  readonly hostTraddr: string;
}

/** Sides that {@link Ctl.formerly} remembers. */
export const MAX_FORMERLY = 4;

export const hostSide = ({ hostNqn, hostIface, hostTraddr }: Tid): HostSide => ({
  hostNqn,
  hostIface,
  hostTraddr,
});

export interface Ctl {
  readonly key: string;
  readonly tid: Tid;
  /**
   * What our side of it was when our own record began, if the host or a default has changed since: a connection made so
   * counts as this controller's until it is gone (S13). Newest last.
   */
  readonly formerly: readonly HostSide[];
  readonly claims: ReadonlyMap<Authority, Claim>;
  /** Which sources withdrew it and why, newest last. With no claim left this is the proof that it is not wanted. */
  readonly released: ReadonlyMap<Authority, Evidence>;
  readonly link: Link;
  /** Failures in a row. */
  readonly attempts: number;
  readonly lastFailure: { readonly failure: Failure; readonly at: number } | undefined;
  /** When the present failing or waiting began to be retried; a retry asked for by evidence keeps a distance from it. */
  readonly lastTry: Instant | undefined;
  /** End of the soak before it is taken away. */
  readonly doom: Instant | undefined;
  /** The use of its namespaces, as last seen, while its removal is due. */
  readonly guard: Guard | undefined;
  /** One attempt is allowed although the rules would not (reload, STAC-53). */
  readonly oneTry: boolean;
  /** The state must be on disk up to this save before the kernel is asked to connect (S9). */
  readonly born: number;
  /** From the state file, and the kernel was not looked at since: a connection that is there is ours (STAC-1, STAF-124). */
  readonly restored: boolean;
  /** Asked for in the run before this one; an I/O controller's connection has not been missed since. */
  readonly inherited: boolean;
  /** It was connected once, as far as this process or its state file knows. */
  readonly proven: boolean;
  /** Excluded and withdrawn: any connection belongs to others. */
  readonly resting: boolean;
  readonly history: readonly HistoryEntry[];
  /** Undefined until the step that made it ends. */
  readonly standing: Standing | undefined;
}

export function newCtl(key: string, tid: Tid, born: number): Ctl {
  return {
    key,
    tid,
    formerly: [],
    claims: new Map(),
    released: new Map(),
    link: { phase: "idle" },
    attempts: 0,
    lastFailure: undefined,
    lastTry: undefined,
    doom: undefined,
    guard: undefined,
    oneTry: false,
    born,
    restored: false,
    inherited: false,
    proven: false,
    resting: false,
    history: [],
    standing: undefined,
  };
}

export const noted = (ctl: Ctl, at: number, text: string): Ctl => ({
  ...ctl,
  history: [...ctl.history, { at, text }].slice(-MAX_HISTORY),
});

/** A source that claims it again has not withdrawn it. */
export function withClaim(ctl: Ctl, authority: Authority, claim: Claim): Ctl {
  const released = new Map(ctl.released);
  released.delete(authority);
  // A source claims it now: that none did is no evidence any more, also when that source withdraws it again.
  for (const [who, { kind }] of released) if (kind === "audit") released.delete(who);
  return { ...ctl, released, claims: new Map(ctl.claims).set(authority, claim) };
}

/** Takes one authority's claim away; its evidence is remembered. */
export function withoutClaim(ctl: Ctl, authority: Authority, evidence: Evidence): Ctl {
  if (!ctl.claims.has(authority)) return ctl;
  const claims = new Map(ctl.claims);
  claims.delete(authority);
  return { ...ctl, claims, released: new Map(ctl.released).set(authority, evidence) };
}

/** The device of a connection that exists. */
export function deviceOf(ctl: Ctl): DeviceRef | undefined {
  return ctl.link.phase === "up" || ctl.link.phase === "deleting" ? ctl.link.ref : undefined;
}

/** The generation of the log page that makes a claim. */
export const claimGenctr = (claim: Claim | undefined): string | undefined =>
  claim?.kind === "log-page" ? claim.genctr : undefined;

/** A claim in words. */
export function claimText(claim: Claim): string {
  switch (claim.kind) {
    case "config":
      return `${claim.file}:${claim.line}: ${claim.text}`;
    case "nbft":
      return `boot firmware table ${claim.file}`;
    case "mdns":
      if (claim.present) return `mDNS service ${claim.service}`;
      return `mDNS service ${claim.service}, ${
        claim.heard ? "withdrawn" : "not heard of again since the restart"
      }`;
    case "referral":
      return `referral by ${claim.dcText}, generation ${claim.genctr}`;
    case "log-page":
      return `log page of ${claim.dcText}, generation ${claim.genctr}`;
  }
}
