/** What a connection that begins, ends or fails does to the record of its controller. */
import {
  changeFleet,
  type Draft,
  emit,
  markDirty,
  put,
  remindAt,
  setFleet,
  takenBack,
  touch,
} from "./draft.ts";
import { type Ctl, deviceOf, noted } from "../controller/ctl.ts";
import { MAX_PAST, type Past, withoutCtl } from "./fleet.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { DeviceRef } from "../../ports.ts";
import { isLost, keepLooking } from "../controller/links.ts";
import { lostSince } from "../controller/standing.ts";
import { matches } from "../../nvme/match.ts";
import { proveTls } from "./move.ts";
import { leavesSide } from "./target_sides.ts";
import { listed, unlisted } from "./fleet_index.ts";
import { announce, say } from "./reporting.ts";
import { eventFields } from "../../base/messages.ts";
import { sayDifferences } from "../controller/differences.ts";
import { type Evidence, evidenceText, proofText } from "../planning/evidence.ts";
import { tidText } from "../../nvme/tid.ts";
import type { Failure } from "../../base/failure.ts";
import { CONNECT_RETRY, pause, SILENT_RETRY } from "../retry.ts";
import { isMute } from "./probing.ts";
import { after } from "../../base/time.ts";

export function removeRecord(draft: Draft, ctl: Ctl): void {
  if (leavesSide(draft, ctl)) changeFleet(draft, { leftOut: true });
  setFleet(draft, withoutCtl(draft.state.fleet, ctl));
}

export function markUp(draft: Draft, ctl: Ctl, device: KernelCtrl, adopted: boolean): void {
  const ref: DeviceRef = { device: device.device, incarnation: device.incarnation };
  const since = adopted && isLost(device.state) ? lostSince(ctl, ref) : undefined;
  const up: Ctl = {
    ...takenBack(draft, ctl),
    attempts: 0,
    triedTls: false,
    lastFailure: undefined,
    removeAt: undefined,
    guard: undefined,
    tryOnce: false,
    proven: true,
    formerly: matches(ctl.tid, device, draft.state.fleet.interfaces) ? [] : ctl.formerly,
    link: { phase: "up", ref, adopted, ...(since === undefined ? {} : { lost: since }) },
  };
  keepLooking(draft);
  proveTls(draft, ctl, device);
  const words = adopted ? "Connection established! (it existed already)" : "Connection established!";
  put(
    draft,
    noted(up, draft.now.wall, adopted ? `found connected as ${ref.device}` : `connected as ${ref.device}`),
  );
  changeFleet(draft, { users: listed(draft.state.fleet.users, ref.device, ctl.key) });
  say(draft, "info", up, words, eventFields("connected"));
  announce(
    draft,
    up,
    "connected",
    adopted ? `${ref.device} was connected already` : `connected as ${ref.device}`,
  );
  sayDifferences(draft, up, device, adopted);
  if (!adopted) emit(draft, { do: "own", device: ref.device, owned: true });
  draft.rules.up(draft, up, device);
  touch(draft, ctl.key);
}

export function markDown(draft: Draft, ctl: Ctl, ref: DeviceRef): void {
  changeFleet(draft, { users: unlisted(draft.state.fleet.users, ref.device, ctl.key) });
  draft.rules.down(draft, ctl);
}

/**
 * Records a connection that no source wants, without a claim, so that the planner judges it (requirements
 * 40).
 */
export function adoptForeign(draft: Draft, ctl: Ctl): void {
  const device = ctl.link.phase === "up" ? ctl.link.ref.device : "";
  put(draft, noted(ctl, draft.now.wall, `found ${device}, which no source wants`));
  keepLooking(draft);
  changeFleet(draft, { users: listed(draft.state.fleet.users, device, ctl.key) });
  touch(draft, ctl.key);
}

/** Removes a record; its connection, if any, stays. */
export function dropRecord(draft: Draft, ctl: Ctl, why: string): void {
  endRecord(draft, ctl, "released", why, []);
}

/** Removes the record, or keeps it idle while a source still wants the excluded controller. */
export function endRecord(
  draft: Draft,
  ctl: Ctl,
  what: Past["what"],
  why: string,
  evidence: readonly Evidence[],
): void {
  const device = deviceOf(ctl)?.device ?? "";
  const past: Past = {
    key: ctl.key,
    text: tidText(ctl.tid),
    tid: ctl.tid,
    device,
    at: draft.now.wall,
    what,
    why,
    evidence,
  };
  const ref = deviceOf(ctl);
  if (ref !== undefined) {
    const isGone = what === "disconnected";
    const type = isGone ? "disconnected" : "let-go";
    const words = evidence.length === 0 ? {} : { NVME_EVIDENCE: evidence.map(evidenceText).join("; ") };
    const line = isGone ? `Disconnected: ${why}` : `No longer wanted, connection kept: ${why}`;
    say(draft, isGone ? "notice" : "info", ctl, line, eventFields(type, words));
    announce(draft, ctl, type, why, words);
    markDown(draft, ctl, ref);
  }
  changeFleet(draft, { past: [...draft.state.fleet.past, past].slice(-MAX_PAST) });
  if (ctl.claims.size > 0) {
    const text = ref !== undefined ? `${what}: ${why}` : `excluded: ${proofText(evidence)}`;
    put(
      draft,
      noted(
        { ...ctl, removeAt: undefined, guard: undefined, leftToOthers: true, link: { phase: "idle" } },
        draft.now.wall,
        text,
      ),
    );
  } else removeRecord(draft, ctl);
  markDirty(draft);
  draft.rules.forgotten(draft, ctl, past);
}

/** `told`: the attempt at which a failure is worth an event. */
export function attemptFailed(draft: Draft, ctl: Ctl, failure: Failure, told = 1): void {
  const attempts = ctl.attempts + 1;
  const wait = failure.kind === "permanent"
    ? CONNECT_RETRY.longest
    : pause(isMute(failure) ? SILENT_RETRY : CONNECT_RETRY, attempts, ctl.key);
  const until = after(draft.now, wait);
  const changed = ctl.lastFailure?.failure.message !== failure.message;
  const next: Ctl = {
    ...ctl,
    attempts,
    tryOnce: false,
    lastFailure: { failure, at: draft.now.wall },
    link: { phase: "waiting", until },
  };
  const isNews = attempts === told || (changed && attempts > told);
  if (isNews) announce(draft, next, "failed", failure.message);
  put(draft, isNews ? noted(next, draft.now.wall, failure.message) : next);
  // A failure that a second attempt may cure is reported only after that attempt (STAF-45); any other
  // failure at once.
  const worth = failure.kind === "permanent" ? 1 : 2;
  say(
    draft,
    attempts === worth || (changed && attempts > worth) ? "error" : "debug",
    next,
    `Failed to connect to controller. ${failure.message}` +
      (failure.remedy === undefined ? "" : `; ${failure.remedy}`),
    eventFields("failed", failure.errno === undefined ? {} : { NVME_ERROR: failure.errno }),
  );
  remindAt(draft, until, { of: "controller", key: ctl.key });
  touch(draft, ctl.key);
}
