/** What stacd answers and does where the two daemons differ. */
import {
  remembered,
  stacdAttempt,
  stacdBar,
  stacdOrigin,
  stacdPageOwner,
  stacdVerdict,
} from "./stacd_questions.ts";
import type { StacdDraft, StacdView } from "./stacd_draft.ts";
import type { Ctl } from "../controller/ctl.ts";
import { dropLatency, takeLatency } from "./aen_latency.ts";
import { fetchReport, judgeHeld } from "./stafd_reports.ts";
import { lineReminded, recheckNames } from "../sources/lines.ts";
import { audits, mayBeTaken } from "./audit.ts";
import type { KernelEvent } from "../../ports.ts";
import { type DaemonRules, remindBy, startScan, untouched } from "../fleet/draft.ts";
import { after, type Now } from "../../base/time.ts";
import { AUDIT_DELAY, REMOVAL_SOAK } from "../retry.ts";
import { drainsDue } from "./drain_turn.ts";
import { guardPolicy, keptBy, whyNotYetKnown } from "./stacd_guard.ts";
import { isConfirmed, versionOf } from "./stacd_pages.ts";
import { forgetAwaited, pageEntryEvicted } from "./report_intake.ts";
import { savedStacd } from "../saved/stacd_saved.ts";
import type { StacdState } from "./stacd_state.ts";
import type { Reminder } from "../fleet/reminders.ts";
import { replacedIn, withMoved } from "./renew.ts";
import { saidOf } from "../fleet/questions.ts";
import { renewalSettled } from "./renew_bar.ts";

function moved(draft: StacdDraft, old: Ctl, now: Ctl): void {
  const { latency, renewals } = draft.state;
  draft.state = {
    ...draft.state,
    latency: dropLatency(latency, old.key),
    renewals: withMoved(renewals, old.key, now),
  };
}

function up(draft: StacdDraft, ctl: Ctl): void {
  renewalSettled(draft, ctl);
  const take = ctl.link.phase === "up" && ctl.link.adopted ? dropLatency : takeLatency;
  draft.state = { ...draft.state, latency: take(draft.state.latency, ctl.key, draft.now.wall) };
  judgeHeld(draft, (held) => held.tid.subsysnqn === ctl.tid.subsysnqn);
}

function down(draft: StacdDraft): void {
  recheckNames(draft);
  // Another program's connection that appeared meanwhile was taken for this one.
  if (audits(draft.state.conf)) draft.auditDue = true;
}

function foreign(
  draft: StacdDraft,
  event: Extract<KernelEvent, { readonly type: "device" }>,
): void {
  if (!audits(draft.state.conf)) return;
  if (event.cause !== "add" && event.cause !== "connected") return;
  remindBy(draft, after(draft.now, AUDIT_DELAY), { of: "audit" });
}

function reminded(draft: StacdDraft, reminder: Reminder): void {
  switch (reminder.of) {
    case "resolve":
      return lineReminded(draft, reminder.key);
    case "drain":
      return drainsDue(draft);
    case "renew":
      // Each step looks at the renewal under way.
      return;
    case "fetch":
      return fetchReport(draft);
    case "audit":
      startScan(draft);
      draft.auditDue = true;
      return;
    default:
      throw new Error(`stacd has no reminder of ${reminder.of}`);
  }
}

/** Those of pages that count for another authority, and the one that a person has replaced, or had. */
function displaced(draft: StacdDraft): readonly string[] {
  const { placedBy, pages, renewals } = draft.state;
  const replaced = replacedIn(renewals);
  if (placedBy.pages === pages && placedBy.replaced === replaced) return [];
  draft.state = { ...draft.state, placedBy: { pages, replaced } };
  const found = [placedBy.replaced, replaced].flatMap((key) => key ?? []);
  if (placedBy.pages === pages) return found;
  draft.work += pages.size;
  for (const [authority, page] of pages) {
    const before = placedBy.pages.get(authority);
    if (before === page || before?.authority === page.authority) continue;
    found.push(...saidOf(draft, authority).map(({ key }) => key));
  }
  return found;
}

const rules: DaemonRules = {
  daemon: "stacd",
  kind: "io",
  soak: REMOVAL_SOAK,
  accepts: ({ isIoc }) => isIoc,
  verdict: stacdVerdict,
  whyNoAttempt: stacdBar,
  whyKept: ({ state }: StacdView, { tid }, transport) => keptBy(state.conf, tid, transport),
  guard: ({ state }: StacdView) => guardPolicy(state.conf),
  whyNotYetKnown: ({ state }: StacdView) => whyNotYetKnown(state),
  mayBeTaken,
  confirmed: ({ state, now }: StacdView, ctl) => isConfirmed(state, ctl, now),
  confirm: (draft: StacdDraft) => fetchReport(draft),
  remembered,
  attempt: stacdAttempt,
  origin: stacdOrigin,
  pageOwner: stacdPageOwner,
  pageVersion: ({ state }: StacdView, dcKey) => versionOf(state, dcKey),
  evicted: pageEntryEvicted,
  moved,
  up,
  down,
  forgotten: forgetAwaited,
  leftToOthers: () => {},
  stays: () => {},
  news: () => {},
  foreign,
  displaced,
  reminded,
  savedState: (draft: StacdDraft) => savedStacd(draft.state),
};

/** A state of stacd, to ask about. */
export const stacdView = (state: StacdState, now: Now): StacdView => ({
  state,
  now,
  rules,
  work: 0,
  memo: { isStill: true, unknowns: undefined },
});

/** The draft of a step that begins in this state. */
export const stacdDraft = (state: StacdState, now: Now): StacdDraft => ({
  ...untouched(),
  state,
  now,
  rules,
  effects: [],
  memo: { isStill: false, unknowns: undefined },
  auditDue: false,
  ownPages: undefined,
  ownAwaited: undefined,
});
