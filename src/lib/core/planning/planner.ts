/**
 * Decides what to do about one controller, and why: the only place that decides to connect or to disconnect, but for
 * `renew`, a person's act on connections that stay wanted (stacd/renew_turn.ts).
 * It asks about the claims, the kernel's connections and the policy, and changes nothing. `fleet/settle.ts` carries
 * out its decisions; `plan` and `explain` show them.
 */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { type Instant, reached } from "../../base/time.ts";
import type { DeviceRef } from "../../ports.ts";
import { type Claim, claimText, type Ctl } from "../controller/ctl.ts";
import type { Evidence, Proof } from "./evidence.ts";
import { guarded } from "./guard.ts";
import { isUnfinishedOf, whileForming } from "../controller/unfinished.ts";
import type { View } from "../fleet/view.ts";
import { claimsOf, isFresh } from "../fleet/questions.ts";
import {
  connectionOf,
  deviceAt,
  formingFor,
  isGoing,
  otherUser,
  shieldOf,
  siblingsOf,
} from "../fleet/kernel_view.ts";

export type Verdict =
  | { readonly is: "wanted" }
  /** Unknown: nothing new begins, and nothing is disconnected (S2). */
  | {
    readonly is: "held";
    readonly why: string;
    /** A connection from before a restart is still managed. */
    readonly adopts?: true;
    /** This host cannot use it, which is not a failure. */
    readonly unusable?: true;
    /**
     * Its source has withdrawn it, but the withdrawal does not count yet: the record stays until that time,
     * or until there is news.
     */
    readonly withdrawn?: Proof;
    readonly until?: Instant;
  }
  /** Claimed, but forbidden by the configuration. */
  | { readonly is: "excluded"; readonly evidence: Proof }
  /** No source wants it any more. */
  | { readonly is: "unwanted"; readonly evidence: Proof };

type Unwanted = Extract<Verdict, { readonly evidence: Proof }>;

export type Decision =
  | { readonly act: "none"; readonly why: string }
  /** `look`: this kernel sends no event at the end of the operation, so it is read again after a while. */
  | {
    readonly act: "hold";
    readonly why: string;
    readonly look?: boolean;
    /** When the planner decides again. */
    readonly until?: Instant;
    readonly withdrawn?: Proof;
  }
  | { readonly act: "adopt"; readonly device: KernelCtrl; readonly why: string }
  /** The kernel is still completing the connect that was begun before a restart. */
  | { readonly act: "follow"; readonly device: KernelCtrl; readonly why: string }
  | { readonly act: "connect"; readonly why: string }
  | { readonly act: "wait"; readonly until: Instant; readonly why: string }
  /** Will be disconnected when the soak ends, if nothing changes. */
  | { readonly act: "soak"; readonly evidence: Proof; readonly device: string }
  /** Its connection is being disconnected already, for another controller that it served. */
  | { readonly act: "going"; readonly evidence: Proof; readonly device: string }
  /** Its removal is due: first the source of the evidence must confirm it. */
  | { readonly act: "confirm"; readonly evidence: Proof; readonly device: string }
  /** Its removal is due: first the use of its namespaces must be checked. */
  | { readonly act: "look"; readonly evidence: Proof; readonly device: string }
  /** Its removal is due, and the traffic of its namespaces is watched until then. */
  | { readonly act: "watch"; readonly until: Instant; readonly evidence: Proof; readonly device: string }
  /**
   * Its removal is due, but it stays: it is in use, or the last path to a wanted subsystem (S12). Looked at
   * again at `until`.
   */
  | {
    readonly act: "guard";
    readonly until: Instant;
    readonly why: string;
    readonly evidence: Proof;
    readonly device: string;
  }
  /** `devicesToClaim`: block devices that must be claimed first. */
  | {
    readonly act: "disconnect";
    readonly target: DeviceRef;
    readonly evidence: Proof;
    readonly devicesToClaim: readonly string[];
  }
  /** The connection stays, but is no longer managed. */
  | { readonly act: "release"; readonly why: string; readonly evidence: Proof }
  /** There is no connection: only the record is removed. */
  | { readonly act: "forget"; readonly evidence: readonly Evidence[] }
  /** Excluded and not connected: the record stays while a source wants it. */
  | { readonly act: "leave-to-others"; readonly evidence: Proof };

