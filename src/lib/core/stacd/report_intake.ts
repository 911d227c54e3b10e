/** stacd: turns stafd's report, page by page, into the claims of each discovery controller. */
import type { StacdDraft } from "./stacd_draft.ts";
import { type Authority, type Claim, claimGenctr, type Ctl, pageAuthority } from "../controller/ctl.ts";
import type { KnownPage } from "./stacd_state.ts";
import type { ReportedDc, StafdReport } from "../../ports.ts";
import { type Tid, tidKey, tidText } from "../../nvme/tid.ts";
import { followPages } from "./page_follow.ts";
import type { Evidence } from "../planning/evidence.ts";
import { ctlAt, isRoomy, saidOf } from "../fleet/questions.ts";
import { addClaim, makeWay, withdraw } from "../fleet/claims.ts";
import { markDirty, put, touch, trySoon } from "../fleet/draft.ts";
import { vouchedFor } from "./stacd_pages.ts";
import { listedIn } from "../sources/entry_tid.ts";
import { MAX_CTLS } from "../fleet/fleet.ts";
import { logOf } from "../fleet/reporting.ts";
import { isNcc } from "../sources/ncc.ts";

function ownPages(draft: StacdDraft): Map<Authority, KnownPage> {
  const { state } = draft;
  if (draft.ownPages === undefined || state.pages !== draft.ownPages) {
    draft.ownPages = new Map(state.pages);
    draft.state = { ...state, pages: draft.ownPages };
  }
  return draft.ownPages;
}

function ownAwaited(draft: StacdDraft): Map<string, number> {
  const { state } = draft;
  const { latency } = state;
  if (draft.ownAwaited === undefined || latency.awaited !== draft.ownAwaited) {
    draft.ownAwaited = new Map(latency.awaited);
    draft.state = { ...state, latency: { ...latency, awaited: draft.ownAwaited } };
  }
  return draft.ownAwaited;
}

export function forgetAwaited(draft: StacdDraft, ctl: Ctl): void {
  if (draft.state.latency.awaited.has(ctl.key)) ownAwaited(draft).delete(ctl.key);
}

/**
 * Its pages list one controller more than there is room for: until there is room, they withdraw nothing
 * (S16).
 */
export function pageEntryEvicted(draft: StacdDraft, ctl: Ctl): void {
  forgetAwaited(draft, ctl);
  for (const [authority, claim] of ctl.claims) {
    const page = claim.kind === "log-page" ? ownPages(draft).get(authority) : undefined;
    if (page !== undefined) ownPages(draft).set(authority, { ...page, left: page.left + 1 });
  }
}

export function takeReport(draft: StacdDraft, report: StafdReport): void {
  const listed = new Set(report.dcs.map(({ tid }) => pageAuthority(tidKey(tid))));
  const retired = new Set(report.retired.map(({ tid }) => pageAuthority(tidKey(tid))));
  followPages(draft, report, listed, retired);
  for (const dc of report.dcs) takePage(draft, dc);
  for (const { tid, why, at } of report.retired) {
    const authority = pageAuthority(tidKey(tid));
    if (!listed.has(authority)) retire(draft, authority, { kind: "dc-retired", dc: tidText(tid), why, at });
  }
}

function retire(draft: StacdDraft, authority: Authority, evidence: Evidence): void {
  const { state } = draft;
  const known = state.pages.has(authority);
  for (const ctl of saidOf(draft, authority)) withdraw(draft, ctl.key, authority, evidence);
  if (!known) return;
  ownPages(draft).delete(authority);
  markDirty(draft);
}

/**
 * Applies one page: adds the controllers that it lists; withdraws those that it no longer lists only if
 * this stafd has read the page.
 */
function takePage(draft: StacdDraft, dc: ReportedDc): void {
  const dcKey = tidKey(dc.tid);
  const authority = pageAuthority(dcKey);
  const old = draft.state.pages.get(authority);
  const { page, genctr, readAt } = dc;
  const told = page !== "none" || old?.told === true;
  const dcText = tidText(dc.tid);
  const left = page === "none" ? old?.left ?? 0 : 0;
  const known: KnownPage = {
    dcText,
    page,
    genctr,
    readAt,
    told,
    left,
    authority: dc.authority ?? dcKey,
    ...vouchedFor(dc),
  };
  const isSame = old !== undefined && old.page === page && old.genctr === genctr && old.readAt === readAt;
  const isCut = (old?.left ?? 0) > 0 && isRoomy(draft);
  if (isSame && old.told === told && !isCut) return vouched(draft, authority, old, known);
  ownPages(draft).set(authority, known);
  markDirty(draft);
  if (page === "none") return;
  const now = listedIn(dc.entries, dc.tid, "nvme");
  for (const gone of makeWay(draft, authority, now)) forgetAwaited(draft, gone);
  let over = 0;
  for (const [key, { tid, entry }] of now) {
    const known = ctlAt(draft, key);
    const isNew = known === undefined || (known.link.phase !== "up" && !known.claims.has(authority));
    const claim = { kind: "log-page", dc: dcKey, dcText, genctr, readAt, entry } as const;
    if (!entryListed(draft, key, tid, authority, claim)) over++;
    // Controllers that existed before this stafd's first report are not measured.
    const isAwaited = isNew && old?.page === "read" && ctlAt(draft, key) !== undefined;
    if (isAwaited && dc.toldAt !== null && !draft.state.latency.awaited.has(key)) {
      ownAwaited(draft).set(key, dc.toldAt);
    }
  }
  if (over > 0) pageCut(draft, authority, over, dcText);
  // A page that a limit has cut withdraws nothing: an entry that seems to be missing may be one of those
  // left out (S16).
  if (page !== "read" || over > 0) return;
  const gone: Evidence = { kind: "log-page", dc: dcText, genctr, readAt };
  for (const ctl of saidOf(draft, authority)) {
    if (!now.has(ctl.key)) withdraw(draft, ctl.key, authority, gone);
  }
}

function pageCut(draft: StacdDraft, authority: Authority, over: number, dcText: string): void {
  const page = ownPages(draft).get(authority);
  if (page !== undefined) ownPages(draft).set(authority, { ...page, left: page.left + over });
  const text =
    `${over} controllers of the log page of ${dcText} are left out: there is no room for more of them ` +
    `among the ${MAX_CTLS} that stacd manages`;
  logOf(draft, `the log page of ${dcText}`, "error", text);
}

/** The page has not changed, but it may have become evidence, or ceased to be. */
function vouched(draft: StacdDraft, authority: Authority, old: KnownPage, known: KnownPage): void {
  const isSame = old.current === known.current && old.young?.since === known.young?.since;
  if (isSame && old.authority === known.authority) return;
  ownPages(draft).set(authority, { ...known, left: old.left });
  for (const ctl of saidOf(draft, authority)) touch(draft, ctl.key);
}

/** False when there is no room for the controller. */
function entryListed(
  draft: StacdDraft,
  key: string,
  tid: Tid,
  authority: Authority,
  claim: Claim,
): boolean {
  const before = ctlAt(draft, key);
  const wasNcc = before !== undefined && isNcc(before);
  const changed = claimGenctr(before?.claims.get(authority)) !== claimGenctr(claim);
  if (!addClaim(draft, key, tid, authority, claim)) return false;
  const after = ctlAt(draft, key);
  if (after === undefined || before === undefined) return true;
  if (wasNcc && !isNcc(after) && after.link.phase !== "up") put(draft, { ...after, attempts: 0 });
  // The fabric has just listed it again: worth an attempt now.
  if (changed && !isNcc(after)) trySoon(draft, key, true);
  return true;
}
