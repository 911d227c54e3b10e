/** When a page is young (S14): it adds at once, and takes away only when it has stayed as it is for a while. */
import { type EntryText, sameStatement } from "./listing.ts";

interface Page {
  readonly genctr: bigint;
  readonly entries: readonly EntryText[];
}

/** Who is asked as two hosts gives two pages. */
export const pageKey = ({ text }: { readonly text: string }, hostNqn: string): string => `${text} ${hostNqn}`;

interface Known extends Page {
  /** Since when it is young, in monotonic milliseconds; of one that never was, long ago. */
  readonly youngSince: number;
}

/** What a page lists, each entry as one text. */
const texts = (entries: readonly EntryText[]): ReadonlySet<string> =>
  new Set(
    entries.map((entry) =>
      JSON.stringify([entry["trtype"], entry["traddr"], entry["trsvcid"], entry["subnqn"]])
    ),
  );

/** More than half of what it listed is gone at once; one entry alone is an edit like any other. */
function withdrawsMost(before: Page, now: Page): boolean {
  const old = texts(before.entries);
  const left = texts(now.entries);
  const gone = [...old].filter((text) => !left.has(text)).length;
  return gone > 1 && gone * 2 > old.size;
}

export class Freshness<Key> {
  readonly #known = new Map<Key, Known>();
  /** Came back, and its page was not read since. */
  readonly #back = new Set<Key>();
  /** Known from before the last start of the reader. */
  #before = new Set<Key>();

  /** The connection is made, or was lost and is back. */
  cameBack(key: Key): void {
    this.#back.add(key);
  }

  /** The reader starts again: what happened to connections while it was away shows only in what it reads first. */
  restarted(): void {
    this.#before = new Set(this.#known.keys());
    this.#back.clear();
  }

  /** `soakMs`: how long the reader takes a page for young. */
  read(key: Key, page: Page, mono: number, soakMs: number): void {
    const before = this.#known.get(key);
    const isSame = before !== undefined && before.genctr === page.genctr &&
      sameStatement(before.entries, page.entries);
    const isFirst = before === undefined || this.#before.has(key);
    const isBack = this.#back.delete(key);
    this.#before.delete(key);
    const isOlder = before !== undefined && page.genctr <= before.genctr && !isSame;
    const makesYoung = isBack || isOlder || (isFirst && !isSame) ||
      (before !== undefined && withdrawsMost(before, page));
    const wasYoung = before !== undefined && before.youngSince + soakMs > mono;
    const changes = before === undefined || !sameStatement(before.entries, page.entries);
    const youngSince = makesYoung || (wasYoung && changes) ? mono : before?.youngSince ?? -Infinity;
    this.#known.set(key, { ...page, youngSince });
  }

  /** `soakMs`: of who takes away. */
  isYoung(key: Key, mono: number, soakMs: number): boolean {
    return this.#back.has(key) || (this.#known.get(key)?.youngSince ?? -Infinity) + soakMs > mono;
  }
}
