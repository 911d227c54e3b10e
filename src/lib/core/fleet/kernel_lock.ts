/**
 * The kernel's lock for connects: whose connect has it, and what happens between two connects. One lock serialises the
 * connects of the whole host; between two connects of ours the kernel waits for us, and this gap is all the extra time that
 * many connections take. So a daemon asks for one connect at a time, and for the next one as soon as the kernel has
 * returned from the last, before that one has been read back (`unread`). This file has all that follows from it:
 *
 * - what may have the lock next ({@link mayConnect}), and what waits nevertheless ({@link partOf}, {@link isHeld}): for the
 *   state file (S9), for a connection that is being read back and may be its own (S4), for the rest of its authority;
 * - what was heard of devices meanwhile, which is newer than the outcome of a connect that began before (S1);
 * - the share of authorities that only mDNS leads to (S16). A target that passes the test and then hangs holds the lock for
 *   a minute, and the turns of one daemon do not protect the other one. Such an authority rests after a long connect, three
 *   times as long as that took: it holds the lock for a quarter of the time.
 *
 * Whose turn it is among those that wait is told by waiting.ts; queues.ts asks both. Pure.
 */
import { Table } from "../../base/table.ts";
import { type Instant, milliseconds, type Now, reached } from "../../base/time.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { matchIndexKey } from "../../nvme/match.ts";
import { type Tid, WELL_KNOWN_DISC_NQN } from "../../nvme/tid.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { Op } from "../effects.ts";
import { CONNECT_REST, LONG_CONNECT } from "../retry.ts";
import { isMdnsAuthority } from "../sources/origin_of.ts";
import { madeAsAsked } from "./fleet_index.ts";
import type { TurnPlace } from "./turns.ts";
import { OPEN } from "./waiting.ts";

/** The most connections at once that were made and not yet read back. */
const MAX_UNREAD = 8;
/** How many times longer than the connect the rest is. */
const REST_TIMES = 3;

/** A connect that the kernel was asked for. */
export interface Connect {
  readonly op: Op;
  readonly key: string;
  readonly tid: Tid;
  /** The authority, if only mDNS leads to it. */
  readonly guest: string | undefined;
  /** When its device appeared, by the monotonic clock; before that it may have waited for another program's connect. */
  readonly begun: number | undefined;
}

/** The incarnation that has a device's name since an event, if one has, and the number of operations begun by then. */
interface Heard {
  readonly now: number | undefined;
  readonly at: Op;
}

export interface KernelLock {
  /** The connect under way in the kernel, if any. */
  readonly holder: Connect | undefined;
  /** Connections made and still being read back: their devices are not known yet. */
  readonly unread: readonly Connect[];
  /** The last event about each device since the oldest of all these began. */
  readonly heard: Table<Heard>;
  /** Until when authorities that only mDNS leads to rest. */
  readonly rests: ReadonlyMap<string, Instant>;
}

export const freeLock: KernelLock = {
  holder: undefined,
  unread: [],
  heard: Table.empty(),
  rests: new Map(),
};

export const mayConnect = ({ holder, unread }: KernelLock): boolean =>
  holder === undefined && unread.length < MAX_UNREAD;

/** The kernel is asked for this connect. */
export const taken = (lock: KernelLock, connect: Omit<Connect, "begun">): KernelLock => ({
  ...lock,
  holder: { ...connect, begun: undefined },
});

/** A device has appeared. If it is that of the connect under way, the connect itself takes the time from now on. */
export function appeared(lock: KernelLock, ctrl: KernelCtrl, now: Now): KernelLock {
  const { holder } = lock;
  if (holder?.guest === undefined || holder.begun !== undefined || !madeAsAsked(holder.tid, ctrl)) {
    return lock;
  }
  return { ...lock, holder: { ...holder, begun: now.mono } };
}

/** The kernel has returned from this connect, and can make the next one; the connection is being read back. */
export function returned(lock: KernelLock, op: Op, now: Now): KernelLock {
  const { holder, unread } = lock;
  if (holder?.op !== op) return lock;
  return { ...rested(lock, holder, now), holder: undefined, unread: [...unread, holder] };
}

