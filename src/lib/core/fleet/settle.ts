/** Asks the planner about each touched controller, and carries its decision out. */
import { type Decision, leadsToRemoval } from "../planning/planner.ts";
import {
  changeFleet,
  type Draft,
  emit,
  markDirty,
  newOp,
  noteStanding,
  put,
  remindAt,
  remindBy,
  startScan,
  takenBack,
  touch,
} from "./draft.ts";
import { ctlAt, isFresh } from "./questions.ts";
import { type Ctl, deviceOf, noted } from "../controller/ctl.ts";
import { follow, lookAtForming } from "../controller/unfinished.ts";
import { decisionOn } from "./decisions.ts";
import { after } from "../../base/time.ts";
import { FORMING_LOOK, RECENT, STOOD } from "../retry.ts";
import { endRecord, markUp, removeRecord } from "./connection.ts";
import { proofText } from "../planning/evidence.ts";
import { newGuard } from "../planning/guard.ts";
import { eventFields } from "../../base/messages.ts";
import { announce, say } from "./reporting.ts";
import type { View } from "./view.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { DeviceRef } from "../../ports.ts";
import { ctlsFor } from "./fleet_index.ts";
import { hasKernelWork } from "./move.ts";
import { connectionOf, formingFor } from "./kernel_view.ts";
import { isAboutTls } from "../request/tls_targets.ts";

/** The most decisions about one controller in one step; none needs more than a few (S6). */
const SETTLE_LIMIT = 64;

/** Asks the planner about every touched controller, and carries out its decisions. */
export function settle(draft: Draft): void {
  let left = SETTLE_LIMIT * (draft.state.fleet.ctls.size + 1);
  for (const key of draft.touched) {
    draft.touched.delete(key);
    // A restart is better than a daemon that does nothing (S9).
    if (left-- === 0) throw new Error("the planner does not finish");
    const ctl = ctlAt(draft, key);
    if (ctl === undefined) continue;
    carryOut(draft, ctl);
    noteStanding(draft, key);
  }
}

export function carryOut(draft: Draft, touched: Ctl): void {
  let ctl = lookAtForming(draft, touched);
  const decision = decisionOn(draft, ctl);
  if (decision.act === "adopt" && !isRecent(draft, decision.device)) return lookAgain(draft, ctl);
  // It may serve another controller by now.
  const kept = decision.act === "release" ? deviceOf(ctl) : undefined;
  if (kept !== undefined && !draft.state.fleet.stopping && !isRecent(draft, kept)) {
    return lookAgain(draft, ctl);
  }
  // The kernel has been read: connections that appear from now on were made by other programs, or by this
  // process.
  const isTold = decision.act !== "hold" || decision.look === undefined;
  if (ctl.restored && isFresh(draft) && decision.act !== "none" && isTold) {
    put(draft, ctl = { ...ctl, restored: false });
    if (isWithout(draft, ctl, decision) && draft.rules.remembered(draft, ctl)) return discard(draft, ctl);
  }
  if (isFresh(draft) && isWithout(draft, ctl, decision)) {
    if (ctl.formerly.length > 0) {
      put(draft, ctl = { ...ctl, formerly: [] });
      markDirty(draft);
    }
    // Nothing depends on an I/O controller, and the entries of a discovery controller outlive its
    // connection.
    if (ctl.inherited && draft.rules.daemon === "stacd") {
      put(draft, ctl = { ...ctl, inherited: false });
      touch(draft, ctl.key);
    }
  }
  const removing = leadsToRemoval(decision) || ctl.guard?.op !== undefined || ctl.link.phase === "deleting";
  if ((ctl.removeAt !== undefined || ctl.guard !== undefined) && !removing) {
    put(draft, ctl = { ...ctl, removeAt: undefined, guard: undefined });
  }
  const isLeft = decision.act === "none" || decision.act === "hold";
  if (isLeft && ctl.link.phase === "up") draft.rules.stays(draft, ctl);
  switch (decision.act) {
    case "none":
    case "going":
      return;
    case "hold":
    case "leave-to-others":
      if (decision.act === "hold" && decision.look === true) {
        remindBy(draft, after(draft.now, FORMING_LOOK), { of: "scan" });
      }
      if (decision.act === "leave-to-others" && !ctl.leftToOthers) {
        put(draft, ctl = { ...ctl, leftToOthers: true });
        markDirty(draft);
      }
      if (decision.act === "leave-to-others") draft.rules.leftToOthers(draft, ctl, decision.evidence);
      if (decision.act === "hold" && decision.until !== undefined) {
        remindAt(draft, decision.until, { of: "controller", key: ctl.key });
      }
      // An attempt that had begun is abandoned; its outcome is ignored.
      if (ctl.link.phase === "reaching" || ctl.link.phase === "ready") {
        put(draft, { ...ctl, link: { phase: "idle" } });
      }
      return;
    case "wait":
      return remindAt(draft, decision.until, { of: "controller", key: ctl.key });
    case "adopt":
      return markUp(draft, ctl, decision.device, true);
    case "follow":
      return follow(draft, ctl, decision.device);
    case "connect":
      return begin(draft, ctl);
    case "soak": {
      if (ctl.removeAt !== undefined) {
        return remindAt(draft, ctl.removeAt, { of: "controller", key: ctl.key });
      }
      const removeAt = after(draft.now, draft.rules.soak);
      put(
        draft,
        noted({ ...ctl, removeAt }, draft.now.wall, `no longer wanted: ${proofText(decision.evidence)}`),
      );
      return remindAt(draft, removeAt, { of: "controller", key: ctl.key });
    }
    case "confirm":
      return draft.rules.confirm(draft, ctl);
    case "look": {
      if (ctl.guard?.op !== undefined) return;
      const op = newOp(draft);
      const { device } = decision;
      if (ctl.link.phase !== "up") throw new Error(`checking whether ${device} is in use`);
      put(draft, { ...ctl, guard: { ...ctl.guard ?? newGuard, op } });
      return emit(draft, { do: "look-at-use", op, key: ctl.key, target: ctl.link.ref });
    }
    case "watch":
      return remindAt(draft, decision.until, { of: "controller", key: ctl.key });
    case "guard":
      noteGuarded(draft, ctl, decision);
      return remindAt(draft, decision.until, { of: "controller", key: ctl.key });
    case "disconnect":
      return disconnect(draft, ctl, decision);
    case "release":
      endRecord(draft, ctl, "released", decision.why, decision.evidence);
      return kept === undefined ? undefined : touchUsers(draft, kept);
    case "forget":
      return endRecord(draft, ctl, "forgotten", "not connected", decision.evidence);
  }
}

