/**
 * Controllers that wait for a turn: for a probe, or for the kernel. Nothing here goes through all of them (S11): what
 * enters, leaves or is chosen passes a few members of an ordered set. Those that may not have a turn for the same reason
 * wait in a part of their own, so that the choice passes over them at once. Pure.
 */
import { inOrder } from "../../base/name_numbers.ts";
import { added, firstFrom, heightOf, membersOf, type Ordered, removed } from "../../base/ordered.ts";
import { Table } from "../../base/table.ts";
import {
  laneInTurn,
  type LaneQueue,
  LANES,
  noTurns,
  type OfLanes,
  type TurnPlace,
  type Turns,
} from "./turns.ts";

/** The part of those that may have a turn whenever it comes. */
export const OPEN = "";

/** What is said of a controller that waits. */
export interface Waits extends TurnPlace {
  readonly key: string;
  /** Within an authority the smaller one is first. */
  readonly rank: number;
  /** One of a few names: {@link OPEN}, or of a reason to wait that many may have. */
  readonly part: string;
}

interface Waiter extends Waits {
  /** Its number in the order of arrival. */
  readonly number: number;
}

interface Places {
  readonly first: Ordered<Waiter> | undefined;
  readonly behind: Ordered<Waiter> | undefined;
}

type Lanes = OfLanes<Places>;

export interface Queue {
  readonly turns: Turns;
  readonly waiters: Table<Waiter>;
  /** Those with members. */
  readonly parts: ReadonlyMap<string, Lanes>;
  readonly next: number;
}

export const emptyQueue: Queue = { turns: noTurns, waiters: Table.empty(), parts: new Map(), next: 1 };

const NONE: Places = { first: undefined, behind: undefined };
const EMPTY: Lanes = [NONE, NONE, NONE];

const order = (a: Waiter, b: Waiter): number =>
  (a.authority === b.authority ? 0 : inOrder(a.authority, b.authority)) || a.rank - b.rank ||
  a.number - b.number;

const sideOf = ({ behind }: TurnPlace): keyof Places => behind === true ? "behind" : "first";

/** The parts after a change of the set in which this one has its place. */
function changed(
  parts: Queue["parts"],
  one: Waiter,
  change: (members: Ordered<Waiter> | undefined) => Ordered<Waiter> | undefined,
): Queue["parts"] {
  const lanes = parts.get(one.part) ?? EMPTY;
  const side = sideOf(one);
  const [a, b, c] = LANES.map((lane) =>
    lane === one.lane ? { ...lanes[lane], [side]: change(lanes[lane][side]) } : lanes[lane]
  );
  const next: Lanes = [a ?? NONE, b ?? NONE, c ?? NONE];
  const all = new Map(parts);
  if (next.every(({ first, behind }) => first === undefined && behind === undefined)) all.delete(one.part);
  else all.set(one.part, next);
  return all;
}

/** The queue with this one in it, once, in this place. One that waits already keeps its turn among those of its rank. */
export function entered(queue: Queue, { key, rank, part, lane, authority, behind = false }: Waits): Queue {
  const old = queue.waiters.get(key);
  const isSame = old?.rank === rank && old.part === part && old.lane === lane &&
    old.authority === authority && old.behind === behind;
  if (isSame) return queue;
  const number = old?.rank === rank ? old.number : queue.next;
  const one: Waiter = { key, rank, part, lane, authority, behind, number };
  const rest = left(queue, key);
  return {
    ...rest,
    waiters: rest.waiters.with(key, one),
    parts: changed(rest.parts, one, (members) => added(members, one, heightOf(number), order)),
    next: Math.max(queue.next, number + 1),
  };
}

export function left(queue: Queue, key: string): Queue {
  const one = queue.waiters.get(key);
  if (one === undefined) return queue;
  return {
    ...queue,
    waiters: queue.waiters.without(key),
    parts: changed(queue.parts, one, (members) => removed(members, one, order)),
  };
}

/** All that wait in a part. */
export function waitersIn({ parts }: Queue, part: string): readonly Waiter[] {
  return (parts.get(part) ?? EMPTY).flatMap((
    { first, behind },
  ) => [...membersOf(first), ...membersOf(behind)]);
}

/** Whose turn it is, and the turns when it has been taken. `isHeld`: its members may not have a turn now. */
export function inTurn(
  { parts, turns }: Queue,
  isHeld: (part: string) => boolean = () => false,
  looked: (count: number) => void = () => undefined,
): { readonly one: Waits; readonly turns: Turns } | undefined {
  const open: Lanes[] = [];
  const held: Lanes[] = [];
  for (const [part, lanes] of parts) (isHeld(part) ? held : open).push(lanes);
  const has = (some: readonly Lanes[], lane: 0 | 1 | 2, side: keyof Places): boolean =>
    some.some((lanes) => lanes[lane][side] !== undefined);
  const [a, b, c] = LANES.map((lane): LaneQueue => ({
    first: has(open, lane, "first"),
    behind: has(open, lane, "behind"),
    held: has(held, lane, "first") || has(held, lane, "behind"),
  }));
  if (a === undefined || b === undefined || c === undefined) return undefined;
  const turn = laneInTurn(turns, [a, b, c]);
  if (turn === undefined) return undefined;
  const sets = open.map((lanes) => lanes[turn.lane][turn.behind ? "behind" : "first"]);
  const firstOf = (isBefore: (one: Waiter) => boolean): Waiter | undefined => {
    let found: Waiter | undefined;
    for (const set of sets) {
      const first = firstFrom(set, (one) => {
        looked(1);
        return isBefore(one);
      });
      if (first !== undefined && (found === undefined || order(first, found) < 0)) found = first;
    }
    return found;
  };
  // The next authority in the order of names; after the last one the first again.
  const one = firstOf(({ authority }) => authority === turn.after || inOrder(authority, turn.after) < 0) ??
    firstOf(() => false);
  return one === undefined ? undefined : { one, turns: turn.taken(one.authority) };
}
