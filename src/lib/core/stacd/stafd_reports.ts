/** What stacd knows of stafd: whether it runs, and its last report. */
import type { StacdDraft } from "./stacd_draft.ts";
import { type Ctl, pageAuthority } from "../controller/ctl.ts";
import { emit, newOp, remindAt, touch, touchAll } from "../fleet/draft.ts";
import { heard, noStafd } from "./stacd_state.ts";
import { ctlAt } from "../fleet/questions.ts";
import { happened, logLine } from "../fleet/reporting.ts";
import type { Outcome } from "../../base/failure.ts";
import type { FetchedReport } from "../../ports.ts";
import { after } from "../../base/time.ts";
import { FETCH_RETRY, pause, UNKNOWN_RETRY } from "../retry.ts";
import { awaitReport, takeAhead, takeOnly, takeReport } from "./report_intake.ts";
import { type Tid, tidKey } from "../../nvme/tid.ts";
import { audits } from "./audit.ts";

/** Held connections may have waited for this event. */
export function judgeHeld(draft: StacdDraft, concerned: (ctl: Ctl) => boolean): void {
  for (const key of draft.state.fleet.leaving.keys()) {
    const ctl = ctlAt(draft, key);
    if (ctl !== undefined && concerned(ctl)) touch(draft, key);
  }
}

/** What was held because a report had not come is judged when it has. */
function judgeWithdrawn(draft: StacdDraft): void {
  for (const { key, claims, released } of draft.state.fleet.ctls.values()) {
    if (claims.size === 0 && released.size > 0) touch(draft, key);
  }
}

export function stafdPresence(draft: StacdDraft, present: boolean): void {
  const { stafd } = draft.state;
  if (stafd.present === present) return present ? stafdChanged(draft) : undefined;
  // A stafd that ends withdraws nothing: its pages stay as they were, but nothing new follows from them.
  const pages = new Map(
    [...draft.state.pages].map(([authority, page]) =>
      [
        authority,
        page.page === "read" ? { ...page, page: "cached", current: false } as const : page,
      ] as const
    ),
  );
  draft.state = {
    ...draft.state,
    pages,
    stafd: { ...noStafd, present, heardAt: stafd.heardAt, awaitsReport: stafd.awaitsReport },
  };
  if (present) happened(draft, "info", "stafd-back", "stafd is running");
  else happened(draft, "info", "stafd-gone", "stafd has stopped; nothing is disconnected for that");
  if (present) fetchReport(draft);
}

/** `page`: only the page of this discovery controller has changed. */
export function stafdChanged(draft: StacdDraft, page?: Tid): void {
  if (draft.state.stafd.op === undefined) return fetchReport(draft, suffices(draft, page) ? page : undefined);
  draft.state = { ...draft.state, stafd: { ...draft.state.stafd, again: true } };
}

/**
 * May the page be fetched without the rest of the report? stafd has reported it already, as all else that it knows. An
 * audit needs the whole report.
 */
function suffices({ state: { conf, pages } }: StacdDraft, page: Tid | undefined): boolean {
  return page !== undefined && !audits(conf) &&
    pages.get(pageAuthority(tidKey(page)))?.page === "read";
}

/** Without `page`: the whole report. */
export function fetchReport(draft: StacdDraft, page?: Tid): void {
  const { stafd } = draft.state;
  if (!stafd.present || stafd.op !== undefined || draft.state.fleet.stopping) return;
  const op = newOp(draft);
  draft.state = { ...draft.state, stafd: { ...stafd, op, again: false, isLate: false, askedAt: draft.now } };
  emit(draft, { do: "fetch", op, ...(page === undefined ? {} : { page }) });
}

/**
 * Pages of which the report says nothing, although their discovery controllers have not been dropped: stafd is about to
 * drop them, or has forgotten them. What they list by now is unknown (S2).
 */
function unnamedPages({ state: { pages } }: StacdDraft, { dcs }: FetchedReport): readonly string[] {
  const named = new Set(dcs.map(({ tid }) => pageAuthority(tidKey(tid))));
  return [...pages].flatMap(([authority, { dcText }]) =>
    named.has(authority) ? [] : [`stafd does not report what ${dcText} lists now`]
  );
}

export function fetched(draft: StacdDraft, op: number, outcome: Outcome<FetchedReport>): void {
  const { stafd } = draft.state;
  if (stafd.op !== op) return;
  if (outcome.ok && stafd.isLate) {
    // A page would seem older or younger than it is (S14).
    awaitReport(draft);
    if (outcome.value.ahead === true) return;
    draft.state = { ...draft.state, stafd: { ...draft.state.stafd, op: undefined } };
    return fetchReport(draft);
  }
  if (outcome.ok && outcome.value.ahead === true) return takeAhead(draft, outcome.value);
  const done = { ...stafd, op: undefined };
  if (!outcome.ok) {
    const failures = stafd.failures + 1;
    draft.state = { ...draft.state, stafd: { ...done, failures } };
    const { message } = outcome.failure;
    logLine(draft, failures === 2 ? "error" : "debug", `stafd gave no usable answer: ${message}`);
    return remindAt(draft, after(draft.now, pause(FETCH_RETRY, failures, "stafd")), { of: "fetch" });
  }
  if (outcome.value.only === true) {
    // It confirms that page only: `knownAt` and what stafd does not know stay as they are.
    draft.state = { ...draft.state, stafd: { ...done, failures: 0, ...heard(draft.now) } };
    const isThere = takeOnly(draft, outcome.value);
    judgeHeld(draft, () => true);
    if (!isThere || stafd.again) fetchReport(draft);
    return;
  }
  takeReport(draft, outcome.value);
  const { dcs, partial } = outcome.value;
  const unknowns = [...outcome.value.unknowns, ...unnamedPages(draft, outcome.value)];
  const isKnown = unknowns.length === 0 && partial !== true && dcs.every(({ page }) => page === "read");
  const reportsWithGaps = isKnown ? 0 : stafd.reportsWithGaps + 1;
  draft.state = {
    ...draft.state,
    stafd: {
      ...done,
      failures: 0,
      ...heard(draft.now),
      knownAt: stafd.askedAt,
      unknowns,
      reportsWithGaps,
      awaitsReport: false,
    },
  };
  if (stafd.awaitsReport) judgeWithdrawn(draft);
  // stafd sends no signal when it learns something without a change of a log page. The audit waits for such
  // news, and so do pages that stafd has not named yet.
  const isNamed = partial !== true &&
    (outcome.value.unknowns.length === 0 || draft.state.pages.size <= dcs.length);
  if (audits(draft.state.conf) ? !isKnown : !isNamed) {
    remindAt(draft, after(draft.now, pause(UNKNOWN_RETRY, reportsWithGaps, "stafd")), { of: "fetch" });
  }
  judgeHeld(draft, () => true);
  if (audits(draft.state.conf)) {
    draft.auditDue = true;
    touchAll(draft);
  }
  if (stafd.again) fetchReport(draft);
}
