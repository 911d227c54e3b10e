/**
 * One step over the state that both daemons share: a draft of the next {@link Fleet} and the effects that go with it.
 * Controllers that something happened to are touched; {@link FleetTurn.settle} then asks the planner about each and
 * carries its decision out, and {@link FleetTurn.pump} gives the free slots to whoever waits for them.
 */
import { type Exclusion, exclusionOf } from "../nvme/exclusions.ts";
import type { Failure, Outcome } from "../nvme/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { matches, matchIndexKey } from "../nvme/match.ts";
import { type Tid, tidText } from "../nvme/tid.ts";
import { after, type Duration, type Instant, type Now, seconds } from "../nvme/time.ts";
import type { DeviceRef, KernelEvent, LogLevel } from "../ports.ts";
import { due, nextTime, remind, timeOf } from "./agenda.ts";
import {
  type Authority,
  type Claim,
  type Ctl,
  deviceOf,
  newCtl,
  noted,
  withClaim,
  withoutClaim,
} from "./ctl.ts";
import type { Effect, Event, Op } from "./effects.ts";
import { type Evidence, proofText } from "./evidence.ts";
import {
  type Fleet,
  listed,
  MAX_CTLS,
  MAX_PAST,
  MAX_PROBES,
  NO_SOAK,
  NUDGE_DISTANCE,
  type Past,
  PROBE_TIMEOUT,
  REMOVAL_SOAK,
  REMOVED_PAUSE,
  SAVE_RETRY,
  SCAN_RETRY,
  unlisted,
  withDevice,
  withoutDevice,
} from "./fleet.ts";
import { decide, type Decision, type KernelView, type Rules } from "./planner.ts";
import { CONNECT_RETRY, DELETE_RETRY, pause } from "./retry.ts";

