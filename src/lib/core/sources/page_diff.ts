/**
 * The entries of a log page against those of the same page as it was taken in before, so that an intake works on what
 * has changed. Pure.
 */
import type { PageEntry } from "../../nvme/discovery_entry.ts";
import { sameTexts } from "../../nvme/entry_text.ts";

export interface PageDiff<T> {
  /** For each entry, in the order of the page, the same one of the earlier page; each of those stands for one. */
  readonly known: readonly (T | undefined)[];
  /** What the earlier page had and this one has not. */
  readonly gone: readonly T[];
}

function isSame(a: PageEntry, b: PageEntry): boolean {
  if (a.traddr !== b.traddr || a.subnqn !== b.subnqn || a.trsvcid !== b.trsvcid) return false;
  if ("texts" in a || "texts" in b) return "texts" in a && "texts" in b && sameTexts(a.texts, b.texts);
  return a.trtype === b.trtype && a.adrfam === b.adrfam && a.subtype === b.subtype && a.treq === b.treq &&
    a.portid === b.portid && a.cntlid === b.cntlid && a.asqsz === b.asqsz && a.eflags === b.eflags &&
    (a.tsas === b.tsas || JSON.stringify(a.tsas) === JSON.stringify(b.tsas));
}

/** Entries that say the same have one text, as their fields come in one order: another order counts as a change. */
const textOf = (entry: PageEntry): string => JSON.stringify(entry);

/** The places of the earlier page by the text of their entries; the first place comes last. */
function placesOf<T>(before: readonly T[], entryOf: (one: T) => PageEntry): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (let at = before.length - 1; at >= 0; at--) {
    const one = before[at];
    if (one === undefined) continue;
    const text = textOf(entryOf(one));
    if (places.get(text)?.push(at) === undefined) places.set(text, [at]);
  }
  return places;
}

export function pageDiff<T>(
  entries: readonly PageEntry[],
  before: readonly T[],
  entryOf: (one: T) => PageEntry,
): PageDiff<T> {
  const left = new Set(before.keys());
  let places: Map<string, number[]> | undefined;
  // Where the next entry stands if nothing has changed.
  let next = 0;
  const known = entries.map((entry) => {
    const expected = left.has(next) ? before[next] : undefined;
    let at: number | undefined = next;
    if (expected === undefined || !isSame(entryOf(expected), entry)) {
      places ??= placesOf(before, entryOf);
      const there = places.get(textOf(entry));
      do at = there?.pop(); while (at !== undefined && !left.has(at));
    }
    if (at === undefined) return undefined;
    left.delete(at);
    next = at + 1;
    return before[at];
  });
  return { known, gone: [...left].flatMap((at) => before[at] ?? []) };
}
