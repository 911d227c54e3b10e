/** stafd's answers: which discovery controllers are wanted, and why (requirements 30). */
import { dcAt, type StafdView } from "./stafd_draft.ts";
import { type Ctl, dcOfPage } from "../controller/ctl.ts";
import type { Verdict } from "../planning/planner.ts";
import { placeOf } from "../sources/origin_place.ts";
import { forbiddance, grown, isSpared, SPARED } from "../planning/refusal.ts";
import { cutOffProof, isNear, isRoot, type Referrals, referralsOf, rootsOf } from "./referrals.ts";
import { MAX_REFERRAL_DEPTH } from "./stafd_state.ts";
import { NO_AUTHORITY, originOf } from "../sources/origin_of.ts";
import type { TurnPlace } from "../fleet/turns.ts";
import { allCtls, ctlAt } from "../fleet/questions.ts";
import { tidText } from "../../nvme/tid.ts";
import { isCurrent, type NotYet, notYet } from "../planning/page_evidence.ts";
import { YOUNG_PAGE_SOAK } from "../../config/young_page_soak.ts";
import { exclusionFor } from "../fleet/kernel_view.ts";
import { securityBar } from "../request/line_demands.ts";
import { type Attempt, attemptAt } from "../request/request.ts";

export function stafdVerdict(view: StafdView, ctl: Ctl): Verdict {
  const { conf } = view.state;
  if (conf === undefined) return { is: "held", why: "the configuration is not read yet" };
  if (view.state.fleet.stopping && !conf.persistentConnections.value) {
    const { origin } = conf.persistentConnections;
    return { is: "unwanted", evidence: [{ kind: "stop", ...placeOf(origin) }] };
  }
  const forbidden = forbiddance(ctl, conf, view.state.fleet);
  if (forbidden !== undefined) return forbidden;
  // Referrals matter only for controllers to which nothing else leads.
  if (isRoot(ctl)) return { is: "wanted" };
  const depth = currentReferrals(view).depths.get(ctl.key);
  if (depth === undefined) return unrooted(view, ctl);
  if (depth > MAX_REFERRAL_DEPTH) {
    return { is: "held", why: `referrals are followed only ${MAX_REFERRAL_DEPTH} steps deep` };
  }
  return { is: "wanted" };
}

export function authorityOf(view: StafdView, key: string): string {
  return rootsOf(currentReferrals(view), (count) => view.work += count).get(key) ?? NO_AUTHORITY;
}

function stafdPageOwner(view: StafdView, dcKey: string): string {
  return authorityOf(view, dcKey);
}

export function stafdOrigin(view: StafdView, ctl: Ctl): TurnPlace {
  return originOf(ctl, [authorityOf(view, ctl.key)]);
}

/** Worked out once for each state of the authorities' statements. */
function currentReferrals(view: StafdView): Referrals {
  const { conf } = view.state;
  const known = view.memo.referrals;
  const at = view.state.fleet.sayings;
  if (known !== undefined && known.at === at && known.conf === conf) return known.value;
  const value = referralsOf({
    ctls: allCtls(view),
    conf: conf === undefined ? conf : grown(conf, view.state.fleet.patternsOnTrial),
    families: view.state.fleet.families,
    ctl: (key) => ctlAt(view, key),
    isRead: (key) => dcAt(view, key).page?.fresh === true,
    looked: (count) => view.work += count,
  });
  view.memo.referrals = { at, conf, value };
  return value;
}

/**
 * Controllers that were out of reach when this was worked out last, and to which the statements of this step lead: another
 * controller's claim may have brought them nearer.
 */
export function broughtNearer(view: StafdView): readonly string[] {
  const before = view.state.referrals;
  if (before === undefined || before.value.far.length === 0) return [];
  if (before.at === view.state.fleet.sayings) return [];
  const { depths } = currentReferrals(view);
  view.work += before.value.far.length;
  return before.value.far.filter((key) => isNear(depths, key));
}

/** Only referrals in a circle, or no claims at all, lead to it: the evidence is what cut the circle off. */
function unrooted(view: StafdView, ctl: Ctl): Verdict {
  view.work += ctl.claims.size;
  // Once a dropped controller is wanted again, its drop no longer counts: its page decides.
  const back = currentReferrals(view).back.get(ctl.key);
  if (back !== undefined) {
    const why = `${tidText(back.tid)}, which listed it, is back and its page has not been read yet`;
    return { is: "held", why };
  }
  const [first, ...rest] = cutOffProof(ctl, currentReferrals(view), view.now.wall);
  if (first === undefined) {
    return { is: "held", why: "no source wants it now, but none has withdrawn it either, so it is kept" };
  }
  const evidence = [first, ...rest] as const;
  const young = withdrawalNotYet(view, ctl) ?? cutOffNotYet(view, ctl);
  return young === undefined ? { is: "unwanted", evidence } : { is: "held", ...young, withdrawn: evidence };
}

/** The page that withdrew the controller does not count yet (S14). */
function withdrawalNotYet(view: StafdView, { released }: Ctl): NotYet | undefined {
  const soak = view.state.conf?.youngPageSoak.value ?? YOUNG_PAGE_SOAK;
  for (const [authority, { kind }] of released) {
    const dc = kind === "log-page" ? ctlAt(view, dcOfPage(authority)) : undefined;
    if (dc === undefined) continue;
    const known = dcAt(view, dc.key);
    const page = { dcText: tidText(dc.tid), current: isCurrent(known, dc), young: known.page?.young };
    const found = notYet(page, soak, view.now);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same for the controllers whose removal cuts it off. */
function cutOffNotYet(view: StafdView, { claims }: Ctl): NotYet | undefined {
  const { cutOff } = currentReferrals(view);
  // In a mesh of referrals, one controller usually cuts off most of the others.
  const asked = new Set<string>();
  for (const claim of claims.values()) {
    const from = claim.kind === "referral" ? cutOff.get(claim.dc)?.from : undefined;
    if (from === undefined || asked.has(from.key)) continue;
    asked.add(from.key);
    const ctl = ctlAt(view, from.key);
    const found = ctl === undefined ? undefined : withdrawalNotYet(view, ctl);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function stafdBar(view: StafdView, ctl: Ctl): string | undefined {
  if (view.state.fleet.stopping) return "the daemon is stopping";
  const { conf } = view.state;
  if (conf !== undefined && isSpared(ctl, conf, view.state.fleet.families)) return SPARED;
  const exclusion = exclusionFor(view, ctl.tid);
  if (exclusion !== undefined) return `excluded host-wide by ${exclusion.origin}`;
  return securityBar(ctl, view.state.fleet.host, view.state.conf, view.state.lines, true);
}

export function stafdAttempt(view: StafdView, ctl: Ctl): Attempt {
  const { fleet } = view.state;
  return attemptAt(ctl, fleet, view.state.conf, view.state.lines, true, (dc) => stafdPageOwner(view, dc));
}
