/** One controller as the core sees it: its sources, and how far the connection is. */
import type { ConnectOptions, DhchapKeys } from "../../nvme/connect_options.ts";
import type { PageEntry } from "../../nvme/discovery_entry.ts";
import type { Failure } from "../../base/failure.ts";
import type { Tid } from "../../nvme/tid.ts";
import type { Instant } from "../../base/time.ts";
import type { DeviceRef } from "../../ports.ts";
import type { Op } from "../effects.ts";
import type { Evidence, Proof } from "../planning/evidence.ts";
import type { Guard } from "../planning/guard.ts";
import type { Standing } from "./standing.ts";

/**
 * One source's positive statement that this controller is wanted. `traddr` is the address as the source
 * spells it: sources may spell it differently (TID-17).
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
    /** Host ID from the line, which goes with the line's host NQN; empty without one. */
    readonly hostId: string;
    /** Unknown keys of the line; shown on D-Bus (CFG-55). */
    readonly extra: ReadonlyMap<string, string>;
  }
  | { readonly kind: "nbft"; readonly file: string; readonly traddr: string; readonly hostId: string }
  /** `present` is false from the moment the service was withdrawn. */
  | {
    readonly kind: "mdns";
    /** For display: name, interface, protocol. */
    readonly service: string;
    /**
     * The interface on which it was announced; empty if it comes from a state file without that information.
     */
    readonly hostIface: string;
    readonly traddr: string;
    readonly present: boolean;
    /** False: known from before a restart, and Avahi has not announced it since. */
    readonly heard: boolean;
  }
  | {
    readonly kind: "referral" | "log-page";
    /** Key of the discovery controller whose page lists it. */
    readonly dc: string;
    readonly dcText: string;
    /**
     * The page with which the entry was taken in: the same entry on a later page changes no claim (stacd), see
     * {@link claimNow}. `readAt`: milliseconds since 1970.
     */
    readonly genctr: string;
    readonly readAt: number;
    readonly entry: PageEntry;
    /** Later pages do not list it, but withdraw nothing. */
    readonly isLeft?: true;
  };

/** Which reading of a log page it was. */
export interface PageVersion {
  readonly genctr: string;
  /** Milliseconds since 1970. */
  readonly readAt: number;
}

/**
 * The authority behind a claim: a line, a service, the page of one discovery controller. A new statement of
 * an authority replaces its previous one.
 */
export type Authority = string;

/** The log page of one discovery controller, as an authority. */
export const pageAuthority = (dcKey: string): Authority => `page:${dcKey}`;

/** The key of the discovery controller whose page this authority is; empty for other authorities. */
export const dcOfPage = (authority: Authority): string =>
  authority.startsWith("page:") ? authority.slice("page:".length) : "";

