/**
 * Evaluates all referrals in one pass over all claims: how far each discovery controller is from a line, a
 * service or a boot table, and why the ones that none of these leads to are cut off. Queries do not follow
 * paths of their own: a mesh of referrals has too many paths (S11).
 */
import type { IpFamilies } from "../../config/controller_line.ts";
import type { DaemonConf } from "../../config/daemon_conf.ts";
import { tidText } from "../../nvme/tid.ts";
import { type Authority, type Claim, type Ctl, dcOfPage } from "../controller/ctl.ts";
import { type Evidence, whyText } from "../planning/evidence.ts";
import { isMdnsAuthority, ownAuthority } from "../sources/origin_of.ts";
import { refusal } from "../planning/refusal.ts";
import { MAX_REFERRAL_DEPTH } from "./stafd_state.ts";

/** Referrals of one discovery controller that are followed; if there are more, the earliest ones (S6). */
export const MAX_REFERRALS = 256;
/** Reasons that a controller in a circle inherits from those that list it. */
const MAX_INHERITED = 8;

export interface Referrals {
  /**
   * Number of referrals between each controller and a line, service or table; a controller without a number
   * is reached by referrals only.
   */
  readonly depths: ReadonlyMap<string, number>;
  /** Controllers to which no referrals lead within the limit: what shortens the way to one of them may make it wanted. */
  readonly far: readonly string[];
  /** For {@link rootsOf}. Data only: a function would keep the state of the step that it was made in, and that the one before it. */
  readonly rooted: Rooted;
  /**
   * The nearest controller up the referrals, or the controller itself, that is no longer listed or is
   * excluded, and why.
   */
  readonly cutOff: ReadonlyMap<string, { readonly from: Ctl; readonly evidence: Evidence }>;
  /**
   * A discovery controller that listed the controller itself, or one up the referrals, is back, and its page
   * has not been read.
   */
  readonly back: ReadonlyMap<string, Ctl>;
}

/** What leads from an authority to its controllers. */
interface Rooted {
  readonly configured: ReadonlyMap<string, string>;
  readonly heard: ReadonlyMap<string, string>;
  readonly listedBy: ListedBy;
  readonly refused: { has(key: string): boolean };
}

/** The controllers that the page of each lists. */
type ListedBy = ReadonlyMap<string, readonly string[]>;

/** The input of the pass. */
export interface ReferralGraph {
  readonly ctls: Iterable<Ctl>;
  readonly conf: DaemonConf | undefined;
  /** The address families that allowed the connections from before the restart. */
  readonly families: IpFamilies | undefined;
  readonly ctl: (key: string) => Ctl | undefined;
  /** The page of this controller was read by this process. */
  readonly isRead: (key: string) => boolean;
  /** Counts the objects looked at. */
  readonly looked: (count: number) => void;
}

/** Do referrals lead to it within the limit? */
export const isNear = (depths: Referrals["depths"], key: string): boolean =>
  (depths.get(key) ?? Infinity) <= MAX_REFERRAL_DEPTH;

export const isRoot = (ctl: Ctl): boolean => {
  for (const { kind } of ctl.claims.values()) if (kind !== "referral") return true;
  return false;
};

const isReferral = (claim: Claim): claim is Extract<Claim, { readonly kind: "referral" | "log-page" }> =>
  claim.kind === "referral";

