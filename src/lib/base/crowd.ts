/**
 * Entries in the order of their keys, in leaves of a few: what a table keeps where so many keys have one place that a peer
 * must have chosen them for it. A lookup compares the key with a few others, however many there are; a change copies one
 * leaf and the list of leaves. Persistent, like the table.
 */
import { inOrder } from "./name_numbers.ts";

export interface Entry<V> {
  readonly key: string;
  readonly value: V;
}

/** Entries of one leaf (S6). */
export const MAX_LEAF = 32;
/** Two neighbours with so few together become one. */
const FEW = MAX_LEAF / 2;

export class Leaf<V> {
  /** At least one. */
  readonly entries: readonly Entry<V>[];

  constructor(entries: readonly Entry<V>[]) {
    this.entries = entries;
  }
}

export class Crowd<V> {
  /** In the order of their keys. */
  readonly leaves: readonly Leaf<V>[];

  private constructor(leaves: readonly Leaf<V>[]) {
    this.leaves = leaves;
  }

  /** Of entries with different keys, in any order. */
  static of<V>(entries: readonly Entry<V>[]): Crowd<V> {
    return entries.reduce((crowd, entry) => crowd.with(entry), new Crowd<V>([]));
  }

  /** Where the leaf is in which the key is or would be, and its entries. */
  #around(key: string): { readonly at: number; readonly entries: readonly Entry<V>[] } {
    const at = Math.max(countUpTo(this.leaves, key, firstKey) - 1, 0);
    return { at, entries: this.leaves[at]?.entries ?? [] };
  }

  get(key: string): Entry<V> | undefined {
    const { entries } = this.#around(key);
    const entry = entries[countUpTo(entries, key, keyOf) - 1];
    return entry?.key === key ? entry : undefined;
  }

  with(entry: Entry<V>): Crowd<V> {
    const { at, entries } = this.#around(entry.key);
    const place = countUpTo(entries, entry.key, keyOf);
    const more = entries[place - 1]?.key === entry.key
      ? entries.with(place - 1, entry)
      : entries.toSpliced(place, 0, entry);
    const half = more.length >> 1;
    const now = more.length > MAX_LEAF ? [more.slice(0, half), more.slice(half)] : [more];
    return new Crowd(this.leaves.toSpliced(at, 1, ...now.map((one) => new Leaf(one))));
  }

  /** A leaf that is left with few entries becomes one with its neighbour. */
  without(key: string): Crowd<V> {
    const { at, entries } = this.#around(key);
    const rest = entries.filter((one) => one.key !== key);
    const before = this.leaves[at - 1]?.entries ?? [];
    const next = this.leaves[at + 1]?.entries ?? [];
    const now = (from: number, count: number, all: readonly Entry<V>[]): Crowd<V> =>
      new Crowd(this.leaves.toSpliced(from, count, ...(all.length === 0 ? [] : [new Leaf(all)])));
    if (at > 0 && before.length + rest.length <= FEW) return now(at - 1, 2, [...before, ...rest]);
    return rest.length + next.length <= FEW ? now(at, 2, [...rest, ...next]) : now(at, 1, rest);
  }
}

const keyOf = ({ key }: Entry<unknown>): string => key;
const firstKey = ({ entries: [first] }: Leaf<unknown>): string => first?.key ?? "";

/** How many of a sorted list have keys up to this one. */
function countUpTo<One>(list: readonly One[], key: string, keyOf: (one: One) => string): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const one = list[middle];
    if (one === undefined || inOrder(keyOf(one), key) > 0) to = middle;
    else from = middle + 1;
  }
  return from;
}