/** Disconnects it, on this evidence; `devicesToClaim`: block devices to be claimed first. */
export function disconnect(
  draft: Draft,
  ctl: Ctl,
  { target, evidence, devicesToClaim }: Omit<
    Extract<Decision, { readonly act: "disconnect" }>,
    "act"
  >,
): void {
  const op = newOp(draft);
  const words = proofText(evidence);
  // Tried again after a refusal for the same reason, which was logged the first time.
  const { loggedReason, refused } = ctl.guard ?? newGuard;
  const level = loggedReason !== undefined && loggedReason === refused ? "debug" : "notice";
  const fields = eventFields("disconnecting", { NVME_EVIDENCE: words });
  say(draft, level, ctl, `Disconnect initiated: ${words}`, fields);
  announce(draft, ctl, "disconnecting", words, fields);
  put(
    draft,
    noted(
      { ...ctl, link: { phase: "deleting", ref: target, op, evidence } },
      draft.now.wall,
      `disconnecting: ${words}`,
    ),
  );
  emit(draft, { do: "disconnect", op, key: ctl.key, target, tid: ctl.tid, evidence, devicesToClaim });
}

/** The loss of a link causes no event, and changes the attributes by which a connection is recognised. */
function isRecent(view: View, { device }: Pick<KernelCtrl, "device">): boolean {
  return view.now.mono - (view.state.fleet.readAt.get(device) ?? -Infinity) <= RECENT.ms;
}

/** Another controller that the connection serves takes it over now: no record may be left without it (S9). */
function touchUsers(draft: Draft, { device }: DeviceRef): void {
  const ctrl = draft.state.fleet.devices.get(device);
  for (const key of ctrl === undefined ? [] : ctlsFor(draft.state.fleet.ctlsAt, ctrl)) touch(draft, key);
}

/** The kernel has no connection to it, and none is being made. */
function isWithout(view: View, ctl: Ctl, decision: Decision): boolean {
  return !hasKernelWork(ctl) && decision.act !== "adopt" && decision.act !== "follow" &&
    formingFor(view, ctl) === undefined &&
    connectionOf(view, ctl) === undefined;
}

/**
 * The device is read again before it is taken over; whatever device is then found touches the controller.
 */
function lookAgain(draft: Draft, ctl: Ctl): void {
  if (ctl.link.phase === "reaching" || ctl.link.phase === "ready") {
    put(draft, { ...ctl, link: { phase: "idle" } });
  }
  startScan(draft);
}

/**
 * Known from the state file only, and not connected in the kernel (STAC-1): a source that wants it claims
 * it again.
 */
function discard(draft: Draft, ctl: Ctl): void {
  say(draft, "debug", ctl, "not connected any more: left out until a log page lists it again");
  if (ctl.standing !== undefined) {
    const stood = draft.state.fleet.stood.with(ctl.key, {
      standing: ctl.standing,
      until: after(draft.now, STOOD),
    });
    changeFleet(draft, { stood });
  }
  removeRecord(draft, ctl);
  markDirty(draft);
}

/** Logged once for each reason. */
function noteGuarded(
  draft: Draft,
  ctl: Ctl,
  { why, evidence }: Extract<Decision, { readonly act: "guard" }>,
): void {
  const { guard } = ctl;
  if (guard === undefined || guard.loggedReason === why) return;
  const words = proofText(evidence);
  const text = `withdrawn, held: ${why}`;
  const fields = eventFields("held", { NVME_EVIDENCE: words });
  say(draft, "notice", ctl, `${text} (withdrawn because: ${words})`, fields);
  announce(draft, ctl, "held", `${why}; ${words}`, fields);
  put(draft, noted({ ...ctl, guard: { ...guard, loggedReason: why } }, draft.now.wall, text));
}

function begin(draft: Draft, ctl: Ctl): void {
  const tried = { ...takenBack(draft, ctl), lastTry: draft.now };
  // Keys and the handshake daemon come and go; the answer is here before the address has been tested.
  if (!draft.lookedAtTls && isAboutTls(ctl)) {
    draft.lookedAtTls = true;
    emit(draft, { do: "look-at-tls" });
  }
  put(draft, { ...tried, link: { phase: "reaching", op: undefined } });
}
