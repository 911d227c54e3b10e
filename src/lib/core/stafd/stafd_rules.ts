/** What stafd answers and does where the two daemons differ. */
import { dcAt, putDc, type StafdDraft, type StafdView } from "./stafd_draft.ts";
import { type Ctl, hostSide, pageAuthority } from "../controller/ctl.ts";
import {
  beginSession,
  foreignNews,
  lookLater,
  resync,
  sessionEnded,
  sessionNews,
  sessionReminded,
  sync,
} from "./dc_session.ts";
import { avahiSettled } from "./mdns_services.ts";
import { reconsider, statementsChanged, withdraw } from "../fleet/claims.ts";
import { saidOf } from "../fleet/questions.ts";
import { tidKey, tidText } from "../../nvme/tid.ts";
import { moveClaim } from "../fleet/move.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { isLeftBehind, refusal } from "../planning/refusal.ts";
import { authorityOf, stafdAttempt, stafdBar, stafdOrigin, stafdVerdict } from "./stafd_questions.ts";
import { lineReminded, recheckNames } from "../sources/lines.ts";
import type { Past } from "../fleet/fleet.ts";
import { type Evidence, type Proof, whyText } from "../planning/evidence.ts";
import { MAX_RETIRED, type StafdState } from "./stafd_state.ts";
import { type DaemonRules, untouched } from "../fleet/draft.ts";
import { REMOVAL_SOAK } from "../retry.ts";
import { savedStafd } from "../saved/stafd_saved.ts";
import type { Now } from "../../base/time.ts";
import type { Reminder } from "../fleet/reminders.ts";

function evicted(draft: StafdDraft, ctl: Ctl): void {
  draft.state = { ...draft.state, dcs: draft.state.dcs.without(ctl.key) };
  for (const claim of ctl.claims.values()) {
    if (claim.kind !== "referral") continue;
    const dc = draft.state.dcs.get(claim.dc);
    if (dc !== undefined) putDc(draft, claim.dc, { ...dc, left: dc.left + 1 });
  }
}

/** Its page and its referrals move with it, and the referrals take our new side, too. */
function moved(draft: StafdDraft, old: Ctl, now: Ctl): void {
  const dc = draft.state.dcs.get(old.key);
  if (dc !== undefined) {
    draft.state = { ...draft.state, dcs: draft.state.dcs.without(old.key) };
    // The answer to the command under way is ignored; the command is sent again.
    if (draft.state.dcs.get(now.key) === undefined || now.link.phase === "up") {
      putDc(draft, now.key, { ...dc, job: undefined, then: "nothing" });
    }
    lookLater(draft, now.key);
    if (dc.job !== undefined) resync(draft, now);
  }
  const [before, after] = [pageAuthority(old.key), pageAuthority(now.key)];
  const [was, is] = [hostSide(old.tid), hostSide(now.tid)];
  // Its page has another key now.
  statementsChanged(draft);
  for (const ctl of saidOf(draft, before)) {
    const claim = ctl.claims.get(before);
    if (claim?.kind !== "referral") continue;
    const inherits = tidKey({ ...ctl.tid, ...was }) === ctl.key;
    const tid = inherits ? { ...ctl.tid, ...is } : ctl.tid;
    moveClaim(draft, ctl.key, before, tid, { ...claim, dc: now.key, dcText: tidText(now.tid) }, after);
  }
}

function up(draft: StafdDraft, ctl: Ctl, device: KernelCtrl): void {
  putDc(draft, ctl.key, {
    ...dcAt(draft, ctl.key),
    upAt: draft.now,
    live: true,
    listed: true,
    lost: undefined,
  });
  if (isLeftBehind(ctl)) reconsider(draft);
  // A controller that was found only to be disconnected gets no command (S7).
  const { is } = stafdVerdict(draft, ctl);
  if (is === "wanted" || is === "held") sync(draft, ctl, device);
}

function down(draft: StafdDraft, ctl: Ctl): void {
  sessionEnded(draft, ctl);
  recheckNames(draft);
  if (isLeftBehind(ctl)) reconsider(draft);
}

