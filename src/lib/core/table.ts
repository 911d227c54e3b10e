/**
 * A persistent map from text to value: `with` and `without` give a new table and leave the old one as it was.
 * Keys are spread over buckets, so that a change copies one small bucket and not the whole table: the core stays pure
 * without paying for its size at every event. The order of iteration is fixed by the keys and the order of insertion.
 */
const BUCKETS = 128;

type Bucket<V> = ReadonlyMap<string, V>;

export class Table<V> {
  readonly size: number;
  readonly #buckets: readonly (Bucket<V> | undefined)[];

  private constructor(buckets: readonly (Bucket<V> | undefined)[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  static empty<V>(): Table<V> {
    return new Table<V>(new Array<Bucket<V> | undefined>(BUCKETS).fill(undefined), 0);
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#buckets[bucketOf(key)]?.has(key) ?? false;
  }

  with(key: string, value: V): Table<V> {
    const at = bucketOf(key);
    const bucket = new Map(this.#buckets[at]);
    const size = this.size + (bucket.has(key) ? 0 : 1);
    bucket.set(key, value);
    return new Table(this.#buckets.with(at, bucket), size);
  }

  without(key: string): Table<V> {
    const at = bucketOf(key);
    const old = this.#buckets[at];
    if (old === undefined || !old.has(key)) return this;
    const bucket = new Map(old);
    bucket.delete(key);
    return new Table(this.#buckets.with(at, bucket), this.size - 1);
  }

  *keys(): IterableIterator<string> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.keys();
  }

  *values(): IterableIterator<V> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.values();
  }

  *[Symbol.iterator](): IterableIterator<[string, V]> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket;
  }
}

/** FNV-1a over the last 40 code units: that is where the keys of one fabric differ. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = Math.max(0, key.length - 40); i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % BUCKETS;
}