/** Decisions that precede a disconnect. */
const REMOVING: ReadonlySet<Decision["act"]> = new Set([
  "soak",
  "going",
  "confirm",
  "look",
  "watch",
  "guard",
  "disconnect",
]);

/**
 * Does what was found out for a removal stay? Also while the page that withdrew the controller is being read again: or
 * pages that are read again and again would put the removal off for ever (L2).
 */
export const leadsToRemoval = (decision: Decision): boolean =>
  REMOVING.has(decision.act) ||
  (decision.act === "hold" && decision.withdrawn !== undefined && decision.until === undefined);

const whyWanted = (view: View, ctl: Ctl): string => claimsOf(view, ctl).map(claimText).join("; ");

/** `fresh`: whether to assume that the kernel is as last seen. */
export function decide(view: View, ctl: Ctl, fresh: boolean = isFresh(view)): Decision {
  const { link } = ctl;
  if (link.phase === "connecting" || link.phase === "deleting") {
    return { act: "none", why: `${link.phase}: one operation at a time` };
  }
  const verdict = view.rules.verdict(view, ctl);
  if (link.phase === "forming") return whileForming(link, verdict);
  if (verdict.is === "held") {
    // There is nothing to hold: no connection, and no source that wants one.
    const isNobodys = ctl.claims.size === 0 && link.phase !== "up" && verdict.withdrawn === undefined;
    if (isNobodys && !ctl.restored) return { act: "forget", evidence: [] };
    const { is: _, adopts, ...held } = verdict;
    const hold: Decision = { act: "hold", ...held };
    const isLooked = link.phase !== "up" && (adopts === true || verdict.withdrawn !== undefined);
    return isLooked ? restored(view, ctl, fresh) ?? hold : hold;
  }
  return verdict.is === "wanted" ? wanted(view, ctl, fresh) : unwanted(view, ctl, verdict, fresh);
}

function wanted(view: View, ctl: Ctl, fresh: boolean): Decision {
  const { link } = ctl;
  if (link.phase === "up") return { act: "none", why: `connected; wanted by ${whyWanted(view, ctl)}` };
  if (!fresh) return { act: "hold", why: "the kernel's connections have not been read yet" };
  const device = connectionOf(view, ctl);
  if (device !== undefined) return { act: "adopt", device, why: whyWanted(view, ctl) };
  const forming = formingFor(view, ctl);
  if (forming !== undefined) return untilDone(ctl, forming, whyWanted(view, ctl));
  const noAttempt = view.rules.whyNoAttempt(view, ctl);
  if (noAttempt !== undefined) return { act: "hold", why: noAttempt };
  if (link.phase === "reaching" || link.phase === "ready") return { act: "none", why: "being connected" };
  if (link.phase === "waiting" && !reached(link.until, view.now)) {
    return { act: "wait", until: link.until, why: ctl.lastFailure?.failure.message ?? "tried a moment ago" };
  }
  return { act: "connect", why: whyWanted(view, ctl) };
}

/**
 * No source wants a controller of the state file any more; its connection is still ours, and the planner
 * judges it (S9).
 */
function restored(view: View, ctl: Ctl, fresh: boolean): Decision | undefined {
  if (!ctl.restored) return undefined;
  if (!fresh) return { act: "hold", why: "the kernel's connections have not been read yet" };
  const device = connectionOf(view, ctl);
  if (device !== undefined) return { act: "adopt", device, why: "connected before a restart" };
  // It may be this controller's: the record is removed, or the connection deleted, once that is known.
  const forming = formingFor(view, ctl);
  return forming === undefined ? undefined : untilDone(ctl, forming, "being connected before a restart");
}

