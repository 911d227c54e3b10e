/**
 * stafd: accepts a completely read log page as the statement of its discovery controller, as far as there is
 * room.
 */
import { YOUNG_PAGE_SOAK } from "../../config/young_page_soak.ts";
import { type DiscoveryLog, SUBTYPE } from "../../nvme/discovery_entry.ts";
import type { Failure } from "../../base/failure.ts";
import { tidText } from "../../nvme/tid.ts";
import { type Ctl, deviceOf, pageAuthority } from "../controller/ctl.ts";
import { listedIn } from "../sources/entry_tid.ts";
import type { Evidence } from "../planning/evidence.ts";
import type { Page } from "./stafd_state.ts";
import { eventFields } from "../../base/messages.ts";
import { authorityText } from "../sources/origin_of.ts";
import { type Intake, intakeOf, type Kept, MAX_PAGES_TEXT, overBudget } from "./page_budget.ts";
import { MAX_PAGE_TEXT } from "../../nvme/page_decoder.ts";
import { youngText, youthOf } from "../planning/page_youth.ts";
import { MAX_REFERRALS } from "./referrals.ts";
import { dcAt, putDc, type StafdDraft } from "./stafd_draft.ts";
import { addClaim, statementsChanged, withdraw } from "../fleet/claims.ts";
import { emit, emitFirst, markDirty, touchAll } from "../fleet/draft.ts";
import { announce, sayOf } from "../fleet/reporting.ts";
import { authorityOf } from "./stafd_questions.ts";
import { ctlAt, saidOf } from "../fleet/questions.ts";

/** The result for a page that was read. */
export interface Taken {
  /** Why the page is not accepted: then it is unknown, and its previous content stays (S2). */
  readonly failure: Failure | undefined;
  /** Controllers whose pages made way for it: these pages are unknown from now on. */
  readonly dropped: readonly { readonly key: string; readonly failure: Failure }[];
}

export function takePage(draft: StafdDraft, ctl: Ctl, log: DiscoveryLog): Taken {
  if (log.tooMany !== undefined) {
    const size = `its log page has ${log.tooMany} entries with more text`;
    return { failure: notKept(`${size} than the limit of ${mib(MAX_PAGE_TEXT)} for one page`), dropped: [] };
  }
  const intake = intakeOf(log.entries, dcAt(draft, ctl.key).page);
  const { why, over } = roomFor(draft, ctl, intake);
  if (why !== undefined) return { failure: notKept(why), dropped: [] };
  for (const key of over) dropPage(draft, key);
  const dc = dcAt(draft, ctl.key);
  const { entries, refused, bytes } = intake;
  const readAt = draft.now.wall;
  const genctr = String(log.genctr);
  const soak = draft.state.conf?.youngPageSoak.value ?? YOUNG_PAGE_SOAK;
  const young = youthOf(dc.page, { genctr, entries, back: dc.back, at: readAt }, soak);
  putDc(draft, ctl.key, {
    ...dc,
    live: true,
    back: false,
    readLog: { failures: 0, completed: true, failure: undefined, retryAt: undefined },
    page: { genctr, readAt, toldAt: dc.toldAt, fresh: true, young, entries, bytes },
    // This page, or the next reading, covers an event that came during the reading.
    toldAt: dc.then === "nothing" ? undefined : dc.toldAt,
  });
  statementsChanged(draft);
  markDirty(draft);
  const text = `Received discovery log pages (num records=${entries.length}).`;
  sayOf(draft, ctl, "info", text, eventFields("log-page", { NVME_GENCTR: genctr }));
  if (refused > 0) {
    const why = "the subsystem NQN is longer than 223 bytes";
    sayOf(draft, ctl, "warning", `${refused} entries of its log page are refused: ${why}`);
  }
  if (young?.since === readAt && !young.isFirst && soak.ms > 0) {
    sayOf(draft, ctl, "notice", `${youngText(soak)}, because ${young.why}`);
  }
  announce(draft, ctl, "log-page", `log page read, generation ${genctr}, ${entries.length} entries`);
  takeReferrals(draft, ctl, entries, genctr);
  const device = ctl.link.phase === "up" ? ctl.link.ref.device : "nvme?";
  emitFirst(draft, { do: "signal", signal: { type: "log-pages-changed", tid: ctl.tid, device } });
  const failure = notKept(
    "its log page was dropped because the log pages of other controllers need the room",
  );
  return { failure: undefined, dropped: [...over].map((key) => ({ key, failure })) };
}