/** What a daemon adds to the common life of a controller. */
export interface FleetRules extends Rules {
  readonly daemon: "stafd" | "stacd";
  /** Is this device of the kind this daemon handles: a discovery or an I/O controller? */
  accepts(device: KernelCtrl): boolean;
  /** A connection is there. */
  up(ctl: Ctl, device: KernelCtrl): void;
  /** The connection is gone, or no longer ours. */
  down(ctl: Ctl): void;
  /** The record of the controller is gone. */
  forgotten(ctl: Ctl, past: Past): void;
  /** The kernel said something of a connection that is up. */
  news(ctl: Ctl, event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void;
  /** The kernel said something of a device that no controller of ours uses. */
  foreign(event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void;
  /** A reminder of the daemon's own. */
  reminded(key: string): void;
  /** What goes into the state file. */
  stateValue(): unknown;
}

/** Reminders that are no controllers' keys begin with this; no key does. */
export const OWN_REMINDER = "#";
const SCAN_REMINDER = "#scan";
const SAVE_REMINDER = "#save";

export class FleetTurn<E extends { readonly do: string } = never> implements KernelView {
  readonly effects: (Effect | E)[] = [];
  fleet: Fleet;
  readonly now: Now;
  readonly rules: FleetRules;
  readonly #touched = new Set<string>();
  #released = false;

  constructor(fleet: Fleet, now: Now, rules: FleetRules) {
    this.fleet = fleet;
    this.now = now;
    this.rules = rules;
  }

  /** Without the interfaces an existing connection may not be recognised, and would be made twice (S4). */
  get fresh(): boolean {
    return this.fleet.fresh && this.fleet.interfaces.size > 0;
  }

  emit(effect: Effect | E): void {
    this.effects.push(effect);
  }

  op(): Op {
    const op = this.fleet.nextOp;
    this.fleet = { ...this.fleet, nextOp: op + 1 };
    return op;
  }

  log(level: LogLevel, message: string, fields?: Readonly<Record<string, string>>): void {
    this.emit({ do: "log", entry: fields === undefined ? { level, message } : { level, message, fields } });
  }

  /** A line about one controller, with the journal fields that find it again. */
  say(level: LogLevel, ctl: Ctl, what: string, more?: Readonly<Record<string, string>>): void {
    const device = deviceOf(ctl)?.device ?? "nvme?";
    this.log(level, `${tidText(ctl.tid)} | ${device} - ${what}`, {
      NVME_DEVICE: device,
      NVME_TRADDR: ctl.tid.traddr,
      NVME_TRSVCID: ctl.tid.trsvcid,
      NVME_TRANSPORT: ctl.tid.transport,
      NVME_SUBSYSNQN: ctl.tid.subsysnqn,
      ...more,
    });
  }

  /** The event signal of the versioned interface. `type` is a stable word. */
  announce(ctl: Ctl, type: string, message: string): void {
    const device = deviceOf(ctl)?.device ?? "";
    const { daemon } = this.rules;
    const event = {
      schema: 1,
      daemon,
      at: this.now.wall,
      type,
      tid: ctl.tid,
      text: tidText(ctl.tid),
      device,
      message,
    };
    this.emit({ do: "signal", signal: { type: "event", event } });
  }

  /** At that time, and no longer at another. */
  remindAt(at: Instant, key: string): void {
    this.fleet = { ...this.fleet, agenda: remind(this.fleet.agenda, at, key) };
  }

  /** At that time or sooner: what keeps coming does not put it off (L2). */
  remindBy(at: Instant, key: string): void {
    if ((timeOf(this.fleet.agenda, key) ?? Infinity) > at.mono) this.remindAt(at, key);
  }

  /** The state is no longer what the file says. */
  dirty(): void {
    const { saves } = this.fleet;
    this.fleet = { ...this.fleet, saves: { ...saves, wanted: saves.wanted + 1 } };
  }

  // --- controllers ---------------------------------------------------------------------------------------------------

  ctl(key: string): Ctl | undefined {
    return this.fleet.ctls.get(key);
  }

  put(ctl: Ctl): void {
    const known = this.fleet.ctls.has(ctl.key);
    this.fleet = {
      ...this.fleet,
      ctls: this.fleet.ctls.with(ctl.key, ctl),
      ctlsAt: known ? this.fleet.ctlsAt : listed(this.fleet.ctlsAt, matchIndexKey(ctl.tid), ctl.key),
    };
  }

  touch(key: string): void {
    this.#touched.add(key);
  }

  touchAll(): void {
    for (const key of this.fleet.ctls.keys()) this.#touched.add(key);
  }

  /** Adds or renews one authority's claim; the controller is made when it is new. False when there is no room (S6). */
  claim(key: string, tid: Tid, authority: Authority, claim: Claim): boolean {
    let ctl = this.ctl(key);
    if (ctl === undefined) {
      if (this.fleet.ctls.size >= MAX_CTLS) return false;
      this.dirty();
      ctl = newCtl(key, tid, this.fleet.saves.wanted);
    } else if (!ctl.claims.has(authority)) {
      this.dirty();
    }
    this.put(withClaim(ctl, authority, claim));
    this.touch(key);
    return true;
  }

  /** Takes one authority's claim away, for the reason in the evidence. */
  release(key: string, authority: Authority, evidence: Evidence): void {
    const ctl = this.ctl(key);
    if (ctl === undefined || !ctl.claims.has(authority)) return;
    this.put(withoutClaim(ctl, authority, evidence));
    this.#released = true;
    this.dirty();
    this.touch(key);
  }

  /** Was a claim let go of since this was asked last? */
  takeReleased(): boolean {
    const released = this.#released;
    this.#released = false;
    return released;
  }

  /** Something happened that makes an attempt worth while: do not wait for the timer. */
  nudge(key: string, fresh: boolean): void {
    const ctl = this.ctl(key);
    if (ctl === undefined || ctl.link.phase !== "waiting") return;
    const soonest = after(ctl.lastTry ?? { mono: -Infinity }, NUDGE_DISTANCE);
    const until = ctl.link.until.mono <= soonest.mono ? ctl.link.until : soonest;
    this.put({ ...ctl, attempts: fresh ? 0 : ctl.attempts, link: { phase: "waiting", until } });
    this.remindAt(until, key);
    this.touch(key);
  }

  // --- KernelView ----------------------------------------------------------------------------------------------------

  device(ref: DeviceRef): KernelCtrl | undefined {
    const device = this.fleet.devices.get(ref.device);
    return device?.incarnation === ref.incarnation ? device : undefined;
  }

  find(ctl: Ctl): KernelCtrl | undefined {
    for (const name of this.fleet.devicesAt.get(matchIndexKey(ctl.tid)) ?? []) {
      const device = this.fleet.devices.get(name);
      if (device !== undefined && !device.state.startsWith("delet") && this.#serves(ctl, device)) {
        return device;
      }
    }
    return undefined;
  }

  forming(ctl: Ctl): KernelCtrl | undefined {
    for (const name of this.fleet.devicesAt.get(matchIndexKey(ctl.tid)) ?? []) {
      const device = this.fleet.devices.get(name);
      const unsure = device !== undefined && device.state !== "live" && !device.state.startsWith("delet") &&
        device.cntrltype !== "io" && device.cntrltype !== "discovery";
      if (unsure && matches(ctl.tid, device, this.fleet.interfaces)) return device;
    }
    return undefined;
  }

  shield(device: KernelCtrl): string | undefined {
    if (device.transport === "pcie" || device.transport === "") {
      return "a local device, not a fabric connection";
    }
    if (device.owner !== "" && device.owner !== "stas") return `owned by ${device.owner}`;
    if (!this.rules.accepts(device)) return `no controller that ${this.rules.daemon} handles`;
    for (const boot of this.fleet.nbft.boot) {
      // By whichever interface it is reached: the root file system may be on it (STAC-47).
      if (boot.tid.subsysnqn === device.subsysnqn && matchIndexKey(boot.tid) === matchIndexKey(device)) {
        return `this machine was booted from it (${boot.file})`;
      }
    }
    return undefined;
  }

  otherUser(ctl: Ctl, device: KernelCtrl): Ctl | undefined {
    for (const key of this.fleet.ctlsAt.get(matchIndexKey(device)) ?? []) {
      if (key === ctl.key) continue;
      const other = this.ctl(key);
      if (other === undefined || !this.#serves(other, device)) continue;
      const is = this.rules.verdict(other).is;
      if (is === "wanted" || (is === "held" && other.link.phase === "up")) return other;
    }
    return undefined;
  }

  /** Before it is live the first time, the kernel does not know what a controller is. */
  #serves(ctl: Ctl, device: KernelCtrl): boolean {
    const known = device.state === "live" || device.cntrltype !== "";
    return known && this.rules.accepts(device) && matches(ctl.tid, device, this.fleet.interfaces);
  }

  /** The host-wide exclusion of nvme-cli that forbids a connection. */
  barred(tid: Tid): Exclusion | undefined {
    return exclusionOf(tid, this.fleet.host?.id ?? "", this.fleet.exclusions);
  }

  decision(ctl: Ctl): Decision {
    return decide(ctl, this, this.rules, this.now);
  }

  // --- carrying out --------------------------------------------------------------------------------------------------

  /** Asks the planner about everything that was touched and does what it says. */
  settle(): void {
    for (const key of this.#touched) {
      this.#touched.delete(key);
      const ctl = this.ctl(key);
      if (ctl !== undefined) this.#carryOut(ctl);
    }
  }

  #carryOut(touched: Ctl): void {
    let ctl = touched;
    const decision = this.decision(ctl);
    // The kernel has been looked at: what is there from now on was made by others, or by this process.
    if (ctl.restored && this.fresh && decision.act !== "none") this.put(ctl = { ...ctl, restored: false });
    const removing = decision.act === "soak" || decision.act === "disconnect";
    if (ctl.doom !== undefined && !removing) this.put(ctl = { ...ctl, doom: undefined });
    switch (decision.act) {
      case "none":
        return;
      case "hold":
      case "rest":
        if (decision.act === "rest" && !ctl.resting) {
          this.put(ctl = { ...ctl, resting: true });
          this.dirty();
        }
        // An attempt that had begun is given up; its outcome finds nobody waiting.
        if (ctl.link.phase === "reaching" || ctl.link.phase === "ready") {
          this.put({ ...ctl, link: { phase: "idle" } });
        }
        return;
      case "wait":
        return this.remindAt(decision.until, ctl.key);
      case "adopt":
        return this.#up(ctl, decision.device, true);
      case "connect":
        return this.#begin(ctl);
      case "soak": {
        if (ctl.doom !== undefined) return this.remindAt(ctl.doom, ctl.key);
        const doom = after(this.now, this.rules.soak);
        this.put(noted({ ...ctl, doom }, this.now.wall, `no longer wanted: ${proofText(decision.evidence)}`));
        return this.remindAt(doom, ctl.key);
      }
      case "disconnect": {
        const op = this.op();
        const { target, evidence } = decision;
        const words = proofText(evidence);
        this.say("info", ctl, `Disconnect initiated: ${words}`, { NVME_EVIDENCE: words });
        this.announce(ctl, "disconnecting", words);
        this.put(noted(
          { ...ctl, doom: undefined, link: { phase: "deleting", ref: target, op, evidence } },
          this.now.wall,
          `disconnecting: ${words}`,
        ));
        return this.emit({ do: "disconnect", op, key: ctl.key, target, tid: ctl.tid, evidence });
      }
      case "release":
        this.say("info", ctl, `No longer wanted, connection kept: ${decision.why}`);
        return this.#let(ctl, "released", decision.why, decision.evidence);
      case "forget":
        return this.#let(ctl, "forgotten", "not connected", decision.evidence);
    }
  }

  #begin(ctl: Ctl): void {
    const tried = { ...ctl, lastTry: this.now, resting: false };
    if (ctl.resting) this.dirty();
    if (ctl.tid.transport !== "tcp") return this.#queue(tried);
    this.put({ ...tried, link: { phase: "reaching", op: undefined } });
    this.fleet = { ...this.fleet, toReach: [...this.fleet.toReach, ctl.key] };
  }