function forgotten(draft: StafdDraft, ctl: Ctl, past: Pick<Past, "evidence">): void {
  // Disconnected because the daemon stops, not for good: its page, and the claims that follow from it, stay
  // (S2).
  if (past.evidence.some(({ kind }) => kind === "stop")) return;
  const dc = draft.state.dcs.get(ctl.key);
  draft.state = { ...draft.state, dcs: draft.state.dcs.without(ctl.key) };
  const why = whyText(past.evidence);
  const evidence: Evidence = { kind: "dc-retired", dc: tidText(ctl.tid), why, at: draft.now.wall };
  const known = draft.memo.referrals;
  const isCurrent = known?.at === draft.state.fleet.sayings;
  for (const other of saidOf(draft, pageAuthority(ctl.key))) {
    withdraw(draft, other.key, pageAuthority(ctl.key), evidence);
  }
  // If no referrals lead on from the controller, its removal does not change the result for the others.
  const ledOn = known?.value.depths.has(ctl.key) === true &&
    refusal(ctl, known.conf, draft.state.fleet.families) === undefined;
  if (known !== undefined && isCurrent && !ledOn) {
    draft.memo.referrals = { ...known, at: draft.state.fleet.sayings };
  }
  if (dc === undefined) return;
  draft.dcRemoved = true;
  const retired = draft.state.retired.filter(({ tid }) => tidText(tid) !== tidText(ctl.tid));
  draft.state = {
    ...draft.state,
    retired: [...retired, { tid: ctl.tid, why, at: draft.now.wall }].slice(-MAX_RETIRED),
  };
}

/**
 * Excluded while it was not connected: its page will not be read again, so what it said ends as if it had
 * been disconnected. Where only the end of an announcement makes `ip-family` apply, its loss is no evidence
 * (S2).
 */
function leftToOthers(draft: StafdDraft, ctl: Ctl, evidence: Proof): void {
  if (!isLeftBehind(ctl) && speaks(draft, ctl)) forgotten(draft, ctl, { evidence });
}

/** Its page, or a referral on it or withdrawn from it, still counts. */
function speaks(view: StafdView, { key }: Ctl): boolean {
  const page = pageAuthority(key);
  return view.state.dcs.get(key)?.page !== undefined ||
    saidOf(view, page).some(({ claims, released }) =>
      claims.has(page) || released.get(page)?.kind === "log-page"
    );
}

function reminded(draft: StafdDraft, reminder: Reminder): void {
  switch (reminder.of) {
    case "resolve":
      return lineReminded(draft, reminder.key);
    case "avahi":
      return avahiSettled(draft);
    case "lost":
      // Each step ends with a look at the silent controllers.
      return;
    case "sync":
    case "retry":
    case "generation":
      return sessionReminded(draft, reminder);
    default:
      throw new Error(`stafd has no reminder of ${reminder.of}`);
  }
}

/** Whom the referrals lead to: any change of a page or of the configuration may lead others elsewhere. */
function displaced(draft: StafdDraft): readonly string[] | "all" {
  const { placedBy, fleet: { sayings }, conf } = draft.state;
  if (placedBy.sayings === sayings && placedBy.conf === conf) return [];
  draft.state = { ...draft.state, placedBy: { sayings, conf } };
  return "all";
}

const rules: DaemonRules = {
  daemon: "stafd",
  kind: "discovery",
  soak: REMOVAL_SOAK,
  accepts: ({ isDc }) => isDc,
  verdict: stafdVerdict,
  whyNoAttempt: stafdBar,
  whyKept: () => undefined,
  // Discovery controllers have no namespaces.
  guard: () => undefined,
  whyNotYetKnown: () => undefined,
  mayBeTaken: () => false,
  // stafd reads the pages itself.
  confirmed: () => true,
  confirm: () => {},
  remembered: () => false,
  attempt: stafdAttempt,
  origin: stafdOrigin,
  pageOwner: authorityOf,
  pageVersion: () => undefined,
  evicted,
  moved,
  up,
  stays: beginSession,
  down,
  forgotten,
  leftToOthers,
  news: sessionNews,
  foreign: foreignNews,
  displaced,
  reminded,
  savedState: (draft: StafdDraft) => savedStafd(draft.state),
};

/** A state of stafd, to ask about. */
export const stafdView = (state: StafdState, now: Now): StafdView => ({
  state,
  now,
  rules,
  work: 0,
  memo: { referrals: state.referrals },
});

/** The draft of a step that begins in this state. */
export const stafdDraft = (state: StafdState, now: Now): StafdDraft => ({
  ...untouched(),
  state,
  now,
  rules,
  effects: [],
  memo: { referrals: state.referrals },
  dcRemoved: false,
});
