/**
 * One step over the state that both daemons share. An event touches the controllers that it affects; `settle`
 * then asks the planner about each and carries its decision out, and `pump` gives the free slots to waiting
 * controllers.
 */
import type { Outcome } from "../../base/failure.ts";
import type { InterfaceTable, KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { interfaceOf, isUnfinished, isUntold } from "../../nvme/match.ts";
import type { NamespaceLook } from "../../nvme/namespace_look.ts";
import { after, type Instant } from "../../base/time.ts";
import type { Deletion, DeviceRef, KernelEvent, Reached } from "../../ports.ts";
import { due, nextTime } from "./agenda.ts";
import { fleetAfterClockSet } from "../saved/clock_set.ts";
import { type Ctl, noted } from "../controller/ctl.ts";
import type { Event, Op } from "../effects.ts";
import { proofText } from "../planning/evidence.ts";
import { looked, newGuard } from "../planning/guard.ts";
import { emptyFleet, type Fleet, withDevice, withoutDevice } from "./fleet.ts";
import { ctlsFor, madeAsAsked } from "./fleet_index.ts";
import { FleetWork, SCAN_REMINDER } from "./fleet_work.ts";
import { identityRefused } from "../controller/identity.ts";
import { alreadyThere } from "../controller/in_the_way.ts";
import { asMade, stillShown } from "../controller/known_device.ts";
import { LINKS_REMINDER, linksSeen, lookAtLinks } from "../controller/links.ts";
import { withBeginning, withRest } from "./kernel_share.ts";
import { LOG_REMINDER } from "./log_limit.ts";
import { isKernelsTurn, mayBeWrong } from "./probing.ts";
import { eventFields } from "../../base/messages.ts";
import { follow, isUnfinishedOf, unfollow, unmade } from "../controller/unfinished.ts";
import { DELETE_RETRY, KERNEL_LOOK, pause, REMOVED_PAUSE, SAVE_RETRY, SCAN_RETRY } from "../retry.ts";

/** Reminders that are no controllers' keys begin with this; no key does. */
const OWN_REMINDER = "#";
const SAVE_REMINDER = "#save";

export class FleetTurn<E extends { readonly do: string } = never> extends FleetWork<E> {
  /** Handles the events that both daemons handle alike. False for other events. */
  take(event: Event): void {
    switch (event.type) {
      case "tick":
        return this.#tick();
      case "clock-set":
        return this.#clockSet(event.ms);
      case "scanned":
        return this.#scanned(event.op, event.outcome);
      case "reached":
        return this.#reached(event.op, event.key, event.outcome);
      case "kernel-free":
        return this.#kernelFree(event.op);
      case "connected":
        return this.#connected(event.op, event.key, event.outcome);
      case "disconnected":
        return this.#disconnected(event.op, event.key, event.outcome);
      case "use-seen":
        return this.#useSeen(event.op, event.key, event.outcome);
      case "states":
        return linksSeen(this, event.states);
      case "saved":
        return this.#saved(event.op, event.outcome);
      case "device":
        this.#heard(event.ctrl.device, event.ctrl.incarnation);
        return this.#device(event);
      case "removed":
        // The device that has this number now has been seen, and events about it follow.
        this.#heard(event.device, event.now);
        return this.#removed(event.device, event.now);
      case "aen":
        return this.#aen(event);
      case "overflow":
        this.fleet = { ...this.fleet, fresh: false, scanAgain: this.fleet.scan !== undefined };
        this.log("warning", "Kernel events were lost; looking at all controllers again");
        return this.startScan();
      case "network":
        this.#network(event.interfaces);
        for (const ctl of this.all()) this.nudge(ctl.key, true);
        // Now connections may be recognised that were not before, or as others.
        return this.touchAll();
      case "transports": {
        const known = this.fleet.transports;
        const isSame = known?.size === event.transports.size &&
          [...known].every((one) => event.transports.has(one));
        this.fleet = { ...this.fleet, transports: event.transports };
        return isSame ? undefined : this.touchAll();
      }
      case "tls-host":
        this.fleet = { ...this.fleet, tls: event.tls };
        return;
      case "exclusions":
        if (event.exclusions.length === 0 && this.fleet.exclusions?.length === 0) return;
        this.fleet = { ...this.fleet, exclusions: event.exclusions };
        return this.touchAll();
      case "host":
        this.fleet = { ...this.fleet, host: event.host };
        return;
      case "nbft":
        this.fleet = { ...this.fleet, nbft: event.targets };
        return this.touchAll();
      case "stop":
        this.fleet = { ...this.fleet, stopping: true };
        return this.touchAll();
      case "resolved":
        return;
    }
  }

  #clockSet(ms: number): void {
    const seconds = `${Math.round(Math.abs(ms) / 100) / 10} s`;
    this.log("info", `The clock was set ${ms < 0 ? "back" : "forward"} by ${seconds}`);
    this.fleet = fleetAfterClockSet(this.fleet, ms);
    // The state file has times, too.
    this.dirty();
  }

  #tick(): void {
    const { keys, rest } = due(this.fleet.agenda, this.now);
    this.fleet = { ...this.fleet, agenda: rest };
    for (const key of keys) {
      if (key === SCAN_REMINDER) this.startScan();
      else if (key === LINKS_REMINDER) lookAtLinks(this);
      else if (key === SAVE_REMINDER) {
        this.fleet = { ...this.fleet, saves: { ...this.fleet.saves, failed: false } };
      } else if (key.startsWith(LOG_REMINDER)) this.logPeriodEnded(key.slice(LOG_REMINDER.length));
      else if (key.startsWith(OWN_REMINDER)) this.rules.reminded(key);
      else this.touch(key);
    }
  }

  #scanned(op: Op, outcome: Outcome<readonly KernelCtrl[]>): void {
    if (this.fleet.scan !== op) return;
    const { sinceScan: news, scanAgain } = this.fleet;
    this.fleet = { ...this.fleet, scan: undefined, scanAgain: false, sinceScan: new Map() };
    if (!outcome.ok) {
      this.log("error", outcome.failure.message);
      return this.remindAt(after(this.now, SCAN_RETRY), SCAN_REMINDER);
    }
    const present = new Set(outcome.value.map(({ device }) => device));
    const gone = [...this.fleet.devices.keys()].filter((device) => !present.has(device));
    for (const device of gone) if (!news.has(device)) this.#removed(device, undefined);
    for (const ctrl of outcome.value) {
      if (news.has(ctrl.device)) continue;
      this.#heard(ctrl.device, ctrl.incarnation);
      this.#device({ type: "device", cause: "change", ctrl });
    }
    if (scanAgain) return this.startScan();
    this.remindBy(after(this.now, pause(KERNEL_LOOK, 1, this.rules.daemon)), SCAN_REMINDER);
    if (!this.fleet.fresh) {
      this.fleet = { ...this.fleet, fresh: true };
      this.touchAll();
    }
  }

  /** `now`: which incarnation has the name. */
  #heard(device: string, now: number | undefined): void {
    const { scan, busy, unread, nextOp, sinceScan, sinceConnect } = this.fleet;
    const what = now === undefined ? "gone" : "seen";
    if (scan !== undefined) this.fleet = { ...this.fleet, sinceScan: new Map(sinceScan).set(device, what) };
    if (busy !== undefined || unread.length > 0) {
      this.fleet = { ...this.fleet, sinceConnect: sinceConnect.with(device, { now, at: nextOp }) };
    }
  }

  #reached(op: Op, key: string, outcome: Outcome<Reached>): void {
    this.fleet = { ...this.fleet, reaching: this.fleet.reaching - 1 };
    const ctl = this.ctl(key);
    if (ctl?.link.phase !== "reaching" || ctl.link.op !== op) return;
    if (outcome.ok) this.queue(ctl, outcome.value);
    else if (mayBeWrong(ctl, outcome.failure) && isKernelsTurn(ctl)) {
      const { failure } = outcome;
      const text = `${failure.message}; the kernel tries it all the same, after the others`;
      this.say("debug", ctl, `Failed to connect to controller. ${text}`);
      const behind = { ...noted(ctl, this.now.wall, text), lastFailure: { failure, at: this.now.wall } };
      this.queue(behind, "untested", true);
    } else this.failed(ctl, outcome.failure);
  }

  #kernelFree(op: Op): void {
    const { busy, unread } = this.fleet;
    if (busy?.op !== op) return;
    this.fleet = withRest({ ...this.fleet, busy: undefined, unread: [...unread, busy] }, busy, this.now);
  }

  #connectEnded(op: Op): void {
    if (this.fleet.busy?.op === op) this.fleet = withRest(this.fleet, this.fleet.busy, this.now);
    const busy = this.fleet.busy?.op === op ? undefined : this.fleet.busy;
    const unread = this.fleet.unread.filter((made) => made.op !== op);
    const sinceConnect = busy === undefined && unread.length === 0
      ? emptyFleet.sinceConnect
      : this.fleet.sinceConnect;
    this.fleet = { ...this.fleet, busy, unread, sinceConnect };
  }

  #connected(op: Op, key: string, outcome: Outcome<KernelCtrl>): void {
    const ctl = this.#doing(op, key);
    const { sinceConnect } = this.fleet;
    this.#connectEnded(op);
    if (ctl?.link.phase !== "connecting" || ctl.link.op !== op) return;
    if (outcome.ok) {
      const made = asMade(outcome.value, this.rules.daemon);
      const news = sinceConnect.get(made.device);
      const isHeard = news !== undefined && news.at > op;
      const isGone = isHeard && news.now === undefined;
      // Device numbers are reused: by the time the call returns, the number may belong to another connection,
      // or to none (S1).
      const isOther = !madeAsAsked(ctl.tid, made) || (isHeard && news.now !== made.incarnation);
      if (isGone || isOther) {
        if (!isGone) this.startScan();
        const became = isGone
          ? "was removed as soon as it was connected"
          : "may be another connection by now";
        return this.failed(ctl, { phase: "connect", kind: "transient", message: `${made.device} ${became}` });
      }
      if (isUnfinished(outcome.value)) {
        const known = this.fleet.devices.get(made.device);
        // What was heard meanwhile is newer.
        const isNewer = known?.incarnation === made.incarnation && !isUnfinished(known);
        const ctrl = isNewer ? known : this.#know(outcome.value);
        follow(this, ctl, ctrl);
        const followed = this.ctl(ctl.key);
        return followed === undefined ? undefined : this.#formed(followed, ctrl);
      }
      this.#know(made);
      return this.raise(ctl, made, false);
    }
    // Either another program was faster, and a scan will find its connection, or the connection is one that
    // we do not recognise.
    if (outcome.failure.errno === "EALREADY") {
      this.startScan();
      return this.failed(ctl, alreadyThere(ctl.tid, this.fleet.devices.values()), 2);
    }
    const request = this.rules.request(ctl);
    const failure = identityRefused(outcome.failure, request, this.fleet.devices.values());
    // It may work without TLS, which is tried soon.
    this.failed(ctl, ctl.triedTls ? { ...failure, kind: "transient" } : failure);
  }

  /** The connect that the kernel went on with by itself: is it completed? */
  #formed(ctl: Ctl, ctrl: KernelCtrl): void {
    if (isUnfinished(ctrl)) return;
    unfollow(this, ctl);
    const made = asMade(ctrl, this.rules.daemon);
    if (madeAsAsked(ctl.tid, made)) return this.raise(ctl, this.#know(made), false);
    const message = `${made.device} is another connection than the one that was asked for`;
    this.failed(ctl, { phase: "connect", kind: "transient", message });
  }

  #useSeen(op: Op, asked: string, outcome: Outcome<readonly NamespaceLook[]>): void {
    const known = this.ctl(asked);
    const ctl = known?.guard?.op === op
      ? known
      : [...this.fleet.ctls.values()].find(({ guard }) => guard?.op === op);
    const policy = this.rules.guard;
    if (ctl?.guard === undefined || ctl.guard.op !== op || policy === undefined) return;
    const guard = outcome.ok
      ? looked(ctl.guard, outcome.value, policy, this.now)
      : { ...ctl.guard, op: undefined, at: this.now, failure: outcome.failure.message };
    this.put({ ...ctl, guard });
    this.touch(ctl.key);
  }

  /** The controller for which an operation was begun; its key may have changed meanwhile. */
  #doing(op: Op, key: string): Ctl | undefined {
    const is = (ctl: Ctl | undefined): boolean =>
      (ctl?.link.phase === "connecting" || ctl?.link.phase === "deleting") && ctl.link.op === op;
    const known = this.ctl(key);
    if (is(known)) return known;
    for (const ctl of this.all()) if (is(ctl)) return ctl;
    return undefined;
  }

  #disconnected(op: Op, asked: string, outcome: Outcome<Deletion>): void {
    const ctl = this.#doing(op, asked);
    if (ctl?.link.phase !== "deleting" || ctl.link.op !== op) return;
    const { key, link: { ref, evidence } } = ctl;
    if (outcome.ok && typeof outcome.value !== "string") {
      const { inUse } = outcome.value;
      const guard = { ...ctl.guard ?? newGuard, op: undefined, at: this.now, failure: inUse, refused: inUse };
      const link = { phase: "up", ref, adopted: true } as const;
      const back: Ctl = { ...ctl, guard, link };
      this.put(back);
      // The removal by others may have been seen while the claim was under way.
      if (this.device(ref) === undefined) this.#lost(back, ref);
      return this.#touchUsers(ref, back);
    }
    if (!outcome.ok) {
      this.say(
        "error",
        ctl,
        `Failed to disconnect. ${outcome.failure.message}`,
        eventFields("disconnect-failed"),
      );
      this.announce(ctl, "disconnect-failed", outcome.failure.message);
      const attempts = ctl.attempts + 1;
      const doom = after(this.now, pause(DELETE_RETRY, attempts, key));
      const back: Ctl = {
        ...ctl,
        attempts,
        doom,
        link: { phase: "up", ref, adopted: true },
      };
      this.put(noted(back, this.now.wall, outcome.failure.message));
      // The removal may have been seen while the call was under way.
      if (this.device(ref) === undefined) this.#lost(back, ref);
      return this.#touchUsers(ref, back);
    }
    this.#dropDevice(ref, key);
    const idle: Ctl = { ...ctl, attempts: 0, doom: undefined, guard: undefined, link: { phase: "idle" } };
    if (this.rules.verdict(ctl).is === "wanted") {
      const words = "disconnected, and wanted again meanwhile";
      const fields = eventFields("disconnected", { NVME_EVIDENCE: proofText(evidence) });
      this.say("notice", ctl, words.replace("d", "D"), fields);
      this.announce(ctl, "disconnected", words);
      this.lower(ctl, ref);
      this.put(noted(idle, this.now.wall, words));
    } else {
      this.letGo(ctl, "disconnected", proofText(evidence), evidence);
    }
    this.touch(key);
  }

  /**
   * The connection stays. Its other controllers have waited for the outcome, and now wait together with the
   * one that tried.
   */
  #touchUsers({ device }: DeviceRef, { doom, guard }: Ctl): void {
    for (const key of this.fleet.users.get(device) ?? []) {
      const ctl = this.ctl(key);
      if (ctl?.doom !== undefined) this.put({ ...ctl, doom, guard });
      this.touch(key);
    }
  }

  /** A device that we deleted for one of its controllers is gone before its event arrives. */
  #dropDevice(ref: DeviceRef, user: string): void {
    this.emit({ do: "own", device: ref.device, owned: false });
    if (this.device(ref) !== undefined) this.fleet = withoutDevice(this.fleet, ref.device);
    for (const key of this.fleet.users.get(ref.device) ?? []) {
      const other = this.ctl(key);
      const isOn = key !== user && other?.link.phase === "up" &&
        other.link.ref.incarnation === ref.incarnation;
      if (isOn) this.#lost(other, ref);
    }
  }

  #saved(op: Op, outcome: Outcome<void>): void {
    const { saves } = this.fleet;
    if (saves.running?.op !== op) return;
    const next = { ...saves, running: undefined, done: saves.running.upTo };
    if (outcome.ok) {
      this.fleet = { ...this.fleet, saves: next };
      return;
    }
    // Without a state file the daemon still works; it only knows less after a crash. The file stays due for
    // saving.
    this.log("error", outcome.failure.message);
    this.fleet = { ...this.fleet, saves: { ...next, wanted: next.wanted + 1, failed: true } };
    this.remindAt(after(this.now, SAVE_RETRY), SAVE_REMINDER);
  }

  /**
   * The previous device with this number is gone, although no event said so. Returns the record of the
   * present one.
   */
  #know(ctrl: KernelCtrl): KernelCtrl {
    const old = this.fleet.devices.get(ctrl.device);
    // The same record: nothing has been read since.
    if (old === ctrl) return ctrl;
    if (old !== undefined && old.incarnation !== ctrl.incarnation) {
      this.#removed(ctrl.device, ctrl.incarnation);
    }
    const isSame = old?.incarnation === ctrl.incarnation;
    const known = isSame ? stillShown(ctrl, old) : ctrl;
    this.fleet = withDevice(this.fleet, known, this.now.mono);
    // Whoever tells it first: an event, a scan, or the end of the connect.
    if (isSame && old.srcAddr === "" && known.srcAddr !== "") this.#recognise(known);
    return known;
  }

  #device(event: Extract<KernelEvent, { readonly type: "device" }>): void {
    const before = this.fleet.devices.get(event.ctrl.device);
    if (event.cause === "add") this.fleet = withBeginning(this.fleet, event.ctrl, this.now);
    const ctrl = this.#know(event.ctrl);
    const users = this.fleet.users.get(ctrl.device) ?? [];
    for (const key of users) {
      const ctl = this.ctl(key);
      if (ctl === undefined) continue;
      if (ctl.link.phase === "forming") {
        this.#formed(ctl, ctrl);
        continue;
      }
      this.proved(ctl, ctrl);
      this.rules.news(ctl, event);
    }
    if (users.length === 0) this.rules.foreign(event);
    for (const key of ctlsFor(this.fleet.ctlsAt, ctrl)) this.touch(key);
    // Some controllers may have waited until the device was identified.
    if (before !== undefined && isUntold(before)) {
      for (const key of ctlsFor(this.fleet.ctlsAt, before)) this.touch(key);
    }
  }

  /**
   * The kernel shows the source address of a connection only while it is up: a connection that was taken over
   * while down may turn out to be another one. Controllers that it does not serve then look for their own.
   */
  #recognise(ctrl: KernelCtrl): void {
    // An address that none of the interfaces has yet proves nothing.
    if (interfaceOf(ctrl.srcAddr, this.fleet.interfaces) === "") return;
    for (const key of this.fleet.users.get(ctrl.device) ?? []) {
      const ctl = this.ctl(key);
      if (ctl?.link.phase !== "up" || !ctl.link.adopted) continue;
      if (this.isTheirs(ctl, ctrl)) continue;
      const why = `${ctrl.device} has the source address ${ctrl.srcAddr}: it is another connection`;
      this.say("info", ctl, why, eventFields("let-go"));
      this.announce(ctl, "let-go", why);
      this.lower(ctl, ctl.link.ref);
      const idle: Ctl = { ...ctl, doom: undefined, guard: undefined, link: { phase: "idle" } };
      this.put(noted(idle, this.now.wall, why));
      this.touch(key);
    }
  }

  /** Source addresses that belonged to no interface are judged once they belong to one. */
  #network(interfaces: InterfaceTable): void {
    const before = this.fleet.interfaces;
    this.fleet = { ...this.fleet, interfaces };
    this.work += this.fleet.devices.size;
    for (const device of this.fleet.devices.values()) {
      if (device.srcAddr !== "" && interfaceOf(device.srcAddr, before) === "") this.#recognise(device);
    }
  }

  #aen(event: Extract<KernelEvent, { readonly type: "aen" }>): void {
    const users = this.fleet.users.get(event.device) ?? [];
    for (const key of users) {
      const ctl = this.ctl(key);
      if (ctl !== undefined) this.rules.news(ctl, event);
    }
    if (users.length === 0) this.rules.foreign(event);
  }

  /** A device with this name is gone; the device `now` that has the name is another one. */
  #removed(device: string, now: number | undefined): void {
    const known = this.fleet.devices.get(device);
    // The next device with this name is known already: the event is older.
    if (known !== undefined && known.incarnation === now) return;
    const users = this.fleet.users.get(device) ?? [];
    this.fleet = withoutDevice(this.fleet, device);
    for (const key of users) {
      const ctl = this.ctl(key);
      // During our own delete, its outcome reports the end of the device.
      if (ctl?.link.phase === "up") this.#lost(ctl, ctl.link.ref);
      if (ctl?.link.phase !== "forming") continue;
      unfollow(this, ctl);
      this.failed(ctl, unmade(ctl.link, this.now));
    }
    if (users.length > 0) {
      this.emit({ do: "own", device, owned: false });
      this.emit({ do: "exclusions" });
    }
    // Other controllers may have waited for this device to be removed.
    if (known !== undefined) {
      for (const key of ctlsFor(this.fleet.ctlsAt, known)) this.touch(key);
      if (!isUnfinished(known)) return;
      for (const ctl of this.all()) if (isUnfinishedOf(ctl, known)) this.touch(ctl.key);
    }
  }

  /** The device is gone: the kernel or a person removed it. */
  #lost(ctl: Ctl, ref: DeviceRef): void {
    this.say("notice", ctl, 'Received "remove" event', eventFields("removed"));
    this.announce(ctl, "removed", `${ref.device} was removed by the kernel, or by another program`);
    const until = after(this.now, REMOVED_PAUSE);
    const next: Ctl = { ...ctl, attempts: 0, lastTry: this.now, link: { phase: "waiting", until } };
    this.put(noted(next, this.now.wall, `${ref.device} was removed by the kernel`));
    this.lower(ctl, ref);
    this.remindAt(until, ctl.key);
    this.touch(ctl.key);
  }

  /** No work is under way that must finish before the daemon may end. */
  get quiet(): boolean {
    const { saves } = this.fleet;
    if (saves.running !== undefined || (saves.wanted > saves.done && !saves.failed)) return false;
    for (const ctl of this.all()) if (ctl.link.phase === "deleting") return false;
    return true;
  }

  /** For a reload: every waiting controller gets an attempt now. */
  retryAll(): void {
    for (const ctl of this.all()) {
      if (ctl.link.phase === "waiting" || ctl.link.phase === "idle") this.put({ ...ctl, oneTry: true });
      this.nudge(ctl.key, false);
      this.touch(ctl.key);
    }
  }
}

/** The next reminder. */
export const nextReminder = (fleet: Fleet): Instant | undefined => nextTime(fleet.agenda);
