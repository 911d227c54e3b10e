/** A draft of the next {@link Fleet} with its effects, and the simple changes to it. */
import type { DaemonConf } from "../../config/daemon_conf.ts";
import { type Tid, tidText } from "../../nvme/tid.ts";
import { after, type Instant, type Now, reached } from "../../base/time.ts";
import type { LogLevel } from "../../ports.ts";
import { remind, timeOf } from "./agenda.ts";
import { type Authority, type Claim, type Ctl, newCtl, withClaim, withoutClaim } from "../controller/ctl.ts";
import type { Effect, Op } from "../effects.ts";
import type { Evidence } from "../planning/evidence.ts";
import { type Fleet, type Happening, MAX_CTLS, MAX_RECENT, withCtl, withoutCtl } from "./fleet.ts";
import { eventFields, type EventType } from "../../base/messages.ts";
import { youngPatterns } from "../planning/refusal.ts";
import { LOG_REMINDER, mayTell, periodEnded } from "./log_limit.ts";
import type { FleetRules } from "./fleet_rules.ts";
import { OWN_FILES, quotaOf } from "../sources/origin_of.ts";
import { NUDGE_DISTANCE } from "../retry.ts";
import { standingOf } from "../controller/standing.ts";
import { isIdle, ROOMY_CTLS, TableRoom } from "./table_room.ts";

export class FleetDraft<E extends { readonly do: string } = never> {
  readonly effects: (Effect | E)[] = [];
  fleet: Fleet;
  readonly now: Now;
  readonly rules: FleetRules;
  protected readonly touched = new Set<string>();
  /**
   * The counted work of this step so far: controllers, claims, devices, lines. It stays below a multiple of
   * the number of known controllers (S11); the simulation checks that at every step.
   */
  work = 0;
  /** The room in this step, needed once the table is full. */
  #room: TableRoom | undefined;
  readonly #owners = new Map<string, string>();
  #released = false;
  #changed = false;

  constructor(fleet: Fleet, now: Now, rules: FleetRules) {
    this.fleet = fleet;
    this.now = now;
    this.rules = rules;
  }

  /**
   * Without the interfaces an existing connection may not be recognised, and would be made a second time
   * (S4).
   */
  get fresh(): boolean {
    return this.fleet.fresh && this.fleet.interfaces.size > 0;
  }

  emit(effect: Effect | E): void {
    this.effects.push(effect);
  }

  /**
   * Adds an effect before all others of this step: a caller waits for its outcome, and the others run
   * meanwhile.
   */
  emitFirst(effect: Effect | E): void {
    this.effects.unshift(effect);
  }

  op(): Op {
    const op = this.fleet.nextOp;
    this.fleet = { ...this.fleet, nextOp: op + 1 };
    return op;
  }

  log(level: LogLevel, message: string, fields?: Readonly<Record<string, string>>): void {
    this.emit({ do: "log", entry: fields === undefined ? { level, message } : { level, message, fields } });
  }

  /**
   * A line that outside parties can cause without limit; `source` names the interface or controller, in
   * words.
   */
  logOf(
    source: string,
    level: LogLevel,
    message: string,
    fields?: Readonly<Record<string, string>>,
  ): void {
    const { told, says, remind: late } = mayTell(this.fleet.told, source, this.now);
    this.fleet = { ...this.fleet, told };
    if (late !== undefined) this.remindAt(late.at, LOG_REMINDER + late.source);
    if (says) this.log(level, message, fields);
  }

  /** The logging period of a source has ended. */
  protected logPeriodEnded(source: string): void {
    const { told, text } = periodEnded(this.fleet.told, source, this.now);
    this.fleet = { ...this.fleet, told };
    if (text !== undefined) this.log("warning", text);
  }

  /** A line about one controller, with the journal fields to find it by. */
  say(level: LogLevel, ctl: Ctl, what: string, more?: Readonly<Record<string, string>>): void {
    const { text, fields } = lineAbout(ctl, what);
    this.log(level, text, { ...fields, ...more });
  }

  /** The same, for a line that the controller can cause without limit. */
  sayOf(ctl: Ctl, level: LogLevel, what: string, more?: Readonly<Record<string, string>>): void {
    const { text, fields } = lineAbout(ctl, what);
    this.logOf(tidText(ctl.tid), level, text, { ...fields, ...more });
  }

  /** The event signal of the versioned interface. */
  announce(ctl: Ctl, type: EventType, message: string): void {
    const device = nameOf(ctl) ?? "";
    this.#event({ type, tid: ctl.tid, text: tidText(ctl.tid), device, message });
  }

