/** When a page is young (S14): it adds at once, and takes away only when it has stayed as it is for a while. */
import { type EntryText, sameEntries } from "./listing.ts";

/** `young-page-soak`: arrays and CDCs take 5 to 15 minutes to come back whole. */
export const YOUNG_MS = 15 * 60_000;

interface Page {
  readonly genctr: bigint;
  readonly entries: readonly EntryText[];
}

interface Known extends Page {
  /** Monotonic milliseconds; the page is young before. */
  readonly youngUntil: number;
}

/** What a page lists, each entry as one text. */
const texts = (entries: readonly EntryText[]): ReadonlySet<string> =>
  new Set(
    entries.map((entry) =>
      JSON.stringify([entry["trtype"], entry["traddr"], entry["trsvcid"], entry["subnqn"]])
    ),
  );

/** More than half of what it listed is gone at once. */
function withdrawsMost(before: Page, now: Page): boolean {
  const old = texts(before.entries);
  const left = texts(now.entries);
  const gone = [...old].filter((text) => !left.has(text)).length;
  return gone * 2 > old.size;
}

export class Freshness<Key> {
  readonly #known = new Map<Key, Known>();
  /** Came back, and its page was not read since. */
  readonly #back = new Set<Key>();
  /** Known from before the last start of the reader. */
  #before = new Set<Key>();

  /** The connection is made, or was lost and is there again. */
  cameBack(key: Key): void {
    this.#back.add(key);
  }

  /** The reader starts again. */
  restarted(): void {
    this.#before = new Set(this.#known.keys());
  }

  read(key: Key, page: Page, mono: number): void {
    const before = this.#known.get(key);
    const isSame = before !== undefined && before.genctr === page.genctr &&
      sameEntries(before.entries, page.entries);
    const isFirst = before === undefined || this.#before.has(key);
    const isBack = this.#back.delete(key);
    this.#before.delete(key);
    const isOlder = before !== undefined && page.genctr <= before.genctr && !isSame;
    const makesYoung = isBack || isOlder || (isFirst && !isSame) ||
      (before !== undefined && withdrawsMost(before, page));
    const wasYoung = before !== undefined && before.youngUntil > mono;
    const changes = before === undefined || !sameEntries(before.entries, page.entries);
    const youngUntil = makesYoung || (wasYoung && changes) ? mono + YOUNG_MS : before?.youngUntil ?? 0;
    this.#known.set(key, { ...page, youngUntil });
  }

  isYoung(key: Key, mono: number): boolean {
    return this.#back.has(key) || (this.#known.get(key)?.youngUntil ?? 0) > mono;
  }
}
