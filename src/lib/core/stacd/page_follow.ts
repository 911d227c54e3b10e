/**
 * stacd: follows a log page whose discovery controller stafd now connects under another host identity (S13).
 */
import { type Tid, tidKey, tidText } from "../../nvme/tid.ts";
import type { ReportedDc, StafdReport } from "../../ports.ts";
import { type Authority, type HostSide, hostSide, pageAuthority } from "../controller/ctl.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { StacdDraft } from "./stacd_draft.ts";
import { markDirty, put, touch } from "../fleet/draft.ts";
import { saidOf } from "../fleet/questions.ts";
import { moveClaim } from "../fleet/move.ts";
import { versionOf } from "./stacd_pages.ts";

/**
 * The earlier pages of the discovery controllers in the report: known under another host identity, no longer
 * listed, and withdrawn by no source. Their claims and withdrawals move with them. A discovery controller
 * without an interface may be the same as one with an interface (`ignore-iface`), but two different
 * interfaces mean two controllers.
 */
export function followPages(
  draft: StacdDraft,
  { dcs, unknowns }: StafdReport,
  listed: ReadonlySet<Authority>,
  retired: ReadonlySet<Authority>,
): void {
  let { pages } = draft.state;
  const isLeft = (authority: Authority): boolean => !listed.has(authority) && !retired.has(authority);
  const isIncomplete = [...pages.keys()].some(isLeft);
  // A page that was known before counts for the other identity as well, once stafd's report is complete and
  // includes the page.
  const speaks = ({ tid, page, current }: ReportedDc): boolean =>
    pages.get(pageAuthority(tidKey(tid)))?.told !== true ||
    (isIncomplete && unknowns.length === 0 && page === "read" && current !== false);
  const speaking = dcs.filter(speaks);
  const sides = speaking.length === 0 ? [] : [...sidesOf(draft.state.fleet)];
  for (const { tid: dc } of speaking) {
    const now = pageAuthority(tidKey(dc));
    for (const old of sides) {
      const isWay = old.hostIface === dc.hostIface || old.hostIface === "" || dc.hostIface === "";
      const before = pageAuthority(tidKey({ ...dc, ...old }));
      const page = pages.get(before);
      if (page === undefined || before === now || !isWay || old.hostTraddr !== dc.hostTraddr) continue;
      if (!isLeft(before)) continue;
      moveSayings(draft, before, dc);
      const next = new Map(pages);
      next.delete(before);
      // The new report of the page covers all of that, even if the page was known. Our side is part of the keys of
      // the entries that were taken in.
      const known = next.get(now) ?? { ...page, taken: undefined };
      pages = next.set(now, { ...known, dcText: tidText(dc), readAt: -1 });
    }
  }
  // stafd no longer names the page, and it never listed anything: it has no claims, and nothing waits for it.
  const left = [...pages].filter(([authority]) =>
    listed.has(authority) || retired.has(authority) || draft.state.fleet.said.has(authority)
  );
  if (left.length < pages.size) pages = new Map(left);
  if (pages === draft.state.pages) return;
  markDirty(draft);
  draft.state = { ...draft.state, pages };
}

/** From now on the claims and withdrawals of the page use our side of `dc`. */
function moveSayings(draft: StacdDraft, before: Authority, dc: Tid): void {
  const key = tidKey(dc);
  const now = pageAuthority(key);
  for (const ctl of saidOf(draft, before)) {
    const claim = ctl.claims.get(before);
    if (claim?.kind === "log-page") {
      const tid = { ...ctl.tid, ...hostSide(dc) };
      // Its own page says which version lists it, until the page is taken in under its new name.
      const moved = { ...claim, ...versionOf(draft.state, claim.dc), isLeft: true } as const;
      moveClaim(draft, ctl.key, before, tid, { ...moved, dc: key, dcText: tidText(dc) }, now);
      continue;
    }
    const released = new Map(ctl.released);
    const evidence = released.get(now) ?? released.get(before);
    if (evidence === undefined || ctl.claims.has(now)) continue;
    released.delete(before);
    put(draft, { ...ctl, released: released.set(now, evidence) });
    touch(draft, ctl.key);
  }
}

/** Every form of our side that occurs in controllers of log pages. */
function sidesOf({ ctls }: Fleet): Iterable<HostSide> {
  const sides = new Map<string, HostSide>();
  for (const ctl of ctls.values()) {
    const side = hostSide(ctl.tid);
    const text = JSON.stringify(side);
    const isOfPage = (one: { readonly kind: string }): boolean => one.kind === "log-page";
    if (sides.has(text)) continue;
    if ([...ctl.claims.values()].some(isOfPage) || [...ctl.released.values()].some(isOfPage)) {
      sides.set(text, side);
    }
  }
  return sides.values();
}
