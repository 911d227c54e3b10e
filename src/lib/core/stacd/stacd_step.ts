/**
 * stacd's core: the wanted I/O controllers and their connections (requirements 40). Each discovery
 * controller's page, as stafd relays it, is an authority of its own; so is each `controller=` line. Pure.
 */
import type { StacdDraft } from "./stacd_draft.ts";
import type { StacdEffect, StacdEvent, Step } from "../effects.ts";
import { fetched, stafdChanged, stafdPresence } from "./stafd_reports.ts";
import { loadLines, nameResolved, recheckNames, settleLines } from "../sources/lines.ts";
import { audits, isForeign, unclaimed } from "./audit.ts";
import { changeFleet, put, remindBy, startScan, takenBack, touchAll } from "../fleet/draft.ts";
import { hostRead, loadedConf, retryAll, takeCommon } from "../fleet/events.ts";
import { drain, drainUseSeen, remindOfDrains, sendAnswers, undrain } from "./drain_turn.ts";
import { stacdAfterClockSet } from "../saved/clock_set.ts";
import { allCtls, isRoomy } from "../fleet/questions.ts";
import { adoptForeign, dropRecord } from "../fleet/connection.ts";
import { stacdVerdict } from "./stacd_questions.ts";
import type { StacdState } from "./stacd_state.ts";
import { exitWhenQuiet, stepOf } from "../fleet/step.ts";
import { settle } from "../fleet/settle.ts";
import { after, type Instant } from "../../base/time.ts";
import { ROOM_LOOK } from "../retry.ts";
import { startWork } from "../fleet/queues.ts";
import { stacdDraft } from "./stacd_rules.ts";
import { nextReminder } from "../fleet/device_news.ts";
import { advanceRenewal, keysWritten, renew, renewalDisconnected, renewalUseSeen } from "./renew_turn.ts";

function takeStacd(draft: StacdDraft, event: StacdEvent): void {
  switch (event.type) {
    case "config":
      return configRead(draft, event);
    case "host":
      hostRead(draft, event);
      return;
    case "stafd":
      return stafdPresence(draft, event.present);
    case "stafd-changed":
      return stafdChanged(draft, event.page);
    case "fetched":
      return fetched(draft, event.op, event.outcome);
    case "resolved":
      nameResolved(draft, event.op, event.outcome);
      // A connection may have been held because this answer was missing.
      if (audits(draft.state.conf)) touchAll(draft);
      return;
    case "network":
      takeCommon(draft, event);
      return recheckNames(draft);
    case "drain":
      return drain(draft, event);
    case "undrain":
      return undrain(draft, event);
    case "use-seen":
      if (!drainUseSeen(draft, event) && !renewalUseSeen(draft, event)) takeCommon(draft, event);
      return;
    case "renew":
      return renew(draft, event);
    case "keys-written":
      return keysWritten(draft, event);
    case "disconnected":
      takeCommon(draft, event);
      return renewalDisconnected(draft, event);
    case "clock-set":
      draft.state = stacdAfterClockSet(draft.state, event.ms);
      draft.state = { ...draft.state, stafd: { ...draft.state.stafd, isLate: true } };
      return takeCommon(draft, event);
    case "scanned":
      takeCommon(draft, event);
      draft.auditDue ||= audits(draft.state.conf);
      return;
    default:
      return takeCommon(draft, event);
  }
}

function configRead(draft: StacdDraft, event: Extract<StacdEvent, { readonly type: "config" }>): void {
  const { conf } = event;
  if (!loadedConf(draft, event)) return;
  // A controller that could not be used until now would be measured from an old event.
  draft.state = { ...draft.state, conf, latency: { ...draft.state.latency, awaited: new Map() } };
  loadLines(draft, conf);
  for (const ctl of allCtls(draft)) {
    // Another program's, excluded, and found by the audit; or allowed now, and therefore ours.
    const isLeft = ctl.leftToOthers && ctl.link.phase === "up";
    if ((isForeign(ctl) || isLeft) && !audits(draft.state.conf)) {
      dropRecord(draft, ctl, "disconnect-scope leaves it alone");
    } else if (isLeft && stacdVerdict(draft, ctl).is === "wanted") {
      put(draft, takenBack(draft, ctl));
    }
  }
  if (event.reload) {
    retryAll(draft);
    if (audits(draft.state.conf)) {
      draft.auditDue = true;
      // Only an audit waits for information that stafd's last report lacked: without one it is not asked
      // for again.
      if (draft.state.stafd.present) stafdChanged(draft);
    }
  } else {
    startScan(draft);
    remindOfDrains(draft);
  }
  touchAll(draft);
}

export function finishStacd(draft: StacdDraft): Step<StacdState, StacdEffect> {
  draft.memo.isStill = true;
  draft.memo.unknowns = undefined;
  settle(draft);
  if (draft.auditDue) {
    for (const ctl of unclaimed(draft)) adoptForeign(draft, ctl);
    settle(draft);
  }
  if (advanceRenewal(draft)) settle(draft);
  settleLines(draft);
  // stafd's report is the same, but there is room now for controllers that were left out.
  if (draft.state.fleet.leftOut && isRoomy(draft)) {
    changeFleet(draft, { leftOut: false });
    remindBy(draft, after(draft.now, ROOM_LOOK), { of: "fetch" });
  }
  startWork(draft);
  sendAnswers(draft);
  exitWhenQuiet(draft);
  return {
    state: draft.state,
    effects: draft.effects,
    work: draft.work,
  };
}

/** One step of stacd. */
export const stepStacd = stepOf(stacdDraft, takeStacd, finishStacd);

/** When stacd needs the next time event; undefined while nothing waits for one. */
export const stacdWakeAt = (state: StacdState): Instant | undefined => nextReminder(state.fleet);
