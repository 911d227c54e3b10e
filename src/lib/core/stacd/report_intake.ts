/** stacd: turns stafd's report, page by page, into the claims of each discovery controller. */
import { Names } from "../../base/names.ts";
import type { StacdDraft } from "./stacd_draft.ts";
import { type Authority, type Claim, claimNow, type Ctl, pageAuthority } from "../controller/ctl.ts";
import type { KnownPage, TakenEntry } from "./stacd_state.ts";
import { type PageEntry, SUBTYPE } from "../../nvme/discovery_entry.ts";
import type { FetchedReport, ReportedDc, StafdReport } from "../../ports.ts";
import { type Tid, tidKey, tidText } from "../../nvme/tid.ts";
import { followPages } from "./page_follow.ts";
import type { Evidence } from "../planning/evidence.ts";
import { ctlAt, isRoomy, saidOf } from "../fleet/questions.ts";
import { addClaim, makeWay, withdraw } from "../fleet/claims.ts";
import { markDirty, put, touch, trySoon } from "../fleet/draft.ts";
import { versionOf, vouchedFor } from "./stacd_pages.ts";
import { tidOfEntry } from "../sources/entry_tid.ts";
import { pageDiff } from "../sources/page_diff.ts";
import { MAX_CTLS } from "../fleet/fleet.ts";
import { MAX_SIDES } from "../fleet/target_sides.ts";
import { logOf } from "../fleet/reporting.ts";
import { isNcc } from "../sources/ncc.ts";

type PageClaim = Extract<Claim, { readonly kind: "log-page" | "referral" }>;

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

/** Takes in the one page that was asked for. False: it could not be had. */
export function takeOnly(draft: StacdDraft, { dcs: [dc] }: StafdReport): boolean {
  if (dc !== undefined) takePage(draft, dc);
  return dc !== undefined;
}

/** Takes in pages that are known by the name that they have now; the report that follows tells of others (S13). */
export function takeAhead(draft: StacdDraft, { dcs }: FetchedReport): void {
  for (const dc of dcs) {
    if (draft.state.pages.get(pageAuthority(tidKey(dc.tid)))?.page === "read") takePage(draft, dc);
    else awaitReport(draft);
  }
}

/** A page has come that is not taken in: until a whole report comes, it may list any controller (S2). */
export function awaitReport(draft: StacdDraft): void {
  draft.state = { ...draft.state, stafd: { ...draft.state.stafd, awaitsReport: true } };
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
    taken: old?.taken,
    ...vouchedFor(dc),
  };
  const isSame = old !== undefined && old.page === page && old.genctr === genctr && old.readAt === readAt;
  const isCut = (old?.left ?? 0) > 0 && isRoomy(draft);
  if (isSame && old.told === told && !isCut) return vouched(draft, authority, old, known);
  ownPages(draft).set(authority, known);
  markDirty(draft);
  if (page === "none") return;
  const before = old?.taken;
  const entries = takenEntries(dc.entries, before?.entries ?? [], dc.tid);
  const now = new Names<PageEntry>();
  for (const { entry, key } of entries) if (key !== undefined) now.set(key, entry);
  for (const gone of makeWay(draft, authority, now)) forgetAwaited(draft, gone);
  const isNewer = before?.genctr !== genctr;
  let over = 0;
  for (const [key, entry] of now) {
    const ctl = ctlAt(draft, key);
    const claimed = ctl?.claims.get(authority);
    if (ctl !== undefined && claimed?.kind === "log-page" && isAsBefore(claimed, entry, dcText)) {
      listedAgain(draft, ctl, isNewer);
      continue;
    }
    const isNew = ctl === undefined || (ctl.link.phase !== "up" && claimed === undefined);
    const claim = { kind: "log-page", dc: dcKey, dcText, genctr, readAt, entry } as const;
    if (!entryListed(draft, key, dc.tid, authority, claim)) over++;
    // Controllers that existed before this stafd's first report are not measured.
    const isAwaited = isNew && old?.page === "read" && ctlAt(draft, key) !== undefined;
    if (isAwaited && dc.toldAt !== null && !draft.state.latency.awaited.has(key)) {
      ownAwaited(draft).set(key, dc.toldAt);
    }
  }
  // A page that a limit has cut withdraws nothing: an entry that seems to be missing may be one of those
  // left out (S16).
  const gone: Evidence | undefined = page === "read" && over === 0
    ? { kind: "log-page", dc: dcText, genctr, readAt }
    : undefined;
  const said = draft.state.fleet.said.get(authority);
  draft.work += said?.size ?? 0;
  for (const key of said?.keys() ?? []) {
    if (now.has(key)) continue;
    if (gone === undefined) leaveClaim(draft, key, authority);
    else withdraw(draft, key, authority, gone);
  }
  const present = ownPages(draft).get(authority) ?? known;
  ownPages(draft).set(authority, { ...present, taken: { genctr, readAt, entries } });
  if (over > 0) pageCut(draft, authority, over, dcText);
}