export type Link =
  /** Nothing under way. */
  | { readonly phase: "idle" }
  /** Failed; tried again at `until`. */
  | { readonly phase: "waiting"; readonly until: Instant }
  /** Waits for its turn to be probed, or is being probed. */
  | { readonly phase: "reaching"; readonly op: Op | undefined }
  /** The target answers; waits for the kernel, which makes one connection at a time. */
  | { readonly phase: "ready" }
  | { readonly phase: "connecting"; readonly op: Op }
  /** The kernel has taken the connect and goes on with it: a controller exists that was never live (unfinished.ts). */
  | {
    readonly phase: "forming";
    readonly ref: DeviceRef;
    /** Milliseconds since 1970. */
    readonly since: number;
    /** When it counts as failed; absent once it does. */
    readonly until?: Instant;
  }
  | {
    readonly phase: "up";
    readonly ref: DeviceRef;
    readonly adopted: boolean;
    /** When the link was seen to be lost; absent while the link is up. */
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

/** This host's side of a transport id: host NQN, interface and source address. */
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
   * Earlier values of our side, if the host's identity or a default has changed since the record began: a
   * connection made with them counts as this controller's until it is gone (S13). Newest last.
   */
  readonly formerly: readonly HostSide[];
  readonly claims: ReadonlyMap<Authority, Claim>;
  /**
   * The sources that withdrew it, and why, newest last. When no claim is left, this is the evidence that it
   * is not wanted.
   */
  readonly released: ReadonlyMap<Authority, Evidence>;
  readonly link: Link;
  /** Failures in a row. */
  readonly attempts: number;
  /** The last attempt that the kernel made was by TLS because a page offers that (page_tls.ts); without TLS it may work. */
  readonly triedTls: boolean;
  readonly lastFailure: { readonly failure: Failure; readonly at: number } | undefined;
  /** When the current series of retries began; a retry prompted by news keeps a distance from it. */
  readonly lastTry: Instant | undefined;
  /** End of the soak before it is disconnected. */
  readonly removeAt: Instant | undefined;
  /** The use of its namespaces, as last seen, while its removal is due. */
  readonly guard: Guard | undefined;
  /** One attempt is allowed although the rules forbid it (reload, STAC-53). */
  readonly tryOnce: boolean;
  /** The state must be on disk up to this save before the kernel is asked to connect (S9). */
  readonly savedWith: number;
  /**
   * From the state file, and the kernel has not been read since: a connection that exists is ours (STAC-1,
   * STAF-124).
   */
  readonly restored: boolean;
  /** Wanted in the previous run; the connection of an I/O controller has not been missing since. */
  readonly inherited: boolean;
  /** It was connected before, according to this process or its state file. */
  readonly proven: boolean;
  /** Excluded and withdrawn: any connection belongs to another program. */
  readonly leftToOthers: boolean;
  readonly history: readonly HistoryEntry[];
  /** Undefined until the step that made it ends. */
  readonly standing: Standing | undefined;
}

/** What is empty takes no memory of its own: most controllers were never withdrawn. */
const NO_CLAIMS: Ctl["claims"] = new Map();
const NOT_RELEASED: Ctl["released"] = new Map();

export function newCtl(key: string, tid: Tid, savedWith: number): Ctl {
  return {
    key,
    tid,
    formerly: [],
    claims: NO_CLAIMS,
    released: NOT_RELEASED,
    link: { phase: "idle" },
    attempts: 0,
    triedTls: false,
    lastFailure: undefined,
    lastTry: undefined,
    removeAt: undefined,
    guard: undefined,
    tryOnce: false,
    savedWith,
    restored: false,
    inherited: false,
    proven: false,
    leftToOthers: false,
    history: [],
    standing: undefined,
  };
}

export const noted = (ctl: Ctl, at: number, text: string): Ctl => ({
  ...ctl,
  history: [...ctl.history, { at, text }].slice(-MAX_HISTORY),
});

/** A source that claims it again no longer counts as having withdrawn it. */
export function withClaim(ctl: Ctl, authority: Authority, claim: Claim): Ctl {
  return {
    ...ctl,
    released: ctl.released.size === 0 ? NOT_RELEASED : stillReleased(ctl, authority),
    claims: new Map(ctl.claims).set(authority, claim),
  };
}

/** What is left of the withdrawals when this authority claims the controller. */
function stillReleased(ctl: Ctl, authority: Authority): Ctl["released"] {
  const released = new Map(ctl.released);
  released.delete(authority);
  // A source claims it now, so evidence that no source claimed it is void, even after this source withdraws
  // it again.
  for (const [who, { kind }] of released) if (kind === "audit") released.delete(who);
  return released.size === 0 ? NOT_RELEASED : released;
}

/** Removes one authority's claim and remembers the evidence. */
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

/** A claim with the version of the page that lists it now; `listed`: the version of the page that was taken in last. */
export const claimNow = <C extends Claim>(claim: C, listed: (dcKey: string) => PageVersion | undefined): C =>
  claim.kind === "log-page" && claim.isLeft !== true ? { ...claim, ...listed(claim.dc) } : claim;

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