/** Its page makes way for another one: who has read it must know. */
function dropPage(draft: StafdDraft, key: string): void {
  putDc(draft, key, { ...dcAt(draft, key), page: undefined });
  const ctl = ctlAt(draft, key);
  if (ctl === undefined) return;
  const device = deviceOf(ctl)?.device ?? "nvme?";
  emit(draft, { do: "signal", signal: { type: "log-pages-changed", tid: ctl.tid, device } });
}

const notKept = (message: string): Failure => ({ phase: "read-log", kind: "permanent", message });

const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`;

interface Room {
  /** Why there is no room. */
  readonly why?: string;
  /** The keys of the controllers whose pages make way. */
  readonly over: ReadonlySet<string>;
}

/** Finds room for a page, if its authority is entitled to the room. */
function roomFor(draft: StafdDraft, ctl: Ctl, { entries, bytes }: Intake): Room {
  const none: ReadonlySet<string> = new Set();
  const size = `its log page has ${entries.length} entries of ${mib(bytes)} in all`;
  if (bytes > MAX_PAGE_TEXT) {
    return { why: `${size}, more than the limit of ${mib(MAX_PAGE_TEXT)} for one page`, over: none };
  }
  const pages: Kept[] = [{ key: ctl.key, authority: authorityOf(draft, ctl.key), bytes }];
  let sum = bytes;
  draft.work += draft.state.dcs.size;
  for (const [key, { page }] of draft.state.dcs) {
    if (page === undefined || key === ctl.key) continue;
    pages.push({ key, authority: authorityOf(draft, key), bytes: page.bytes });
    sum += page.bytes;
  }
  if (sum <= MAX_PAGES_TEXT) return { over: none };
  const over = overBudget(pages);
  if (!over.has(ctl.key)) return { over };
  const authority = authorityOf(draft, ctl.key);
  const who = authorityText(authority, ctlAt(draft, authority));
  const why = `${size}: the ${
    mib(MAX_PAGES_TEXT)
  } that are kept of all pages are used, most of them by ${who}`;
  return { why, over: none };
}

/** A completely read page is this controller's statement about referrals; it replaces the previous one. */
function takeReferrals(draft: StafdDraft, ctl: Ctl, entries: Page["entries"], genctr: string): void {
  const { now: { wall: readAt } } = draft;
  const authority = pageAuthority(ctl.key);
  const dcText = tidText(ctl.tid);
  const now = listedIn(entries, ctl.tid, SUBTYPE.referral);
  const gone: Evidence = { kind: "log-page", dc: dcText, genctr, readAt };
  const said = saidOf(draft, authority);
  // Controllers that a dropped one cut off wait for this page, too.
  if (said.some(({ released }) => released.has(authority))) touchAll(draft);
  for (const other of said) {
    if (!now.has(other.key)) withdraw(draft, other.key, authority, gone);
  }
  followReferrals(draft, ctl, now, genctr, readAt);
}

/** There may be room now for referrals that were left out. */
export function retakeReferrals(draft: StafdDraft, ctl: Ctl): void {
  const { page } = dcAt(draft, ctl.key);
  if (page === undefined) return;
  followReferrals(draft, ctl, listedIn(page.entries, ctl.tid, SUBTYPE.referral), page.genctr, page.readAt);
}

function followReferrals(
  draft: StafdDraft,
  ctl: Ctl,
  now: ReturnType<typeof listedIn>,
  genctr: string,
  readAt: number,
): void {
  const authority = pageAuthority(ctl.key);
  const dcText = tidText(ctl.tid);
  // Referrals over the limit are unknown, not absent: those followed before stay (S6).
  let room = MAX_REFERRALS;
  for (const key of now.keys()) if (ctlAt(draft, key)?.claims.has(authority) === true) room--;
  let left = 0;
  let full = 0;
  for (const [key, { tid, entry }] of now) {
    if (ctlAt(draft, key)?.claims.has(authority) !== true && room-- <= 0) {
      left++;
      continue;
    }
    const claim = { kind: "referral", dc: ctl.key, dcText, genctr, readAt, entry } as const;
    if (!addClaim(draft, key, tid, authority, claim)) full++;
  }
  putDc(draft, ctl.key, { ...dcAt(draft, ctl.key), left: full });
  left += full;
  if (left > 0) {
    const limit =
      `limit of ${MAX_REFERRALS} referrals of one controller, or of controllers in all or of one target, reached`;
    sayOf(draft, ctl, "warning", `${left} of its ${now.size} referrals are not followed: ${limit}`);
  }
}