/** The entries of the page of `dc`, in their order; those that `before` has, too, are its objects. */
function takenEntries(
  entries: readonly PageEntry[],
  before: readonly TakenEntry[],
  dc: Tid,
): readonly TakenEntry[] {
  const { known } = pageDiff(entries, before, ({ entry }) => entry);
  return entries.map((entry, at) => {
    const tid = known[at] === undefined && entry.subtype === SUBTYPE.nvme ? tidOfEntry(entry, dc) : undefined;
    return known[at] ?? { entry, key: tid === undefined ? undefined : tidKey(tid) };
  });
}

function pageCut(draft: StacdDraft, authority: Authority, over: number, dcText: string): void {
  const page = ownPages(draft).get(authority);
  if (page !== undefined) ownPages(draft).set(authority, { ...page, left: page.left + over });
  const why = isRoomy(draft)
    ? `the page names their targets by more than ${MAX_SIDES} interfaces of this host`
    : `there is no room for more of them among the ${MAX_CTLS} that stacd manages`;
  const text = `${over} controllers of the log page of ${dcText} are left out: ${why}`;
  logOf(draft, `the log page of ${dcText}`, "error", text);
}

/** The page has not changed, but it may have become evidence, or ceased to be. */
function vouched(draft: StacdDraft, authority: Authority, old: KnownPage, known: KnownPage): void {
  const isSame = old.current === known.current && old.young?.since === known.young?.since;
  if (isSame && old.authority === known.authority) return;
  ownPages(draft).set(authority, { ...known, left: old.left });
  for (const ctl of saidOf(draft, authority)) touch(draft, ctl.key);
}

/** The page lists the controller by the same entry as when it was taken in before. */
const isAsBefore = (said: PageClaim, entry: PageEntry, dcText: string): boolean =>
  said.entry === entry && said.dcText === dcText && said.isLeft !== true;

/** Nothing has changed for a controller that is connected, and that is to stay so. */
function listedAgain(draft: StacdDraft, ctl: Ctl, isNewer: boolean): void {
  if (ctl.link.phase === "up" && ctl.removeAt === undefined && ctl.guard === undefined) return;
  if (isNewer && !isNcc(ctl)) trySoon(draft, ctl.key, true);
  touch(draft, ctl.key);
}

/** The page does not list it any more, but withdraws nothing: an earlier version of the page makes the claim. */
function leaveClaim(draft: StacdDraft, key: string, authority: Authority): void {
  const ctl = ctlAt(draft, key);
  const claim = ctl?.claims.get(authority);
  if (ctl === undefined || claim?.kind !== "log-page" || claim.isLeft === true) return;
  const left: Claim = { ...claim, ...versionOf(draft.state, claim.dc), isLeft: true };
  put(draft, { ...ctl, claims: new Map(ctl.claims).set(authority, left) });
}

/** False when there is no room for the controller. */
function entryListed(
  draft: StacdDraft,
  key: string,
  dc: Tid,
  authority: Authority,
  claim: PageClaim,
): boolean {
  const before = ctlAt(draft, key);
  const wasNcc = before !== undefined && isNcc(before);
  const said = before?.claims.get(authority);
  const changed = said?.kind !== "log-page" ||
    claimNow(said, (dcKey) => versionOf(draft.state, dcKey)).genctr !== claim.genctr;
  const tid = before?.tid ?? tidOfEntry(claim.entry, dc);
  if (tid === undefined) throw new Error(`an entry without a controller has the key ${key}`);
  if (!addClaim(draft, key, tid, authority, claim)) return false;
  const after = ctlAt(draft, key);
  if (after === undefined || before === undefined) return true;
  if (wasNcc && !isNcc(after) && after.link.phase !== "up") put(draft, { ...after, attempts: 0 });
  // The fabric has just listed it again: worth an attempt now.
  if (changed && !isNcc(after)) trySoon(draft, key, true);
  return true;
}
