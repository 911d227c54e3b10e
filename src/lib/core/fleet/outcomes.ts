/** The outcomes of probes, connects, disconnects and looks at namespaces. */
import { changeFleet, distrustKernel, type Draft, emit, put, setFleet, startScan, touch } from "./draft.ts";
import type { Op } from "../effects.ts";
import type { Outcome } from "../../base/failure.ts";
import type { Deletion, DeviceRef, Reached } from "../../ports.ts";
import { allCtls, ctlAt } from "./questions.ts";
import { placeRead, queueForKernel } from "./queues.ts";
import { isKernelsTurn, mayBeWrong } from "./probing.ts";
import { announce, say } from "./reporting.ts";
import { type Ctl, noted } from "../controller/ctl.ts";
import { attemptFailed, endRecord, markDown, markUp } from "./connection.ts";
import { withoutDevice } from "./fleet.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { asMade, isOtherKind, mayBeOther } from "../controller/known_device.ts";
import { madeAsAsked } from "./fleet_index.ts";
import { isUnfinished } from "../../nvme/match.ts";
import { connectionLost, deviceRemoved, formed, know, noteHeard } from "./device_news.ts";
import { follow } from "../controller/unfinished.ts";
import { alreadyThere } from "../controller/in_the_way.ts";
import { requestFor, type View } from "./view.ts";
import { identityRefused } from "../controller/identity.ts";
import type { NamespaceLook } from "../../nvme/namespace_look.ts";
import { looked, newGuard } from "../planning/guard.ts";
import { deviceAt } from "./kernel_view.ts";
import { eventFields } from "../../base/messages.ts";
import { after } from "../../base/time.ts";
import { DELETE_RETRY, pause } from "../retry.ts";
import { proofText } from "../planning/evidence.ts";
import { ended, heardSince, returned } from "./kernel_lock.ts";

export function probed(draft: Draft, op: Op, key: string, outcome: Outcome<Reached>): void {
  changeFleet(draft, { reaching: draft.state.fleet.reaching - 1 });
  const ctl = ctlAt(draft, key);
  if (ctl?.link.phase !== "reaching" || ctl.link.op !== op) return;
  if (outcome.ok) queueForKernel(draft, ctl, outcome.value);
  else if (mayBeWrong(ctl, outcome.failure) && isKernelsTurn(ctl)) {
    const { failure } = outcome;
    const text = `${failure.message}; the kernel tries it all the same, after the others`;
    say(draft, "debug", ctl, `Failed to connect to controller. ${text}`);
    const behind = { ...noted(ctl, draft.now.wall, text), lastFailure: { failure, at: draft.now.wall } };
    queueForKernel(draft, behind, "untested", true);
  } else attemptFailed(draft, ctl, outcome.failure);
}

export function kernelFree(draft: Draft, op: Op): void {
  changeFleet(draft, { lock: returned(draft.state.fleet.lock, op, draft.now) });
}

export function connected(draft: Draft, op: Op, key: string, outcome: Outcome<KernelCtrl>): void {
  const ctl = doing(draft, op, key);
  const before = draft.state.fleet.lock;
  changeFleet(draft, { lock: ended(before, op, draft.now) });
  placeRead(draft, op);
  if (!outcome.ok && outcome.failure.undone !== undefined) deletedAgain(draft, outcome.failure.undone);
  if (ctl?.link.phase !== "connecting" || ctl.link.op !== op) return;
  if (outcome.ok) {
    const made = asMade(outcome.value, draft.rules.daemon);
    const news = heardSince(before, op, made.device);
    // Device numbers are reused: by the time the call returns, the number may belong to another connection (S1).
    const isOther = !madeAsAsked(ctl.tid, made) || mayBeOther(ctl.tid, outcome.value) ||
      isOtherKind(made, draft.rules.daemon) ||
      (news?.now !== undefined && news.now !== made.incarnation);
    if (isOther) {
      distrustKernel(draft);
      // It may be ours all the same, also if no source wants it any more: the number's earlier owner went unheard.
      return attemptFailed(draft, { ...ctl, restored: true }, {
        phase: "connect",
        kind: "transient",
        message: `${made.device} may be another connection by now`,
      });
    }
    // A removal that was heard meanwhile is that of an earlier device with the number, or of this one: the scan tells.
    if (news !== undefined && news.now === undefined) startScan(draft);
    if (isUnfinished(outcome.value)) {
      const known = draft.state.fleet.devices.get(made.device);
      // What was heard meanwhile is newer.
      const isNewer = known?.incarnation === made.incarnation && !isUnfinished(known);
      const ctrl = isNewer ? known : know(draft, outcome.value);
      follow(draft, ctl, ctrl);
      const followed = ctlAt(draft, ctl.key);
      return followed === undefined ? undefined : formed(draft, followed, ctrl);
    }
    know(draft, made);
    return markUp(draft, ctl, made, false);
  }
  // Either another program was faster, and a scan will find its connection, or the connection is one that
  // we do not recognise.
  if (outcome.failure.errno === "EALREADY") {
    startScan(draft);
    return attemptFailed(draft, ctl, alreadyThere(ctl.tid, draft.state.fleet.devices.values()), 2);
  }
  const request = requestFor(draft, ctl);
  const failure = identityRefused(outcome.failure, request, draft.state.fleet.devices.values());
  // It may work without TLS, which is tried soon.
  attemptFailed(draft, ctl, ctl.triedTls ? { ...failure, kind: "transient" } : failure);
}