/** The decision about a controller that no source wants any more, on this evidence. */
export function unwanted(view: View, ctl: Ctl, verdict: Unwanted, fresh: boolean): Decision {
  const { rules, now } = view;
  const { evidence } = verdict;
  if (ctl.link.phase !== "up") {
    const found = restored(view, ctl, fresh);
    if (found !== undefined) return found;
    // If only referrals in a circle claim it, it was withdrawn already: once is enough.
    const isLeft = verdict.is === "excluded" || ctl.leftToOthers;
    return isLeft && ctl.claims.size > 0 ? { act: "leave-to-others", evidence } : { act: "forget", evidence };
  }
  if (!fresh) return { act: "hold", why: "the kernel's connections have not been read yet" };
  const device = deviceAt(view, ctl.link.ref);
  if (device === undefined) return { act: "forget", evidence };
  if (isGoing(view, device)) return { act: "going", evidence, device: device.device };
  const other = otherUser(view, ctl, device);
  const why = shieldOf(view, device) ?? rules.whyKept(view, ctl, device.transport) ??
    (other === undefined ? undefined : "the connection also serves a controller that is wanted");
  if (why !== undefined) return { act: "release", why, evidence };
  // During a stop, only its own disconnects go ahead at once; any other removal whose soak has not ended is
  // left to the next start.
  const soaks = rules.soak.ms > 0 && !evidence.some(({ kind }) => kind === "stop");
  if (soaks && (ctl.removeAt === undefined || !reached(ctl.removeAt, now))) {
    return { act: "soak", evidence, device: device.device };
  }
  const due = { evidence, device: device.device };
  const disconnect = (claims: readonly string[]): Decision => ({
    act: "disconnect",
    target: { device: device.device, incarnation: device.incarnation },
    evidence,
    devicesToClaim: claims,
  });
  const isConfirmed = rules.confirmed(view, ctl);
  const guard = rules.guard(view);
  if (guard === undefined) return isConfirmed ? disconnect([]) : { act: "confirm", ...due };
  const isExcluded = verdict.is === "excluded";
  // A person was shown what uses it, and wants it to go.
  const isForced = evidence.some((one) => one.kind === "drain" && one.forced);
  const policy = isForced ? { ...guard, inUseGoes: true } : guard;
  const stays = guarded(ctl.guard, policy, siblingsOf(view, ctl), device.device, isExcluded, now);
  switch (stays.is) {
    case "look":
      return isConfirmed ? { act: "look", ...due } : { act: "confirm", ...due };
    case "watched":
      return { act: "watch", until: stays.until, ...due };
    case "held":
      return { act: "guard", until: stays.until, why: stays.why, ...due };
    case "free":
      return isConfirmed ? disconnect(stays.claims) : { act: "confirm", ...due };
  }
}

/** Either our record says that the kernel is completing this connect for us, or the device cannot be identified yet. */
const untilDone = (ctl: Ctl, device: KernelCtrl, why: string): Decision =>
  isUnfinishedOf(ctl, device) ? { act: "follow", device, why } : untilTold(device);

/** A kernel before 5.18 does not show the type, and sends no event when a connection is up (again). */
const untilTold = ({ device, cntrltype }: KernelCtrl): Decision => ({
  act: "hold",
  why: `${device}, to the same address, is still being set up`,
  look: cntrltype === "",
});

/** The claims that come from lines of a file, in the order of the file: the first one counts. */
export const configClaims = (ctl: Ctl): readonly Extract<Claim, { readonly kind: "config" }>[] =>
  [...ctl.claims.values()].flatMap((claim) => claim.kind === "config" ? [claim] : [])
    .sort((a, b) => a.line - b.line);
