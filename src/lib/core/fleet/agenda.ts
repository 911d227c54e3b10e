import type { Instant } from "../../base/time.ts";
import { Table } from "../../base/table.ts";
import { remindersOf } from "./reminders.ts";

/**
 * Reminders to look at something at a time: one time for each key, the one set last. A reminder is not a
 * decision: its receiver looks at the present state. A leftist heap; replaced times stay in it and are
 * skipped.
 */
export interface Agenda {
  /** The time that counts for each key. */
  readonly times: Table<number>;
  readonly heap: Node | undefined;
}

interface Node {
  readonly at: number;
  readonly key: string;
  readonly left: Node | undefined;
  readonly right: Node | undefined;
  /** The number of nodes down the right side. */
  readonly rank: number;
  readonly size: number;
}

export const emptyAgenda: Agenda = { times: Table.empty(), heap: undefined };

/** Replaced nodes are removed when there are at least this many, and more of them than of the others. */
const MAX_STALE = 64;

function node(at: number, key: string, a: Node | undefined, b: Node | undefined): Node {
  const [left, right] = (a?.rank ?? 0) >= (b?.rank ?? 0) ? [a, b] : [b, a];
  return { at, key, left, right, rank: (right?.rank ?? 0) + 1, size: (a?.size ?? 0) + (b?.size ?? 0) + 1 };
}

function merged(a: Node | undefined, b: Node | undefined): Node | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a.at <= b.at
    ? node(a.at, a.key, a.left, merged(a.right, b))
    : node(b.at, b.key, b.left, merged(a, b.right));
}

/** The heap without the replaced nodes at its top. */
function cleared(times: Table<number>, heap: Node | undefined): Agenda {
  let top = heap;
  while (top !== undefined && times.get(top.key) !== top.at) top = merged(top.left, top.right);
  if (top !== undefined && top.size > 2 * times.size + MAX_STALE) {
    top = undefined;
    for (const [key, at] of times) top = merged(top, node(at, key, undefined, undefined));
  }
  return { times, heap: top };
}

/** Reminds of `key` at that time, and at no other. */
export function remind(agenda: Agenda, at: Instant, key: string): Agenda {
  const { times, heap } = agenda;
  if (times.get(key) === at.mono) return agenda;
  if (at.mono === Infinity) return times.has(key) ? cleared(times.without(key), heap) : agenda;
  return cleared(times.with(key, at.mono), merged(heap, node(at.mono, key, undefined, undefined)));
}

/** The agenda without the reminders of a controller that is gone. */
export function forgetController(agenda: Agenda, key: string): Agenda {
  let left = agenda;
  for (const text of remindersOf(key)) left = remind(left, { mono: Infinity }, text);
  return left;
}

/** The time of a key, if there is one. */
export const timeOf = (agenda: Agenda, key: string): number | undefined => agenda.times.get(key);

export const nextTime = (agenda: Agenda): Instant | undefined =>
  agenda.heap === undefined ? undefined : { mono: agenda.heap.at };

/** The keys whose time has come, and the agenda without them. */
export function due(
  agenda: Agenda,
  now: Instant,
): { readonly keys: ReadonlySet<string>; readonly rest: Agenda } {
  const keys = new Set<string>();
  let rest = agenda;
  while (rest.heap !== undefined && rest.heap.at <= now.mono) {
    const { key, left, right } = rest.heap;
    keys.add(key);
    rest = cleared(rest.times.without(key), merged(left, right));
  }
  return { keys, rest };
}
