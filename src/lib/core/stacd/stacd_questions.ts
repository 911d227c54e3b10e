/** stacd's answers: which I/O controllers are wanted, and why (requirements 40). */
import type { StacdView } from "./stacd_draft.ts";
import { type Ctl, dcOfPage, pageAuthority } from "../controller/ctl.ts";
import type { Verdict } from "../planning/planner.ts";
import { forbiddance, isSpared, SPARED } from "../planning/refusal.ts";
import { drainedVerdict } from "./drain.ts";
import { asAnother, audits, isForeign } from "./audit.ts";
import { pageNotYet, unknownsOf, untilKnown } from "./stacd_pages.ts";
import { deviceAt, exceptIdentity, exclusionFor } from "../fleet/kernel_view.ts";
import { securityBar } from "../request/line_demands.ts";
import { isNcc } from "../sources/ncc.ts";
import { type Attempt, attemptAt } from "../request/request.ts";
import type { TurnPlace } from "../fleet/turns.ts";
import { originOf, OWN_FILES } from "../sources/origin_of.ts";
import { replacedIn } from "./renew.ts";
import { renewalBar } from "./renew_bar.ts";

export function stacdVerdict(view: StacdView, ctl: Ctl): Verdict {
  const { conf } = view.state;
  if (conf === undefined) return { is: "held", why: "the configuration is not read yet" };
  const forbidden = forbiddance(ctl, conf, view.state.fleet);
  const drained = drainedVerdict(view.state.drains.list, ctl, view.now.wall, forbidden);
  if (drained !== undefined) return drained;
  if (forbidden !== undefined) return forbidden;
  if (ctl.claims.size > 0) return { is: "wanted" };
  if (view.state.stafd.awaitsReport) {
    return {
      is: "held",
      why: "stafd has begun to report log pages and has not ended: one of them may list it",
    };
  }
  const [first, ...rest] = ctl.released.values();
  if (first === undefined) {
    return { is: "held", why: "no source wants it now, but none has withdrawn it either, so it is kept" };
  }
  if (isForeign(ctl)) {
    if (!audits(view.state.conf)) return { is: "held", why: "disconnect-scope leaves it alone" };
    const missing = stacdUnknowns(view);
    if (missing.length > 0) {
      return { is: "held", why: missing.join("; "), ...untilKnown(view.state, view.now) };
    }
    const device = ctl.link.phase === "up" ? deviceAt(view, ctl.link.ref) : undefined;
    const other = device === undefined ? undefined : exceptIdentity(view, device);
    if (device !== undefined && other !== undefined) {
      return { is: "held", why: asAnother(other, device) };
    }
  }
  const unread = cameBack(view, ctl);
  if (unread !== undefined) {
    return {
      is: "held",
      why: `${unread}, which listed it, is back and its log page has not been read yet`,
    };
  }
  const evidence = [first, ...rest] as const;
  const young = pageNotYet(view.state, ctl, view.now);
  return young === undefined ? { is: "unwanted", evidence } : { is: "held", ...young, withdrawn: evidence };
}

/** Once a dropped discovery controller is back, its drop no longer counts: its page decides. */
function cameBack(view: StacdView, ctl: Ctl): string | undefined {
  for (const [authority, { kind }] of ctl.released) {
    const page = kind === "dc-retired" ? view.state.pages.get(authority) : undefined;
    if (page !== undefined && page.page !== "read") return page.dcText;
  }
  return undefined;
}

/** The information that is missing before a connection counts as wanted by no source. */
export function stacdUnknowns(view: StacdView): readonly string[] {
  const { memo } = view;
  if (memo.isStill && memo.unknowns !== undefined) return memo.unknowns;
  view.work += view.state.pages.size + view.state.lines.size;
  return memo.unknowns = unknownsOf(view.state, view.now);
}

export function stacdBar(view: StacdView, ctl: Ctl): string | undefined {
  if (view.state.fleet.stopping) return "the daemon is stopping";
  const exclusion = exclusionFor(view, ctl.tid);
  if (exclusion !== undefined) return `excluded host-wide by ${exclusion.origin}`;
  const { conf } = view.state;
  if (conf !== undefined && isSpared(ctl, conf, view.state.fleet.families)) return SPARED;
  if (remembered(view, ctl)) {
    return "stafd has not reported the log page yet that listed it before the restart";
  }
  const unsafe = securityBar(ctl, view.state.fleet.host, view.state.conf, view.state.lines, false);
  if (unsafe !== undefined) return unsafe;
  const less = renewalBar(view, ctl);
  if (less !== undefined) return less;
  const limit = view.state.conf?.connectAttemptsOnNcc.value ?? 0;
  if (limit > 0 && ctl.attempts >= limit && !ctl.tryOnce && isNcc(ctl)) {
    return `gave up after ${ctl.attempts} attempts: its discovery controller says that it has no connection to the subsystem (NCC)`;
  }
  return undefined;
}

/** Claimed by log pages only, none of which the present stafd has reported (STAC-1). */
export function remembered(view: StacdView, ctl: Ctl): boolean {
  const claims = [...ctl.claims];
  return claims.length > 0 &&
    claims.every(([authority, { kind }]) =>
      kind === "log-page" && view.state.pages.get(authority)?.told !== true
    );
}

export function stacdAttempt(view: StacdView, ctl: Ctl): Attempt {
  const { fleet } = view.state;
  return attemptAt(ctl, fleet, view.state.conf, view.state.lines, false, (dc) => stacdPageOwner(view, dc));
}

export function stacdPageOwner(view: StacdView, dcKey: string): string {
  return view.state.pages.get(pageAuthority(dcKey))?.authority ?? dcKey;
}

export function stacdOrigin(view: StacdView, ctl: Ctl): TurnPlace {
  // A person has replaced it: its path is missing meanwhile, so it waits for no turn and no rest of its authority (S16).
  if (replacedIn(view.state.renewals) === ctl.key) return { lane: 0, authority: OWN_FILES };
  const dcs = [...ctl.claims.keys()].map(dcOfPage).filter((dc) => dc !== "");
  return originOf(ctl, dcs.map((dc) => stacdPageOwner(view, dc)));
}