/** The outcome of this connect is here: the connection was read back, or there is none. */
export function ended(lock: KernelLock, op: Op, now: Now): KernelLock {
  const { holder: made } = lock;
  const rest = made?.op === op ? { ...rested(lock, made, now), holder: undefined } : lock;
  const unread = lock.unread.filter((one) => one.op !== op);
  const isQuiet = rest.holder === undefined && unread.length === 0;
  return { ...rest, unread, heard: isQuiet ? freeLock.heard : lock.heard };
}

/** An event told which incarnation has the name of a device now. `at`: the number of the next operation. */
export const heard = (lock: KernelLock, device: string, now: number | undefined, at: Op): KernelLock =>
  lock.holder === undefined && lock.unread.length === 0
    ? lock
    : { ...lock, heard: lock.heard.with(device, { now, at }) };

/** What was heard of the device since this connect began; it is newer than what the connect returns. */
export function heardSince(lock: KernelLock, op: Op, device: string): Heard | undefined {
  const news = lock.heard.get(device);
  return news !== undefined && news.at > op ? news : undefined;
}

/** The connection being read back that may serve this controller, too: its connect waits until that is known (S4). */
export const sharedWith = ({ unread }: KernelLock, tid: Tid): Connect | undefined =>
  unread.find((made) => mayShare(made.tid, tid));

/**
 * May one connection serve both? It may if they have the address and the NQN in common, or if one of them
 * matches any NQN.
 */
function mayShare(a: Tid, b: Tid): boolean {
  if (matchIndexKey(a) !== matchIndexKey(b)) return false;
  return a.subsysnqn === b.subsysnqn ||
    [a.subsysnqn, b.subsysnqn].includes(WELL_KNOWN_DISC_NQN);
}

// --- Where a controller waits (waiting.ts) ---------------------------------------------------------------------------

const MARK = "#";
/** The state file does not say yet what it must say before the kernel is asked (S9). */
export const UNSAVED = `${MARK}unsaved`;
/** Until this connection has been read back. */
export const sharing = (op: Op): string => `${MARK}sharing ${op}`;

/** The part of the queue in which a controller waits; `saved`: the last of the saves that have ended. */
export const partOf = (ctl: Ctl, origin: TurnPlace, saved: number): string =>
  ctl.savedWith > saved ? UNSAVED : guest(origin) ?? OPEN;

/** Those of this part may not be connected now. */
export const isHeld = (lock: KernelLock, part: string, now: Now): boolean =>
  part.startsWith(MARK) || restOf(lock, part, now) !== undefined;

// --- Rests ------------------------------------------------------------------------------------------------------------

/** The kernel has ended this connect: its authority may have to rest. */
function rested(lock: KernelLock, { guest, begun }: Connect, now: Now): KernelLock {
  if (guest === undefined || begun === undefined) return lock;
  const took = now.mono - begun;
  if (took <= LONG_CONNECT.ms) return lock;
  const rest = milliseconds(Math.min(REST_TIMES * took, CONNECT_REST.longest.ms));
  const others = [...lock.rests].filter(([name, until]) => name !== guest && !reached(until, now));
  return { ...lock, rests: new Map([...others, [guest, { mono: now.mono + rest.ms }]]) };
}

/** Until when a guest rests; undefined when it does not. */
export function restOf({ rests }: KernelLock, guest: string | undefined, now: Now): Instant | undefined {
  const until = guest === undefined ? undefined : rests.get(guest);
  return until === undefined || reached(until, now) ? undefined : until;
}

/** When the next rest ends. */
export function nextEnd({ rests }: KernelLock, now: Now): Instant | undefined {
  const ends = [...rests.values()].filter((until) => !reached(until, now)).map(({ mono }) => mono);
  return ends.length === 0 ? undefined : { mono: Math.min(...ends) };
}

/** The authority, if only mDNS leads to it. */
export const guest = ({ authority }: TurnPlace): string | undefined =>
  isMdnsAuthority(authority) ? authority : undefined;
