/**
 * A draft of the next state: what one step has changed so far, and the effects that it asks for. Changes are functions
 * that take the draft; the step makes a new draft for each event, and its state is the next state in the end.
 */
import type { FleetState, Rules, View } from "./view.ts";
import type { Effect, Op } from "../effects.ts";
import type { TableRoom } from "./table_room.ts";
import { type Fleet, type Past, waitsFor, withCtl } from "./fleet.ts";
import type { Authority, Ctl } from "../controller/ctl.ts";
import type { LineState } from "../sources/lines.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { KernelEvent } from "../../ports.ts";
import { after, type Instant } from "../../base/time.ts";
import { remind, timeOf } from "./agenda.ts";
import { ctlAt } from "./questions.ts";
import { standingOf } from "../controller/standing.ts";
import { NUDGE_DISTANCE, SAVE_DELAY } from "../retry.ts";
import type { Proof } from "../planning/evidence.ts";
import { type Reminder, reminderText } from "./reminders.ts";

/** Where effects go: to a list of the daemon's own kinds of effects. */
interface Sink<E> {
  push(effect: E): unknown;
  unshift(effect: E): unknown;
}

export interface Draft extends View {
  state: FleetState;
  readonly rules: DaemonRules;
  readonly effects: Sink<Effect>;
  /** Keys of the controllers that the planner decides about before the step ends. */
  readonly touched: Set<string>;
  /** The room in this step, needed once the table is full. */
  room: TableRoom | undefined;
  readonly owners: Map<string, string>;
  /** Controllers by index key and authority, where there are many (target_sides.ts). */
  readonly sides: Map<string, Map<string, number>>;
  /** A claim was withdrawn. */
  released: boolean;
  /** A verdict may have changed although no statement has. */
  changed: boolean;
  lookedAtTls: boolean;
  /** Controllers that wait for a turn and have changed: those that have begun to wait for the kernel, with their rank. */
  readonly toPlace: Map<string, number | undefined>;
  /** The copy of the lines that this step changes. */
  ownLines: Map<Authority, LineState> | undefined;
  /** Names are resolved again at the end of the step. */
  namesDue: boolean;
}

/** The reactions of a daemon to changes in the part that both daemons share, beside its answers. */
export interface DaemonRules extends Rules {
  /** The controller gave way to others in the full table: from now on it is unknown, not unwanted. */
  evicted(draft: Draft, ctl: Ctl): void;
  /** The record of a controller has a new key: our side of it changed. */
  moved(draft: Draft, old: Ctl, now: Ctl): void;
  /** A connection exists. */
  up(draft: Draft, ctl: Ctl, device: KernelCtrl): void;
  /** A connection exists, and nothing is to be done about it, for it is wanted or held. */
  stays(draft: Draft, ctl: Ctl): void;
  /** The connection is gone, or no longer ours. */
  down(draft: Draft, ctl: Ctl): void;
  /** The record of the controller is gone. */
  forgotten(draft: Draft, ctl: Ctl, past: Past): void;
  /** It is excluded and not connected; its record stays while a source wants it. */
  leftToOthers(draft: Draft, ctl: Ctl, evidence: Proof): void;
  /** The kernel sent an event about a connection that is up. */
  news(draft: Draft, ctl: Ctl, event: Extract<KernelEvent, { readonly type: "device" }>): void;
  /** The kernel sent an event about a device that no controller of ours uses. */
  foreign(draft: Draft, event: Extract<KernelEvent, { readonly type: "device" }>): void;
  /**
   * Asks the source of the evidence whether the evidence still holds; the answer leads to another look at the
   * controller.
   */
  confirm(draft: Draft, ctl: Ctl): void;
  /** The controllers that may count against another authority than at the last call, though they have not changed. */
  displaced(draft: Draft): readonly string[] | "all";
  /** A reminder of the daemon's own. */
  reminded(draft: Draft, reminder: Reminder): void;
  /** The content of the state file, as JSON. */
  savedState(draft: Draft): string;
}

/** The fields of a draft in which nothing has happened yet. */
export const untouched = (): Omit<Draft, "state" | "now" | "rules" | "effects"> => ({
  work: 0,
  touched: new Set(),
  room: undefined,
  owners: new Map(),
  sides: new Map(),
  released: false,
  changed: false,
  lookedAtTls: false,
  toPlace: new Map(),
  ownLines: undefined,
  namesDue: false,
});

export function setFleet(draft: Draft, fleet: Fleet): void {
  draft.state = { ...draft.state, fleet };
}

export function changeFleet(draft: Draft, change: Partial<Fleet>): void {
  draft.state = { ...draft.state, fleet: { ...draft.state.fleet, ...change } };
}

