/** The entries of a log page, as stacd has taken them in. Pure. */
import { type Tid, tidKey } from "../../nvme/tid.ts";
import { type PageEntry, SUBTYPE } from "../../nvme/discovery_entry.ts";
import { tidOfEntry } from "../sources/entry_tid.ts";
import { pageDiff } from "../sources/page_diff.ts";

/** One entry of a page that was taken in. */
export interface TakenEntry {
  readonly entry: PageEntry;
  /** The key of the controller that it names; undefined if it names none that stacd may connect. */
  readonly key: string | undefined;
}

function taken(entry: PageEntry, dc: Tid): TakenEntry {
  const tid = entry.subtype === SUBTYPE.nvme ? tidOfEntry(entry, dc) : undefined;
  return { entry, key: tid === undefined ? undefined : tidKey(tid) };
}

/** The entries of the page of `dc`, in their order; those that `before` has, too, are its objects. */
export function takenEntries(
  entries: readonly PageEntry[],
  before: readonly TakenEntry[],
  dc: Tid,
): readonly TakenEntry[] {
  const { known } = pageDiff(entries, before, ({ entry }) => entry);
  return entries.map((entry, at) => known[at] ?? taken(entry, dc));
}