export function referralsOf({ ctls, conf, families, ctl, isRead, looked }: ReferralGraph): Referrals {
  const listedBy = new Map<string, string[]>();
  const refused = new Map<string, Evidence>();
  const retired: { readonly key: string; readonly authority: Authority }[] = [];
  const depths = new Map<string, number>();
  const configured = new Map<string, string>();
  const heard = new Map<string, string>();
  const cutOff = new Map<string, { readonly from: Ctl; readonly evidence: Evidence }>();
  const led: string[] = [];
  for (const one of ctls) {
    looked(1 + one.claims.size + one.released.size);
    const { key, claims, released } = one;
    for (const claim of claims.values()) {
      if (!isReferral(claim)) depths.set(key, 0);
      else if (listedBy.get(claim.dc)?.push(key) === undefined) listedBy.set(claim.dc, [key]);
    }
    if (!depths.has(key)) led.push(key);
    const own = ownAuthority(one);
    if (own !== undefined) (isMdnsAuthority(own) ? heard : configured).set(key, own);
    for (const [authority, evidence] of released) {
      if (evidence.kind === "dc-retired") retired.push({ key, authority });
      cutOff.set(key, { from: one, evidence });
    }
    const no = refusal(one, conf, families);
    if (no === undefined) continue;
    refused.set(key, no);
    cutOff.set(key, { from: one, evidence: no });
  }
  const isDeadEnd = (key: string): boolean => refused.has(key);
  follow(listedBy, depths, (depth) => depth + 1, isDeadEnd, looked);
  const far = led.filter((key) => !isNear(depths, key));
  follow(listedBy, cutOff, (same) => same, () => false, looked);
  const back = new Map<string, Ctl>();
  for (const { key, authority } of retired) {
    const dc = ctl(dcOfPage(authority));
    if (dc === undefined || isRead(dc.key) || refused.has(dc.key) || !depths.has(dc.key)) continue;
    back.set(key, dc);
  }
  follow(listedBy, back, (same) => same, () => false, looked);
  return { depths, far, rooted: { configured, heard, listedBy, refused }, cutOff, back };
}

/** Adds to `found` what it leads to. */
function follow<V>(
  listedBy: ListedBy,
  found: Map<string, V>,
  next: (value: V) => V,
  stops: (key: string) => boolean,
  looked: (count: number) => void,
  done: ReadonlySet<string> = new Set(),
): void {
  for (const [key, value] of found) {
    if (done.has(key) || stops(key)) continue;
    for (const listed of listedBy.get(key) ?? []) {
      looked(1);
      if (!found.has(listed)) found.set(listed, next(value));
    }
  }
}

/** Worked out when they are asked for. */
const ROOTS = new WeakMap<Rooted, ReadonlyMap<string, string>>();

/**
 * The authority that each controller goes back to (origin_of.ts). Controllers that configured ones lead to come first:
 * one found by mDNS does not become their origin by listing them, too.
 */
export function rootsOf(
  { rooted }: Referrals,
  looked: (count: number) => void,
): ReadonlyMap<string, string> {
  const known = ROOTS.get(rooted);
  if (known !== undefined) return known;
  const { configured, heard, listedBy, refused } = rooted;
  const isDeadEnd = (key: string): boolean => refused.has(key);
  const found = new Map(configured);
  follow(listedBy, found, (same) => same, isDeadEnd, looked);
  const done = new Set(found.keys());
  for (const [key, own] of heard) if (!found.has(key)) found.set(key, own);
  follow(listedBy, found, (same) => same, isDeadEnd, looked, done);
  ROOTS.set(rooted, found);
  return found;
}

/**
 * Why a controller is not wanted to which only referrals lead: the sources that withdrew it, and the reasons
 * for which the pages that list it are cut off.
 */
export function cutOffProof(ctl: Ctl, { cutOff }: Referrals, at: number): readonly Evidence[] {
  const inherited = new Map<string, Evidence>();
  for (const claim of ctl.claims.values()) {
    const cut = isReferral(claim) ? cutOff.get(claim.dc) : undefined;
    if (cut === undefined || cut.from.key === ctl.key || inherited.has(cut.from.key)) continue;
    const why = whyText([cut.evidence]);
    inherited.set(cut.from.key, { kind: "dc-retired", dc: tidText(cut.from.tid), why, at });
    if (inherited.size >= MAX_INHERITED) break;
  }
  return [...ctl.released.values(), ...inherited.values()];
}
