/**
 * A persistent map from text to value: `with` and `without` give a new table and leave the old one as it was.
 * A trie over a hash of the key, with a few entries at each end: a change copies three small arrays and one
 * of entries, and not the whole table, so the core stays pure without paying for its size at every event. The
 * keys and the order of insertion determine the order of iteration. Peers choose names, and may choose them so that
 * thousands have one place: there the entries are kept in order (crowd.ts).
 */
import { Crowd, type Entry, Leaf } from "./crowd.ts";
import { placeOf } from "./name_numbers.ts";

const BITS = 4;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

/** Entries at one place; more of them are a crowd (S6). Of 12,288 names that nobody has chosen for it, 3 have one place. */
export const MAX_BUCKET = 16;

/** The entries whose keys have the same place. */
type Bucket<V> = readonly Entry<V>[] | Crowd<V>;
type Row<V> = readonly (Bucket<V> | undefined)[];
/** Some of the entries: the same object in later tables as long as none of them changes. */
export type Part<V> = Row<V> | Leaf<V>;
type Shelf<V> = readonly (Row<V> | undefined)[];
type Root<V> = readonly (Shelf<V> | undefined)[];

const EMPTY: readonly undefined[] = new Array<undefined>(WIDTH).fill(undefined);

export class Table<V> {
  readonly size: number;
  readonly #root: Root<V>;
  #all: readonly Entry<V>[] | undefined;

  private constructor(root: Root<V>, size: number) {
    this.#root = root;
    this.size = size;
  }

  static empty<V>(): Table<V> {
    return new Table<V>(EMPTY, 0);
  }

  #bucket(place: number): Bucket<V> | undefined {
    return this.#root[place >>> (2 * BITS)]?.[(place >>> BITS) & MASK]?.[place & MASK];
  }

  #withBucket(place: number, bucket: Bucket<V> | undefined, size: number): Table<V> {
    const [top, middle] = [place >>> (2 * BITS), (place >>> BITS) & MASK];
    const shelf: Shelf<V> = this.#root[top] ?? EMPTY;
    const row: Row<V> = shelf[middle] ?? EMPTY;
    return new Table(
      replaced(this.#root, top, replaced(shelf, middle, replaced(row, place & MASK, bucket))),
      size,
    );
  }

  get(key: string): V | undefined {
    return entryIn(this.#bucket(placeOf(key)), key)?.value;
  }

  has(key: string): boolean {
    return entryIn(this.#bucket(placeOf(key)), key) !== undefined;
  }

  with(key: string, value: V): Table<V> {
    const place = placeOf(key);
    const bucket = this.#bucket(place);
    const entry = { key, value };
    if (bucket === undefined) return this.#withBucket(place, [entry], this.size + 1);
    if (bucket instanceof Crowd) {
      const size = bucket.get(key) === undefined ? this.size + 1 : this.size;
      return this.#withBucket(place, bucket.with(entry), size);
    }
    const at = bucket.findIndex((one) => one.key === key);
    if (at >= 0) return this.#withBucket(place, bucket.with(at, entry), this.size);
    const more = [...bucket, entry];
    return this.#withBucket(place, more.length > MAX_BUCKET ? Crowd.of(more) : more, this.size + 1);
  }

  without(key: string): Table<V> {
    const place = placeOf(key);
    const bucket = this.#bucket(place);
    if (bucket === undefined || entryIn(bucket, key) === undefined) return this;
    if (bucket instanceof Crowd) {
      const crowd = bucket.without(key);
      return this.#withBucket(place, crowd.leaves.length === 0 ? undefined : crowd, this.size - 1);
    }
    const rest = bucket.filter((one) => one.key !== key);
    return this.#withBucket(place, rest.length === 0 ? undefined : rest, this.size - 1);
  }

  /** In order; gone through once for each table, however often it is read. */
  #entries(): readonly Entry<V>[] {
    if (this.#all !== undefined) return this.#all;
    const all: Entry<V>[] = [];
    for (const shelf of this.#root) {
      if (shelf === undefined) continue;
      for (const row of shelf) {
        if (row === undefined) continue;
        for (const bucket of row) {
          if (bucket instanceof Crowd) bucket.leaves.forEach(({ entries }) => all.push(...entries));
          else if (bucket !== undefined) all.push(...bucket);
        }
      }
    }
    this.#all = all;
    return all;
  }

  /**
   * The entries in parts, none of which has more than {@link WIDTH} times {@link MAX_BUCKET}. What is made of a part can be
   * kept for it: a change of the table replaces one or two of them.
   */
  *parts(): IterableIterator<Part<V>> {
    for (const shelf of this.#root) {
      if (shelf === undefined) continue;
      for (const row of shelf) {
        if (row === undefined) continue;
        yield row;
        for (const bucket of row) if (bucket instanceof Crowd) yield* bucket.leaves;
      }
    }
  }

  *keys(): IterableIterator<string> {
    for (const { key } of this.#entries()) yield key;
  }

  *values(): IterableIterator<V> {
    for (const { value } of this.#entries()) yield value;
  }

  *[Symbol.iterator](): IterableIterator<[string, V]> {
    for (const { key, value } of this.#entries()) yield [key, value];
  }
}

/** What `Array.with` gives, in a third of its time. */
function replaced<T>(list: readonly T[], at: number, one: T): readonly T[] {
  const copy = list.slice();
  copy[at] = one;
  return copy;
}

/** The entries of one part of a table; those of a crowd are parts of their own. */
export function entriesOf<V>(part: Part<V>): readonly Entry<V>[] {
  if (part instanceof Leaf) return part.entries;
  return part.flatMap((bucket = []) => bucket instanceof Crowd ? [] : bucket);
}

function entryIn<V>(bucket: Bucket<V> | undefined, key: string): Entry<V> | undefined {
  if (bucket === undefined) return undefined;
  if (bucket instanceof Crowd) return bucket.get(key);
  for (const entry of bucket) if (entry.key === key) return entry;
  return undefined;
}