  /** An event of the daemon itself: the line, and the event signal. */
  happened(
    level: LogLevel,
    type: EventType,
    message: string,
    more?: Readonly<Record<string, string>>,
  ): void {
    this.log(level, message, eventFields(type, more));
    this.#event({ type, tid: null, text: "", device: "", message });
  }

  #event(what: Omit<Happening, "at">): void {
    const { daemon } = this.rules;
    const happening = { at: this.now.wall, ...what };
    this.fleet = { ...this.fleet, recent: [...this.fleet.recent, happening].slice(-MAX_RECENT) };
    const event = { schema: 1, daemon, ...happening };
    this.emit({ do: "signal", signal: { type: "event", event } });
  }

  /** Reads all of the kernel's connections. */
  startScan(): void {
    if (this.fleet.scan !== undefined) return;
    const op = this.op();
    this.fleet = { ...this.fleet, scan: op };
    this.emit({ do: "scan", op });
  }

  /** Sets the time of this reminder, in place of any earlier one. */
  remindAt(at: Instant, key: string): void {
    this.fleet = { ...this.fleet, agenda: remind(this.fleet.agenda, at, key) };
  }

  /**
   * Sets this time unless an earlier one is set, so that repeated events do not postpone the reminder (L2).
   */
  remindBy(at: Instant, key: string): void {
    if ((timeOf(this.fleet.agenda, key) ?? Infinity) > at.mono) this.remindAt(at, key);
  }

  /**
   * A configuration was loaded; `before`: the previous one of this run, for a reload. A changed file is a
   * decision of the administrator.
   */
  allow(conf: DaemonConf, before: DaemonConf | undefined): void {
    const young = youngPatterns(this.fleet.young, conf, before !== undefined);
    const isGrown = this.fleet.young === undefined || this.fleet.young.size !== young.size;
    const isChanged = before !== undefined && before.digest !== conf.digest;
    const isAllowed = this.fleet.families === undefined || isChanged;
    const families = isAllowed ? conf.ipFamilies.value : this.fleet.families;
    this.fleet = { ...this.fleet, families, young };
    if (isAllowed || isGrown) this.dirty();
    if (before !== undefined) {
      const how = isChanged ? "changed" : "unchanged";
      this.happened("notice", "reload", `The configuration was loaded again: ${conf.file} is ${how}`);
    }
  }

  /** The state file is out of date. */
  dirty(): void {
    const { saves } = this.fleet;
    this.fleet = { ...this.fleet, saves: { ...saves, wanted: saves.wanted + 1 } };
  }

  // --- controllers ---------------------------------------------------------------------------------------------------

  ctl(key: string): Ctl | undefined {
    this.work++;
    return this.fleet.ctls.get(key);
  }

  /** All controllers. */
  all(): IterableIterator<Ctl> {
    this.work += this.fleet.ctls.size;
    return this.fleet.ctls.values();
  }

  /** The controllers that this authority claims or has withdrawn. */
  saidOf(authority: Authority): readonly Ctl[] {
    const keys = this.fleet.said.get(authority);
    return keys === undefined ? [] : [...keys.keys()].flatMap((key) => this.ctl(key) ?? []);
  }

  put(ctl: Ctl): void {
    this.work++;
    this.fleet = withCtl(this.fleet, ctl);
  }

  /** Records the time since when the controller has been in its present state. */
  stand(key: string): void {
    const ctl = this.ctl(key);
    // Until the kernel has been read, the previous daemon's state counts.
    if (ctl === undefined || (!this.fleet.fresh && ctl.standing !== undefined)) return;
    const standing = standingOf(ctl, this.rules.verdict(ctl), this.now.wall);
    if (standing === ctl.standing) return;
    this.put({ ...ctl, standing });
    this.dirty();
  }

  touch(key: string): void {
    this.touched.add(key);
  }

  touchAll(): void {
    this.work += this.fleet.ctls.size;
    for (const key of this.fleet.ctls.keys()) this.touched.add(key);
  }

  /**
   * Adds or renews one authority's claim, and adds the controller if it is new. False when there is no room
   * (S6).
   */
  claim(key: string, tid: Tid, authority: Authority, claim: Claim): boolean {
    let ctl = this.ctl(key);
    if (ctl === undefined) {
      if (this.fleet.ctls.size >= MAX_CTLS && !this.#makeRoom(key, claim)) {
        this.fleet = { ...this.fleet, leftOut: true };
        return false;
      }
      this.dirty();
      const stood = this.fleet.stood.get(key);
      const standing = stood === undefined || reached(stood.until, this.now) ? undefined : stood.standing;
      ctl = { ...newCtl(key, tid, this.fleet.saves.wanted), standing };
    } else if (!ctl.claims.has(authority)) {
      this.dirty();
    }
    this.put(withClaim(ctl, authority, claim));
    this.touch(key);
    return true;
  }

  /** The table has room for controllers that were left out. */
  get isRoomy(): boolean {
    return this.fleet.ctls.size < ROOMY_CTLS;
  }

  /**
   * In a table that is nearly full, controllers that only this authority claimed, that it no longer names and
   * that are not connected make way for those that it names now. An ordinary withdrawal would come too late.
   */
  makeWay(authority: Authority, named: ReadonlyMap<string, unknown>): readonly Ctl[] {
    const gone: Ctl[] = [];
    if (this.isRoomy) return gone;
    for (const ctl of this.saidOf(authority)) {
      const isOnly = ctl.claims.has(authority) && ctl.claims.size === 1;
      if (!isOnly || named.has(ctl.key) || !isIdle(ctl)) continue;
      this.fleet = withoutCtl(this.fleet, ctl);
      this.#room = undefined;
      gone.push(ctl);
    }
    return gone;
  }

  /**
   * In a full table another controller makes way, or there is no room (S16). Controllers of this host's
   * configuration always have room.
   */
  #makeRoom(key: string, claim: Claim): boolean {
    const quota = quotaOf(claim, (dc) => {
      const known = this.#owners.get(dc) ?? this.rules.pageOwner(dc);
      this.#owners.set(dc, known);
      return known;
    });
    if (this.#room === undefined) {
      this.work += this.fleet.ctls.size;
      this.#room = new TableRoom(this.fleet.ctls.values(), (ctl) => this.rules.origin(ctl).authority);
    }
    const gone = this.#room.givesWay(quota);
    const ctl = gone === undefined ? undefined : this.ctl(gone);
    if (ctl !== undefined) {
      this.fleet = withoutCtl({ ...this.fleet, leftOut: true }, ctl);
      this.rules.evicted(ctl);
    }
    const hasRoom = ctl !== undefined || quota === OWN_FILES;
    if (hasRoom) this.#room.took(quota, key);
    return hasRoom;
  }

  /** A change that has the effect of a changed claim: a page was read. */
  said(): void {
    this.fleet = { ...this.fleet, sayings: this.fleet.sayings + 1 };
  }

  /**
   * Removes one authority's claim, for the reason in the evidence. If there are several withdrawals, the last
   * reason counts.
   */
  release(key: string, authority: Authority, evidence: Evidence): void {
    const ctl = this.ctl(key);
    if (ctl === undefined) return;
    if (ctl.released.has(authority)) {
      this.put({ ...ctl, released: new Map(ctl.released).set(authority, evidence) });
      return this.touch(key);
    }
    if (!ctl.claims.has(authority)) return;
    this.put(withoutClaim(ctl, authority, evidence));
    this.#released = true;
    this.dirty();
    this.touch(key);
  }

  /**
   * `ip-family` now treats a controller differently, although no statement has changed: computed results are
   * stale.
   */
  reconsider(): void {
    this.#changed = true;
  }

  /** Was a claim withdrawn since the last call, or does something need another look? */
  takeReleased(): boolean {
    const released = this.#released || this.#changed;
    if (this.#changed) this.said();
    this.#released = false;
    this.#changed = false;
    return released;
  }

  /** News makes an attempt worth while: do not wait for the timer. */
  nudge(key: string, fresh: boolean): void {
    const ctl = this.ctl(key);
    if (ctl === undefined || ctl.link.phase !== "waiting") return;
    const soonest = after(ctl.lastTry ?? { mono: -Infinity }, NUDGE_DISTANCE);
    const until = ctl.link.until.mono <= soonest.mono ? ctl.link.until : soonest;
    this.put({ ...ctl, attempts: fresh ? 0 : ctl.attempts, link: { phase: "waiting", until } });
    this.remindAt(until, key);
    this.touch(key);
  }
}

/** The device of a connection, or the one that the kernel is still connecting. */
const nameOf = ({ link }: Ctl): string | undefined => "ref" in link ? link.ref.device : undefined;

function lineAbout(ctl: Ctl, what: string): { text: string; fields: Readonly<Record<string, string>> } {
  const device = nameOf(ctl) ?? "nvme?";
  const { traddr, trsvcid, transport, subsysnqn, hostTraddr, hostIface } = ctl.tid;
  return {
    text: `${tidText(ctl.tid)} | ${device} - ${what}`,
    fields: {
      NVME_DEVICE: device,
      NVME_TRADDR: traddr,
      NVME_TRSVCID: trsvcid,
      NVME_TRANSPORT: transport,
      NVME_SUBSYSNQN: subsysnqn,
      ...(hostTraddr === "" ? {} : { NVME_HOST_TRADDR: hostTraddr }),
      ...(hostIface === "" ? {} : { NVME_HOST_IFACE: hostIface }),
    },
  };
}