export function emit<E>(draft: { readonly effects: Sink<E> }, effect: NoInfer<E>): void {
  draft.effects.push(effect);
}

/**
 * Adds an effect before all others of this step: a caller waits for its outcome, and the others run
 * meanwhile.
 */
export function emitFirst<E>(draft: { readonly effects: Sink<E> }, effect: NoInfer<E>): void {
  draft.effects.unshift(effect);
}

export function newOp(draft: Draft): Op {
  const op = draft.state.fleet.nextOp;
  changeFleet(draft, { nextOp: op + 1 });
  return op;
}

/** Reads all of the kernel's connections. */
export function startScan(draft: Draft): void {
  if (draft.state.fleet.scan !== undefined) return;
  const op = newOp(draft);
  changeFleet(draft, { scan: op });
  emit(draft, { do: "scan", op });
}

/** The known connections are not the kernel's: nothing begins before all have been read again (S4). */
export function distrustKernel(draft: Draft): void {
  changeFleet(draft, { fresh: false, scanAgain: draft.state.fleet.scan !== undefined });
  startScan(draft);
}

/** Sets the time of this reminder, in place of any earlier one. */
export function remindAt(draft: Draft, at: Instant, reminder: Reminder): void {
  changeFleet(draft, { agenda: remind(draft.state.fleet.agenda, at, reminderText(reminder)) });
}

/**
 * Sets this time unless an earlier one is set, so that repeated events do not postpone the reminder (L2).
 */
export function remindBy(draft: Draft, at: Instant, reminder: Reminder): void {
  const set = timeOf(draft.state.fleet.agenda, reminderText(reminder));
  if ((set ?? Infinity) > at.mono) remindAt(draft, at, reminder);
}

/** The state file is out of date. */
export function markDirty(draft: Draft): void {
  const { saves } = draft.state.fleet;
  const wanted = saves.wanted + 1;
  changeFleet(draft, { saves: { ...saves, wanted, due: wanted } });
}

/**
 * The state file lacks something that only makes it more exact. It is written a little later, once for many connections
 * that come up one after the other: the kernel waits for us meanwhile.
 */
function markInexact(draft: Draft): void {
  const { saves } = draft.state.fleet;
  changeFleet(draft, { saves: { ...saves, wanted: saves.wanted + 1 } });
  // After a failure it is tried again at a time of its own.
  if (!saves.failed) remindBy(draft, after(draft.now, SAVE_DELAY), { of: "save" });
}

export function put(draft: Draft, ctl: Ctl): void {
  draft.work++;
  setFleet(draft, withCtl(draft.state.fleet, ctl));
  // Its place is worked out at the end of the step: other changes may concern it, too.
  if (waitsFor(ctl) !== undefined && !draft.toPlace.has(ctl.key)) draft.toPlace.set(ctl.key, undefined);
}

/** It is no longer left to others: the state file must say so before the kernel is asked to connect it (S9). */
export function takenBack(draft: Draft, ctl: Ctl): Ctl {
  if (!ctl.leftToOthers) return ctl;
  markDirty(draft);
  return { ...ctl, leftToOthers: false, savedWith: draft.state.fleet.saves.wanted };
}

/** Records the time since when the controller has been in its present state. */
export function noteStanding(draft: Draft, key: string): void {
  const ctl = ctlAt(draft, key);
  // Until the kernel has been read, the previous daemon's state counts.
  if (ctl === undefined || (!draft.state.fleet.fresh && ctl.standing !== undefined)) return;
  const standing = standingOf(ctl, draft.rules.verdict(draft, ctl), draft.now.wall);
  if (standing === ctl.standing) return;
  put(draft, { ...ctl, standing });
  // That it was asked for is in the file; which device it is, the kernel's list tells after a crash, too.
  if (standing.is === "connected") markInexact(draft);
  else markDirty(draft);
}

export function touch(draft: Draft, key: string): void {
  draft.touched.add(key);
}

export function touchAll(draft: Draft): void {
  draft.work += draft.state.fleet.ctls.size;
  for (const key of draft.state.fleet.ctls.keys()) draft.touched.add(key);
}

/** News makes an attempt worth while: do not wait for the timer. */
export function trySoon(draft: Draft, key: string, fresh: boolean): void {
  const ctl = ctlAt(draft, key);
  if (ctl === undefined || ctl.link.phase !== "waiting") return;
  const soonest = after(ctl.lastTry ?? { mono: -Infinity }, NUDGE_DISTANCE);
  const until = ctl.link.until.mono <= soonest.mono ? ctl.link.until : soonest;
  put(draft, { ...ctl, attempts: fresh ? 0 : ctl.attempts, link: { phase: "waiting", until } });
  remindAt(draft, until, { of: "controller", key });
  touch(draft, key);
}
