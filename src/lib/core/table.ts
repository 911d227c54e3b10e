/**
 * A persistent map from text to value: `with` and `without` give a new table and leave the old one as it was.
 * Keys are spread over shelves of small buckets, so that a change copies one shelf and one bucket and not the whole table:
 * the core stays pure without paying for its size at every event. The order of iteration is fixed by the keys and the
 * order of insertion.
 */
const WIDTH = 64;

type Bucket<V> = ReadonlyMap<string, V>;
type Shelf<V> = readonly (Bucket<V> | undefined)[];

const EMPTY_SHELF: readonly undefined[] = new Array<undefined>(WIDTH).fill(undefined);

export class Table<V> {
  readonly size: number;
  readonly #shelves: readonly (Shelf<V> | undefined)[];

  private constructor(shelves: readonly (Shelf<V> | undefined)[], size: number) {
    this.#shelves = shelves;
    this.size = size;
  }

  static empty<V>(): Table<V> {
    return new Table<V>(EMPTY_SHELF, 0);
  }

  #bucket(place: number): Bucket<V> | undefined {
    return this.#shelves[place >>> 6]?.[place & (WIDTH - 1)];
  }

  #withBucket(place: number, bucket: Bucket<V> | undefined, size: number): Table<V> {
    const shelf = (this.#shelves[place >>> 6] ?? EMPTY_SHELF).with(place & (WIDTH - 1), bucket);
    return new Table(this.#shelves.with(place >>> 6, shelf), size);
  }

  get(key: string): V | undefined {
    return this.#bucket(placeOf(key))?.get(key);
  }

  has(key: string): boolean {
    return this.#bucket(placeOf(key))?.has(key) ?? false;
  }

  with(key: string, value: V): Table<V> {
    const place = placeOf(key);
    const bucket = new Map(this.#bucket(place));
    const size = this.size + (bucket.has(key) ? 0 : 1);
    bucket.set(key, value);
    return this.#withBucket(place, bucket, size);
  }

  without(key: string): Table<V> {
    const place = placeOf(key);
    const old = this.#bucket(place);
    if (old === undefined || !old.has(key)) return this;
    const bucket = new Map(old);
    bucket.delete(key);
    return this.#withBucket(place, bucket.size === 0 ? undefined : bucket, this.size - 1);
  }

  *#buckets(): IterableIterator<Bucket<V>> {
    for (const shelf of this.#shelves) {
      if (shelf === undefined) continue;
      for (const bucket of shelf) if (bucket !== undefined) yield bucket;
    }
  }

  *keys(): IterableIterator<string> {
    for (const bucket of this.#buckets()) yield* bucket.keys();
  }

  *values(): IterableIterator<V> {
    for (const bucket of this.#buckets()) yield* bucket.values();
  }

  *[Symbol.iterator](): IterableIterator<[string, V]> {
    for (const bucket of this.#buckets()) yield* bucket;
  }
}

/** FNV-1a over the whole key: keys of one fabric differ in front, those of its devices at the end. */
function placeOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % (WIDTH * WIDTH);
}