/** It was heard of while it existed, and its end arrives later: it is no connection that could be taken over. */
function deletedAgain(draft: Draft, ref: DeviceRef): void {
  const known = draft.state.fleet.devices.get(ref.device);
  if (known !== undefined && known.incarnation !== ref.incarnation) return;
  noteHeard(draft, ref.device, undefined);
  deviceRemoved(draft, ref.device, undefined);
}

export function useSeen(
  draft: Draft,
  op: Op,
  asked: string,
  outcome: Outcome<readonly NamespaceLook[]>,
): void {
  const known = ctlAt(draft, asked);
  const ctl = known?.guard?.op === op
    ? known
    : [...draft.state.fleet.ctls.values()].find(({ guard }) => guard?.op === op);
  const policy = draft.rules.guard(draft);
  if (ctl?.guard === undefined || ctl.guard.op !== op || policy === undefined) return;
  put(draft, { ...ctl, guard: looked(ctl.guard, outcome, policy, draft.now) });
  touch(draft, ctl.key);
}

/** The controller for which an operation was begun; its key may have changed meanwhile. */
function doing(view: View, op: Op, key: string): Ctl | undefined {
  const is = (ctl: Ctl | undefined): boolean =>
    (ctl?.link.phase === "connecting" || ctl?.link.phase === "deleting") && ctl.link.op === op;
  const known = ctlAt(view, key);
  if (is(known)) return known;
  for (const ctl of allCtls(view)) if (is(ctl)) return ctl;
  return undefined;
}

export function disconnected(draft: Draft, op: Op, asked: string, outcome: Outcome<Deletion>): void {
  const ctl = doing(draft, op, asked);
  if (ctl?.link.phase !== "deleting" || ctl.link.op !== op) return;
  const { key, link: { ref, evidence } } = ctl;
  if (outcome.ok && typeof outcome.value !== "string") {
    const { inUse } = outcome.value;
    const guard = { ...ctl.guard ?? newGuard, op: undefined, at: draft.now, failure: inUse, refused: inUse };
    const link = { phase: "up", ref, adopted: true } as const;
    const back: Ctl = { ...ctl, guard, link };
    put(draft, back);
    // The removal by others may have been seen while the claim was under way.
    if (deviceAt(draft, ref) === undefined) connectionLost(draft, back, ref);
    return touchUsers(draft, ref, back);
  }
  if (!outcome.ok) {
    say(
      draft,
      "error",
      ctl,
      `Failed to disconnect. ${outcome.failure.message}`,
      eventFields("disconnect-failed"),
    );
    announce(draft, ctl, "disconnect-failed", outcome.failure.message);
    const attempts = ctl.attempts + 1;
    const removeAt = after(draft.now, pause(DELETE_RETRY, attempts, key));
    const back: Ctl = {
      ...ctl,
      attempts,
      removeAt,
      link: { phase: "up", ref, adopted: true },
    };
    put(draft, noted(back, draft.now.wall, outcome.failure.message));
    // The removal may have been seen while the call was under way.
    if (deviceAt(draft, ref) === undefined) connectionLost(draft, back, ref);
    return touchUsers(draft, ref, back);
  }
  dropDevice(draft, ref, key);
  const idle: Ctl = { ...ctl, attempts: 0, removeAt: undefined, guard: undefined, link: { phase: "idle" } };
  if (draft.rules.verdict(draft, ctl).is === "wanted") {
    const words = "disconnected, and wanted again meanwhile";
    const fields = eventFields("disconnected", { NVME_EVIDENCE: proofText(evidence) });
    say(draft, "notice", ctl, words.replace("d", "D"), fields);
    announce(draft, ctl, "disconnected", words, fields);
    markDown(draft, ctl, ref);
    put(draft, noted(idle, draft.now.wall, words));
  } else {
    endRecord(draft, ctl, "disconnected", proofText(evidence), evidence);
  }
  touch(draft, key);
}

/**
 * The connection stays. Its other controllers have waited for the outcome, and now wait together with the
 * one that tried.
 */
function touchUsers(draft: Draft, { device }: DeviceRef, { removeAt, guard }: Ctl): void {
  for (const key of draft.state.fleet.users.get(device) ?? []) {
    const ctl = ctlAt(draft, key);
    if (ctl?.removeAt !== undefined) put(draft, { ...ctl, removeAt, guard });
    touch(draft, key);
  }
}

/** A device that we deleted for one of its controllers is gone before its event arrives. */
function dropDevice(draft: Draft, ref: DeviceRef, user: string): void {
  emit(draft, { do: "own", device: ref.device, owned: false });
  if (deviceAt(draft, ref) !== undefined) setFleet(draft, withoutDevice(draft.state.fleet, ref.device));
  for (const key of draft.state.fleet.users.get(ref.device) ?? []) {
    const other = ctlAt(draft, key);
    const isOn = key !== user && other?.link.phase === "up" &&
      other.link.ref.incarnation === ref.incarnation;
    if (isOn) connectionLost(draft, other, ref);
  }
}
