/** What the kernel tells of its controllers, by events and by a scan, and what that does to the records they serve. */
import {
  changeFleet,
  type Draft,
  emit,
  put,
  remindAt,
  remindBy,
  setFleet,
  startScan,
  touch,
  touchAll,
} from "./draft.ts";
import type { Op } from "../effects.ts";
import type { Outcome } from "../../base/failure.ts";
import type { InterfaceTable, KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { announce, logLine, say } from "./reporting.ts";
import { after, type Instant } from "../../base/time.ts";
import { KERNEL_LOOK, pause, REMOVED_PAUSE, SCAN_RETRY } from "../retry.ts";
import { asMade, isOtherKind, mayBeOther, stillShown } from "../controller/known_device.ts";
import { type Fleet, withDevice, withoutDevice } from "./fleet.ts";
import type { DeviceRef, KernelEvent } from "../../ports.ts";
import { allCtls, ctlAt } from "./questions.ts";
import { proveTls } from "./move.ts";
import { ctlsFor, madeAsAsked } from "./fleet_index.ts";
import { interfaceOf, isUnfinished, isUntold } from "../../nvme/match.ts";
import { isTheirs } from "./kernel_view.ts";
import { eventFields } from "../../base/messages.ts";
import { attemptFailed, markDown, markUp } from "./connection.ts";
import { type Ctl, noted } from "../controller/ctl.ts";
import { isUnfinishedOf, unfollow, unmade } from "../controller/unfinished.ts";
import { nextTime } from "./agenda.ts";
import { appeared, heard } from "./kernel_lock.ts";

export function scanned(draft: Draft, op: Op, outcome: Outcome<readonly KernelCtrl[]>): void {
  if (draft.state.fleet.scan !== op) return;
  const { sinceScan: news, scanAgain } = draft.state.fleet;
  changeFleet(draft, { scan: undefined, scanAgain: false, sinceScan: new Map() });
  if (!outcome.ok) {
    logLine(draft, "error", outcome.failure.message);
    return remindAt(draft, after(draft.now, SCAN_RETRY), { of: "scan" });
  }
  const present = new Set(outcome.value.map(({ device }) => device));
  const gone = [...draft.state.fleet.devices.keys()].filter((device) => !present.has(device));
  for (const device of gone) if (!news.has(device)) deviceRemoved(draft, device, undefined);
  for (const ctrl of outcome.value) {
    const told = news.get(ctrl.device);
    if (told !== undefined && told !== ctrl.incarnation) continue;
    noteHeard(draft, ctrl.device, ctrl.incarnation, true);
    deviceSeen(draft, { type: "device", cause: "change", ctrl });
  }
  if (scanAgain) return startScan(draft);
  remindBy(draft, after(draft.now, pause(KERNEL_LOOK, 1, draft.rules.daemon)), { of: "scan" });
  if (!draft.state.fleet.fresh) {
    changeFleet(draft, { fresh: true });
    touchAll(draft);
  }
}

/** `now`: which incarnation has the name; `isTold`: its record comes with the event. */
export function noteHeard(draft: Draft, device: string, now: number | undefined, isTold = false): void {
  const { devices, scan, nextOp, sinceScan, lock } = draft.state.fleet;
  const isRead = isTold || devices.get(device)?.incarnation === now;
  const what = now === undefined ? "gone" : isRead ? "seen" : now;
  if (scan !== undefined) changeFleet(draft, { sinceScan: new Map(sinceScan).set(device, what) });
  changeFleet(draft, { lock: heard(lock, device, now, nextOp) });
}

/**
 * The previous device with this number is gone, although no event said so. Returns the record of the
 * present one.
 */
export function know(draft: Draft, ctrl: KernelCtrl): KernelCtrl {
  const old = draft.state.fleet.devices.get(ctrl.device);
  // The same record: nothing has been read since.
  if (old === ctrl) return ctrl;
  if (old !== undefined && old.incarnation !== ctrl.incarnation) {
    deviceRemoved(draft, ctrl.device, ctrl.incarnation);
  }
  const isSame = old?.incarnation === ctrl.incarnation;
  const known = isSame ? stillShown(ctrl, old) : ctrl;
  setFleet(draft, withDevice(draft.state.fleet, known, draft.now.mono));
  if (isSame && isOtherKind(known, draft.rules.daemon)) letOthersGo(draft, known);
  // Whoever tells it first: an event, a scan, or the end of the connect.
  if (isSame && known.srcAddr !== "" && known.srcAddr !== old.srcAddr) recognise(draft, known);
  return known;
}

export function deviceSeen(draft: Draft, event: Extract<KernelEvent, { readonly type: "device" }>): void {
  const before = draft.state.fleet.devices.get(event.ctrl.device);
  if (event.cause === "add") {
    changeFleet(draft, { lock: appeared(draft.state.fleet.lock, event.ctrl, draft.now) });
  }
  const ctrl = know(draft, event.ctrl);
  const users = draft.state.fleet.users.get(ctrl.device) ?? [];
  for (const key of users) {
    const ctl = ctlAt(draft, key);
    if (ctl === undefined) continue;
    if (ctl.link.phase === "forming") {
      formed(draft, ctl, ctrl);
      continue;
    }
    proveTls(draft, ctl, ctrl);
    draft.rules.news(draft, ctl, event);
  }
  if (users.length === 0) draft.rules.foreign(draft, event);
  for (const key of ctlsFor(draft.state.fleet.ctlsAt, ctrl)) touch(draft, key);
  // Some controllers may have waited until the device was identified.
  if (before !== undefined && isUntold(before)) {
    for (const key of ctlsFor(draft.state.fleet.ctlsAt, before)) touch(draft, key);
  }
}

/** The connect that the kernel went on with by itself: is it completed? */
export function formed(draft: Draft, ctl: Ctl, ctrl: KernelCtrl): void {
  if (isUnfinished(ctrl) || mayBeOther(ctl.tid, ctrl)) return;
  unfollow(draft, ctl);
  const made = asMade(ctrl, draft.rules.daemon);
  const isOther = isOtherKind(made, draft.rules.daemon);
  if (!isOther && madeAsAsked(ctl.tid, made)) return markUp(draft, ctl, know(draft, made), false);
  const message = `${made.device} is another connection than the one that was asked for`;
  attemptFailed(draft, ctl, { phase: "connect", kind: "transient", message });
}

/**
 * The kernel shows the source address of a connection only while it is up, and one that is not bound to an interface may
 * come back by another: a connection may turn out to be another one than it was taken for. Controllers that it does not
 * serve then look for their own.
 */
function recognise(draft: Draft, ctrl: KernelCtrl): void {
  // An address that none of the interfaces has yet proves nothing.
  if (interfaceOf(ctrl.srcAddr, draft.state.fleet.interfaces) === "") return;
  for (const key of draft.state.fleet.users.get(ctrl.device) ?? []) {
    const ctl = ctlAt(draft, key);
    if (ctl?.link.phase !== "up" || !ctl.link.adopted) continue;
    if (isTheirs(draft, ctl, ctrl)) continue;
    letGo(
      draft,
      ctl,
      ctl.link.ref,
      `${ctrl.device} has the source address ${ctrl.srcAddr}: it is another connection`,
    );
  }
}

/** It was taken for what a connect made before the kernel showed its kind: it is another program's, and stays (S1). */
function letOthersGo(draft: Draft, { device, isDc }: KernelCtrl): void {
  for (const key of draft.state.fleet.users.get(device) ?? []) {
    const ctl = ctlAt(draft, key);
    if (ctl?.link.phase !== "up") continue;
    if (!ctl.link.adopted) emit(draft, { do: "own", device, owned: false });
    const kind = isDc ? "a discovery controller" : "an I/O controller";
    letGo(draft, ctl, ctl.link.ref, `${device} is ${kind}: it is another connection`);
  }
}

/** The connection stays, and the controller looks for its own. */
function letGo(draft: Draft, ctl: Ctl, ref: DeviceRef, why: string): void {
  say(draft, "info", ctl, why, eventFields("let-go"));
  announce(draft, ctl, "let-go", why);
  markDown(draft, ctl, ref);
  const idle: Ctl = { ...ctl, removeAt: undefined, guard: undefined, link: { phase: "idle" } };
  put(draft, noted(idle, draft.now.wall, why));
  touch(draft, ctl.key);
}

/** Source addresses that belonged to no interface are judged once they belong to one. */
export function networkChanged(draft: Draft, interfaces: InterfaceTable): void {
  const before = draft.state.fleet.interfaces;
  changeFleet(draft, { interfaces });
  draft.work += draft.state.fleet.devices.size;
  for (const device of draft.state.fleet.devices.values()) {
    if (device.srcAddr !== "" && interfaceOf(device.srcAddr, before) === "") recognise(draft, device);
  }
}

/** A device with this name is gone; the device `now` that has the name is another one. */
export function deviceRemoved(draft: Draft, device: string, now: number | undefined): void {
  const known = draft.state.fleet.devices.get(device);
  // The next device with this name is known already: the event is older.
  if (known !== undefined && known.incarnation === now) return;
  const users = draft.state.fleet.users.get(device) ?? [];
  setFleet(draft, withoutDevice(draft.state.fleet, device));
  for (const key of users) {
    const ctl = ctlAt(draft, key);
    // During our own delete, its outcome reports the end of the device.
    if (ctl?.link.phase === "up") connectionLost(draft, ctl, ctl.link.ref);
    if (ctl?.link.phase !== "forming") continue;
    unfollow(draft, ctl);
    attemptFailed(draft, ctl, unmade(ctl.link, draft.now));
  }
  if (users.length > 0) {
    emit(draft, { do: "own", device, owned: false });
    emit(draft, { do: "exclusions" });
  }
  // Other controllers may have waited for this device to be removed.
  if (known !== undefined) {
    for (const key of ctlsFor(draft.state.fleet.ctlsAt, known)) touch(draft, key);
    if (!isUnfinished(known)) return;
    for (const ctl of allCtls(draft)) if (isUnfinishedOf(ctl, known)) touch(draft, ctl.key);
  }
}

/** The device is gone: the kernel or a person removed it. */
export function connectionLost(draft: Draft, ctl: Ctl, ref: DeviceRef): void {
  say(draft, "notice", ctl, 'Received "remove" event', eventFields("removed"));
  announce(draft, ctl, "removed", `${ref.device} was removed by the kernel, or by another program`);
  const until = after(draft.now, REMOVED_PAUSE);
  const next: Ctl = { ...ctl, attempts: 0, lastTry: draft.now, link: { phase: "waiting", until } };
  put(draft, noted(next, draft.now.wall, `${ref.device} was removed by the kernel`));
  markDown(draft, ctl, ref);
  remindAt(draft, until, { of: "controller", key: ctl.key });
  touch(draft, ctl.key);
}

/** The next reminder. */
export const nextReminder = (fleet: Fleet): Instant | undefined => nextTime(fleet.agenda);