  /** Reachable: into the queue for the kernel, those with fewer failures first. */
  #queue(ctl: Ctl): void {
    this.put({ ...ctl, link: { phase: "ready" } });
    const { ready } = this.fleet;
    let at = ready.length;
    while (at > 0 && (ready[at - 1]?.rank ?? 0) > ctl.attempts) at--;
    this.fleet = { ...this.fleet, ready: ready.toSpliced(at, 0, { key: ctl.key, rank: ctl.attempts }) };
  }

  /** Starts what has a free slot: probes, one connect, one save. Last thing of a step. */
  pump(): void {
    this.#pumpProbes();
    this.#pumpConnect();
    const { saves } = this.fleet;
    if (saves.running === undefined && saves.wanted > saves.done && !saves.failed) {
      const op = this.op();
      this.fleet = { ...this.fleet, saves: { ...saves, running: { op, upTo: saves.wanted } } };
      this.emit({ do: "save", op, value: this.rules.stateValue() });
    }
  }

  #pumpProbes(): void {
    const { toReach } = this.fleet;
    let taken = 0;
    let { reaching } = this.fleet;
    for (const key of toReach) {
      if (reaching >= MAX_PROBES) break;
      taken++;
      const ctl = this.ctl(key);
      if (ctl?.link.phase !== "reaching" || ctl.link.op !== undefined) continue;
      const op = this.op();
      this.put({ ...ctl, link: { phase: "reaching", op } });
      this.emit({ do: "reach", op, key, tid: ctl.tid, timeout: PROBE_TIMEOUT });
      reaching++;
    }
    if (taken > 0) this.fleet = { ...this.fleet, reaching, toReach: toReach.slice(taken) };
  }

  #pumpConnect(): void {
    if (this.fleet.busy !== undefined || !this.fresh || this.fleet.stopping) return;
    let { ready } = this.fleet;
    const later: typeof ready[number][] = [];
    while (this.fleet.busy === undefined && ready.length > 0) {
      const [first, ...rest] = ready;
      ready = rest;
      const ctl = first === undefined ? undefined : this.ctl(first.key);
      if (first === undefined || ctl?.link.phase !== "ready") continue;
      if (ctl.born > this.fleet.saves.done) {
        later.push(first);
        continue;
      }
      this.#connect(ctl);
    }
    this.fleet = { ...this.fleet, ready: later.length === 0 ? ready : [...later, ...ready] };
  }

  /** The last look before the kernel is asked: somebody may have connected it, or forbidden it, meanwhile (S4, S7). */
  #connect(ctl: Ctl): void {
    const decision = this.decision(ctl);
    if (decision.act !== "none") return this.#carryOut(ctl);
    const op = this.op();
    this.put({ ...ctl, lastTry: this.now, oneTry: false, link: { phase: "connecting", op } });
    this.fleet = { ...this.fleet, busy: ctl.key };
    this.emit({ do: "connect", op, key: ctl.key, request: this.rules.request(ctl) });
  }

  #up(ctl: Ctl, device: KernelCtrl, adopted: boolean): void {
    const ref: DeviceRef = { device: device.device, incarnation: device.incarnation };
    const up: Ctl = {
      ...ctl,
      attempts: 0,
      lastFailure: undefined,
      doom: undefined,
      oneTry: false,
      resting: false,
      link: { phase: "up", ref, adopted, since: this.now.wall },
    };
    if (ctl.resting) this.dirty();
    const words = adopted ? "Connection established! (it was there already)" : "Connection established!";
    this.put(
      noted(up, this.now.wall, adopted ? `found connected as ${ref.device}` : `connected as ${ref.device}`),
    );
    this.fleet = { ...this.fleet, users: listed(this.fleet.users, ref.device, ctl.key) };
    this.say("info", up, words);
    this.announce(
      up,
      "connected",
      adopted ? `${ref.device} was connected already` : `connected as ${ref.device}`,
    );
    if (!adopted) this.emit({ do: "own", device: ref.device, owned: true });
    this.rules.up(up, device);
    this.touch(ctl.key);
  }

  #down(ctl: Ctl, ref: DeviceRef): void {
    this.fleet = { ...this.fleet, users: unlisted(this.fleet.users, ref.device, ctl.key) };
    this.rules.down(ctl);
  }

  /** A connection that nobody asked for and that is ours to judge (STAC section 5): a record without a claim. */
  adoptForeign(ctl: Ctl): void {
    const device = ctl.link.phase === "up" ? ctl.link.ref.device : "";
    this.put(noted(ctl, this.now.wall, `found ${device}, which nobody asked for`));
    this.fleet = { ...this.fleet, users: listed(this.fleet.users, device, ctl.key) };
    this.touch(ctl.key);
  }

  /** Lets go of a record; whatever connection there is stays. */
  drop(ctl: Ctl, why: string): void {
    this.#let(ctl, "released", why, []);
  }

  /** The record goes, or rests while somebody still asks for what is excluded. */
  #let(ctl: Ctl, what: Past["what"], why: string, evidence: readonly Evidence[]): void {
    const device = deviceOf(ctl)?.device ?? "";
    const past: Past = {
      key: ctl.key,
      text: tidText(ctl.tid),
      tid: ctl.tid,
      device,
      at: this.now.wall,
      what,
      why,
      evidence,
    };
    const ref = deviceOf(ctl);
    if (ref !== undefined) {
      this.announce(ctl, what === "disconnected" ? "disconnected" : "let-go", why);
      this.#down(ctl, ref);
    }
    this.fleet = { ...this.fleet, past: [...this.fleet.past, past].slice(-MAX_PAST) };
    if (ctl.claims.size > 0) {
      const text = ref !== undefined ? `${what}: ${why}` : `excluded: ${proofText(evidence)}`;
      this.put(
        noted({ ...ctl, doom: undefined, resting: true, link: { phase: "idle" } }, this.now.wall, text),
      );
    } else {
      this.fleet = {
        ...this.fleet,
        ctls: this.fleet.ctls.without(ctl.key),
        ctlsAt: unlisted(this.fleet.ctlsAt, matchIndexKey(ctl.tid), ctl.key),
      };
    }
    this.dirty();
    this.rules.forgotten(ctl, past);
  }

  #failed(ctl: Ctl, failure: Failure): void {
    const attempts = ctl.attempts + 1;
    const wait = failure.kind === "permanent"
      ? CONNECT_RETRY.longest
      : pause(CONNECT_RETRY, attempts, ctl.key);
    const until = after(this.now, wait);
    const changed = ctl.lastFailure?.failure.message !== failure.message;
    const next: Ctl = {
      ...ctl,
      attempts,
      oneTry: false,
      lastFailure: { failure, at: this.now.wall },
      link: { phase: "waiting", until },
    };
    if (changed || attempts === 1) this.announce(next, "failed", failure.message);
    this.put(changed || attempts === 1 ? noted(next, this.now.wall, failure.message) : next);
    this.say(
      attempts === 2 || (changed && attempts > 2) ? "error" : "debug",
      next,
      `Failed to connect to controller. ${failure.message}` +
        (failure.remedy === undefined ? "" : ` ${failure.remedy}`),
    );
    this.remindAt(until, ctl.key);
    this.touch(ctl.key);
  }

  // --- events --------------------------------------------------------------------------------------------------------

  startScan(): void {
    if (this.fleet.scan !== undefined) return;
    const op = this.op();
    this.fleet = { ...this.fleet, scan: op };
    this.emit({ do: "scan", op });
  }

  /** Handles what both daemons handle alike. False when the event is not one of those. */
  take(event: Event): void {
    switch (event.type) {
      case "tick":
        return this.#tick();
      case "scanned":
        return this.#scanned(event.op, event.outcome);
      case "reached":
        return this.#reached(event.op, event.key, event.outcome);
      case "connected":
        return this.#connected(event.op, event.key, event.outcome);
      case "disconnected":
        return this.#disconnected(event.op, event.key, event.outcome);
      case "saved":
        return this.#saved(event.op, event.outcome);
      case "device":
        return this.#device(event);
      case "removed":
        return this.#removed(event.device);
      case "aen":
        return this.#aen(event);
      case "overflow":
        this.fleet = { ...this.fleet, fresh: false };
        this.log("warning", "Kernel events were lost; looking at all controllers again");
        return this.startScan();
      case "network":
        this.fleet = { ...this.fleet, interfaces: event.interfaces };
        for (const ctl of this.fleet.ctls.values()) this.nudge(ctl.key, true);
        return;
      case "exclusions":
        if (event.exclusions.length === 0 && this.fleet.exclusions.length === 0) return;
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

  #tick(): void {
    const { keys, rest } = due(this.fleet.agenda, this.now);
    this.fleet = { ...this.fleet, agenda: rest };
    for (const key of keys) {
      if (key === SCAN_REMINDER) this.startScan();
      else if (key === SAVE_REMINDER) {
        this.fleet = { ...this.fleet, saves: { ...this.fleet.saves, failed: false } };
      } else if (key.startsWith(OWN_REMINDER)) this.rules.reminded(key);
      else this.touch(key);
    }
  }

  #scanned(op: Op, outcome: Outcome<readonly KernelCtrl[]>): void {
    if (this.fleet.scan !== op) return;
    this.fleet = { ...this.fleet, scan: undefined };
    if (!outcome.ok) {
      this.log("error", outcome.failure.message);
      return this.remindAt(after(this.now, SCAN_RETRY), SCAN_REMINDER);
    }
    const present = new Set(outcome.value.map(({ device }) => device));
    const gone = [...this.fleet.devices.keys()].filter((device) => !present.has(device));
    for (const device of gone) this.#removed(device);
    for (const ctrl of outcome.value) this.#device({ type: "device", cause: "change", ctrl });
    if (!this.fleet.fresh) {
      this.fleet = { ...this.fleet, fresh: true };
      this.touchAll();
    }
  }

  #reached(op: Op, key: string, outcome: Outcome<void>): void {
    this.fleet = { ...this.fleet, reaching: this.fleet.reaching - 1 };
    const ctl = this.ctl(key);
    if (ctl?.link.phase !== "reaching" || ctl.link.op !== op) return;
    if (outcome.ok) this.#queue(ctl);
    else this.#failed(ctl, outcome.failure);
  }

  #connected(op: Op, key: string, outcome: Outcome<KernelCtrl>): void {
    const ctl = this.ctl(key);
    if (this.fleet.busy === key) this.fleet = { ...this.fleet, busy: undefined };
    if (ctl?.link.phase !== "connecting" || ctl.link.op !== op) return;
    if (outcome.ok) {
      this.fleet = withDevice(this.fleet, outcome.value);
      return this.#up(ctl, outcome.value, false);
    }
    // Somebody else was faster: the connection is there and will be found by looking.
    if (outcome.failure.errno === "EALREADY") {
      this.startScan();
      const until = after(this.now, seconds(1));
      this.put({ ...ctl, link: { phase: "waiting", until } });
      return this.remindAt(until, key);
    }
    this.#failed(ctl, outcome.failure);
  }

  #disconnected(op: Op, key: string, outcome: Outcome<"deleted" | "gone">): void {
    const ctl = this.ctl(key);
    if (ctl?.link.phase !== "deleting" || ctl.link.op !== op) return;
    const { ref, evidence } = ctl.link;
    if (!outcome.ok) {
      this.say("error", ctl, `Failed to disconnect. ${outcome.failure.message}`);
      const attempts = ctl.attempts + 1;
      const doom = after(this.now, pause(DELETE_RETRY, attempts, key));
      const back: Ctl = {
        ...ctl,
        attempts,
        doom,
        link: { phase: "up", ref, adopted: true, since: this.now.wall },
      };
      this.put(noted(back, this.now.wall, outcome.failure.message));
      // The removal may have been seen while the call was under way.
      if (this.device(ref) === undefined) this.#lost(back, ref);
      return this.touch(key);
    }
    this.#dropDevice(ref);
    const idle: Ctl = { ...ctl, attempts: 0, link: { phase: "idle" } };
    if (this.rules.verdict(ctl).is === "wanted") {
      this.#down(ctl, ref);
      this.put(noted(idle, this.now.wall, "disconnected, and wanted again meanwhile"));
    } else {
      this.#let(ctl, "disconnected", proofText(evidence), evidence);
    }
    this.touch(key);
  }

  /** A device that we deleted: known to be gone before the event says so. */
  #dropDevice(ref: DeviceRef): void {
    this.emit({ do: "own", device: ref.device, owned: false });
    if (this.device(ref) !== undefined) this.fleet = withoutDevice(this.fleet, ref.device);
  }

  #saved(op: Op, outcome: Outcome<void>): void {
    const { saves } = this.fleet;
    if (saves.running?.op !== op) return;
    const next = { ...saves, running: undefined, done: saves.running.upTo };
    if (outcome.ok) {
      this.fleet = { ...this.fleet, saves: next };
      return;
    }
    // Without a state file the daemon still works; it only knows less after a crash. The claim to be saved again stands.
    this.log("error", outcome.failure.message);
    this.fleet = { ...this.fleet, saves: { ...next, wanted: next.wanted + 1, failed: true } };
    this.remindAt(after(this.now, SAVE_RETRY), SAVE_REMINDER);
  }

  #device(event: Extract<KernelEvent, { readonly type: "device" }>): void {
    const { ctrl } = event;
    const old = this.fleet.devices.get(ctrl.device);
    if (old !== undefined && old.incarnation !== ctrl.incarnation) this.#removed(ctrl.device);
    this.fleet = withDevice(this.fleet, ctrl);
    const users = this.fleet.users.get(ctrl.device) ?? [];
    for (const key of users) {
      const ctl = this.ctl(key);
      if (ctl !== undefined) this.rules.news(ctl, event);
    }
    if (users.length === 0) this.rules.foreign(event);
    for (const key of this.fleet.ctlsAt.get(matchIndexKey(ctrl)) ?? []) this.touch(key);
  }

  #aen(event: Extract<KernelEvent, { readonly type: "aen" }>): void {
    const users = this.fleet.users.get(event.device) ?? [];
    for (const key of users) {
      const ctl = this.ctl(key);
      if (ctl !== undefined) this.rules.news(ctl, event);
    }
    if (users.length === 0) this.rules.foreign(event);
  }

  #removed(device: string): void {
    const users = this.fleet.users.get(device) ?? [];
    const known = this.fleet.devices.get(device);
    this.fleet = withoutDevice(this.fleet, device);
    for (const key of users) {
      const ctl = this.ctl(key);
      // While it is being deleted, the outcome of that says so.
      if (ctl?.link.phase === "up") this.#lost(ctl, ctl.link.ref);
    }
    if (users.length > 0) {
      this.emit({ do: "own", device, owned: false });
      this.emit({ do: "exclusions" });
    }
    // Others may have waited for this number to go.
    if (known !== undefined) {
      for (const key of this.fleet.ctlsAt.get(matchIndexKey(known)) ?? []) this.touch(key);
    }
  }

  /** The kernel took the device away: by itself, or somebody did. */
  #lost(ctl: Ctl, ref: DeviceRef): void {
    this.say("info", ctl, 'Received "remove" event');
    const until = after(this.now, REMOVED_PAUSE);
    const next: Ctl = { ...ctl, attempts: 0, lastTry: this.now, link: { phase: "waiting", until } };
    this.put(noted(next, this.now.wall, `${ref.device} was removed by the kernel`));
    this.#down(ctl, ref);
    this.remindAt(until, ctl.key);
    this.touch(ctl.key);
  }

  /** How long removals soak: not at all when the daemon stops. */
  static soak(fleet: Fleet): Duration {
    return fleet.stopping ? NO_SOAK : REMOVAL_SOAK;
  }

  /** Nothing is under way that has to end before the daemon may. */
  get quiet(): boolean {
    const { saves } = this.fleet;
    if (saves.running !== undefined || (saves.wanted > saves.done && !saves.failed)) return false;
    for (const ctl of this.fleet.ctls.values()) if (ctl.link.phase === "deleting") return false;
    return true;
  }

  /** For a reload: an attempt now for everything that waits. */
  retryAll(): void {
    for (const ctl of this.fleet.ctls.values()) {
      if (ctl.link.phase === "waiting" || ctl.link.phase === "idle") this.put({ ...ctl, oneTry: true });
      this.nudge(ctl.key, false);
      this.touch(ctl.key);
    }
  }
}

/** The next reminder. */
export const nextReminder = (fleet: Fleet): Instant | undefined => nextTime(fleet.agenda);
