/**
 * Checks between a due removal and its execution (S12): a path of a namespace in use stays until another path
 * that stays serves the namespace, and a subsystem that is still wanted at another address keeps its last
 * path until the other path serves its namespaces. Pure: it judges the result of the last look at the
 * namespaces.
 */
import type { Outcome } from "../../base/failure.ts";
import type { NamespaceLook } from "../../nvme/namespace_look.ts";
import { after, type Duration, type Instant, type Now, reached } from "../../base/time.ts";
import type { Op } from "../effects.ts";
import { GUARD_INTERVAL } from "../retry.ts";
import { otherWays, type Sample, type Use, useOf } from "./in_use.ts";

/** The namespaces of a connection whose removal is due, as last seen. */
export interface Guard {
  /** The operation number of the look under way. */
  readonly op: Op | undefined;
  /** When the last answer came; undefined before the first one. */
  readonly at: Instant | undefined;
  readonly looks: readonly NamespaceLook[];
  /** Why the namespaces could not be examined or claimed; then they count as in use. */
  readonly failure: string | undefined;
  /**
   * For each block device the look to compare its traffic with: the first one since the device was last found
   * in use.
   */
  readonly first: ReadonlyMap<string, Sample>;
  /** The use of each block device, as of the last look. */
  readonly uses: ReadonlyMap<string, Use>;
  /** The reason that was logged last. */
  readonly loggedReason: string | undefined;
  /** Why the last attempt to disconnect failed: a block device could not be claimed. */
  readonly refused: string | undefined;
}

export const newGuard: Guard = {
  op: undefined,
  at: undefined,
  looks: [],
  failure: undefined,
  first: new Map(),
  uses: new Map(),
  loggedReason: undefined,
  refused: undefined,
};

/** The configuration of the guard. */
export interface GuardPolicy {
  /** `disconnect-in-use = always`: use holds nothing. */
  readonly inUseGoes: boolean;
  /** `in-use-window`. */
  readonly trafficWindow: Duration;
}

/** The guard's questions about the other controllers. */
export interface Siblings {
  /** Does the connection that leads to `device` stay, as far as is known? */
  stays(device: string): boolean;
  /** Another controller of the subsystem that is wanted, and its text; undefined when there is none. */
  readonly wanted: string | undefined;
  /** Why it is still unknown whether there is another one; undefined when it is known. */
  readonly unknown: string | undefined;
}

export type Guarded =
  /** No recent information: look again. */
  | { readonly is: "look" }
  /** Stays: `why` is for people. Looked at again at `until`. */
  | { readonly is: "held"; readonly why: string; readonly until: Instant }
  /** Nothing holds it; its traffic is watched until then. */
  | { readonly is: "watched"; readonly until: Instant }
  /** May be removed now, if these block devices can be claimed. */
  | { readonly is: "free"; readonly claims: readonly string[] };

/**
 * `excluded`: an exclusion in the configuration, of a controller not in use, does not wait for another path.
 */
export function guarded(
  guard: Guard | undefined,
  policy: GuardPolicy,
  siblings: Siblings,
  own: string,
  excluded: boolean,
  now: Now,
): Guarded {
  if (guard?.at === undefined || guard.op !== undefined) return { is: "look" };
  const seen = judgedBy(guard, guard.at, policy, siblings, own, excluded);
  switch (seen.is) {
    case "held": {
      const again = after(guard.at, GUARD_INTERVAL);
      return reached(again, now) ? { is: "look" } : { is: "held", why: seen.why, until: again };
    }
    case "watched":
      return reached(seen.until, now) ? { is: "look" } : seen;
    case "free":
      // An old look proves nothing about now.
      return guard.at.mono === now.mono ? seen : { is: "look" };
  }
}

/** What a look says, however old it is. */
export type Judged =
  | { readonly is: "held"; readonly why: string }
  | Extract<Guarded, { readonly is: "watched" | "free" }>;

/** What the look of the time `at` says of a removal. */
export function judgedBy(
  guard: Guard,
  at: Instant,
  policy: GuardPolicy,
  siblings: Siblings,
  own: string,
  excluded: boolean,
): Judged {
  const held = (why: string): Judged => ({ is: "held", why });
  if (guard.failure !== undefined && !policy.inUseGoes) return held(guard.failure);
  let watchedUntil: Instant | undefined;
  const claims: string[] = [];
  for (const look of guard.looks) {
    const others = otherWays(look, own).filter(({ device }) => siblings.stays(device));
    if (others.length > 0) continue;
    if (!policy.inUseGoes) {
      const use = guard.uses.get(look.device);
      if (use?.is === "used") return held(`${look.device} is in use: ${use.why}`);
      if (use?.is === "look-again") watchedUntil = later(watchedUntil, after(at, use.in));
      claims.push(look.device);
    }
    const lastUsable = otherWays(look, "").some(({ device }) => device === own);
    if (!lastUsable || excluded) continue;
    if (siblings.wanted !== undefined) {
      return held(`the last usable path to ${look.device}, until ${siblings.wanted} serves it`);
    }
    if (siblings.unknown !== undefined) {
      return held(`the last usable path to ${look.device}: ${siblings.unknown}`);
    }
  }
  return watchedUntil === undefined ? { is: "free", claims } : { is: "watched", until: watchedUntil };
}

const later = (a: Instant | undefined, b: Instant): Instant => a === undefined || a.mono < b.mono ? b : a;

/** The guard after a look. The comparison of traffic begins anew for what was found in use. */
export function looked(
  guard: Guard,
  outcome: Outcome<readonly NamespaceLook[]>,
  policy: GuardPolicy,
  now: Instant,
): Guard {
  const at = { mono: now.mono };
  if (!outcome.ok) return { ...guard, op: undefined, at, failure: outcome.failure.message };
  const looks = outcome.value;
  const first = new Map<string, Sample>();
  const uses = new Map<string, Use>();
  for (const look of looks) {
    const sample = { at, look };
    const old = guard.first.get(look.device) ?? sample;
    const use = useOf(old, sample, policy.trafficWindow);
    uses.set(look.device, use);
    first.set(look.device, use.is === "used" ? sample : old);
  }
  return { ...guard, op: undefined, at, looks, failure: undefined, first, uses };
}
