/**
 * stafd's core: the wanted discovery controllers, their connections, and their log pages (requirements 30).
 * Pure: the outcome of each of its requests comes back as an event.
 */
import { type Tid, tidKey } from "../../nvme/tid.ts";
import type { StafdDraft } from "./stafd_draft.ts";
import { allCtls, isRoomy } from "../fleet/questions.ts";
import { emit, setFleet, startScan, touch, touchAll } from "../fleet/draft.ts";
import { aenReceived, commandAnswered, eventsLost, resync, retakePage, statesSeen } from "./dc_session.ts";
import { lostAndFound, renameServices, retakeServices, takeMdns, withdrawServices } from "./mdns_services.ts";
import type { StafdEffect, StafdEvent, Step } from "../effects.ts";
import { hostRead, loadedConf, retryAll, takeCommon } from "../fleet/events.ts";
import { loadLines, nameResolved, recheckNames, settleLines } from "../sources/lines.ts";
import { forget, sendForgetAnswers } from "./forget_turn.ts";
import { stafdAfterClockSet } from "../saved/clock_set.ts";
import { moveClaim, sameFarSide } from "../fleet/move.ts";
import { addClaim, takeReleased } from "../fleet/claims.ts";
import type { StafdState } from "./stafd_state.ts";
import { exitWhenQuiet, stepOf } from "../fleet/step.ts";
import { settle } from "../fleet/settle.ts";
import { startWork } from "../fleet/queues.ts";
import type { Instant } from "../../base/time.ts";
import { stafdDraft } from "./stafd_rules.ts";
import { broughtNearer } from "./stafd_questions.ts";
import { nextReminder } from "../fleet/device_news.ts";

const nbftAuthority = (file: string, tid: Tid): string => `nbft:${file}:${tidKey(tid)}`;

/** Adds what was left out of the full table, once there is room again. */
function takeLeftOut(draft: StafdDraft): void {
  const { fleet } = draft.state;
  if (!fleet.leftOut || !isRoomy(draft)) return;
  setFleet(draft, { ...fleet, leftOut: false });
  draft.work += draft.state.dcs.size;
  for (const [key, dc] of draft.state.dcs) if (dc.left > 0) retakePage(draft, key);
  retakeServices(draft);
}

export function takeStafd(draft: StafdDraft, event: StafdEvent): void {
  switch (event.type) {
    case "config":
      return configRead(draft, event);
    case "registered":
    case "supported-logs":
    case "log-read":
    case "generation":
      return commandAnswered(draft, event);
    case "aen":
      return aenReceived(draft, event);
    case "states":
      takeCommon(draft, event);
      return statesSeen(draft, event.states);
    case "avahi":
    case "service":
    case "service-gone":
    case "mdns-problem":
      return takeMdns(draft, event);
    case "resolved":
      return nameResolved(draft, event.op, event.outcome);
    case "network":
      takeCommon(draft, event);
      return recheckNames(draft);
    case "overflow":
      takeCommon(draft, event);
      return eventsLost(draft);
    case "host":
      // Also announced controllers are claimed as this host.
      if (hostRead(draft, event)) renameServices(draft, event.host.nqn);
      return;
    case "nbft":
      takeCommon(draft, event);
      return nbftRead(draft);
    case "forget":
      return forget(draft, event);
    case "clock-set":
      draft.state = stafdAfterClockSet(draft.state, event.ms);
      return takeCommon(draft, event);
    default:
      return takeCommon(draft, event);
  }
}

function configRead(draft: StafdDraft, event: Extract<StafdEvent, { readonly type: "config" }>): void {
  const { conf } = event;
  if (!loadedConf(draft, event)) return;
  draft.state = { ...draft.state, conf };
  loadLines(draft, conf);
  emit(draft, { do: "browse", enabled: conf.zeroconf.value });
  if (!conf.zeroconf.value) withdrawServices(draft);
  if (event.reload) {
    retryAll(draft);
    for (const ctl of allCtls(draft)) resync(draft, ctl);
  } else startScan(draft);
  touchAll(draft);
}

function nbftRead(draft: StafdDraft): void {
  const { discovery } = draft.state.fleet.nbft;
  const current = new Set(discovery.map(({ tid, file }) => nbftAuthority(file, tid)));
  for (const { tid, file, hostId } of discovery) {
    const { traddr } = tid;
    const claim = { kind: "nbft", file, traddr, hostId } as const;
    for (const ctl of allCtls(draft)) {
      if (!sameFarSide(ctl.tid, tid)) continue;
      for (const [authority, { kind }] of ctl.claims) {
        if (kind !== "nbft" || current.has(authority)) continue;
        moveClaim(draft, ctl.key, authority, tid, claim, nbftAuthority(file, tid));
      }
    }
    addClaim(draft, tidKey(tid), tid, nbftAuthority(file, tid), claim);
  }
}

export function finishStafd(draft: StafdDraft): Step<StafdState, StafdEffect> {
  takeLeftOut(draft);
  for (const key of broughtNearer(draft)) touch(draft, key);
  settle(draft);
  lostAndFound(draft);
  // A dropped controller may cut off others that its referrals led to.
  while (takeReleased(draft)) {
    touchAll(draft);
    settle(draft);
  }
  settleLines(draft);
  if (draft.dcRemoved) emit(draft, { do: "signal", signal: { type: "dc-removed" } });
  startWork(draft);
  sendForgetAnswers(draft);
  exitWhenQuiet(draft);
  return {
    state: { ...draft.state, referrals: draft.memo.referrals },
    effects: draft.effects,
    work: draft.work,
  };
}

/** One step of stafd. */
export const stepStafd = stepOf(stafdDraft, takeStafd, finishStafd);

/** When stafd needs the next time event; undefined while nothing waits for one. */
export const stafdWakeAt = (state: StafdState): Instant | undefined => nextReminder(state.fleet);
