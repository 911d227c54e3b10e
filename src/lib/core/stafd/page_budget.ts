/**
 * Limits on the log pages that stafd keeps (S6, S16). A page over the limit, or without room, is not
 * accepted: it is unknown, not empty (S2). When room is short the authority that uses most of it gives way,
 * so that none can take the room of the others. Pure.
 */
import { jsonBytesOf } from "../../base/name_numbers.ts";
import type { DiscoveryEntry, PageEntry } from "../../nvme/discovery_entry.ts";
import { hasAddress } from "../../nvme/discovery_log.ts";
import { entryToText } from "../../nvme/entry_text.ts";
import { fits } from "../../nvme/fields.ts";
import { MAX_NQN } from "../../nvme/host_nqn.ts";
import { pageDiff } from "../sources/page_diff.ts";
import { isMdnsAuthority } from "../sources/origin_of.ts";

const MIB = 1024 * 1024;
/**
 * Text of all pages together: as much as one page may have. With these numbers a daemon stays below 150 MB (V4): stacd
 * holds the entries, a record of each controller, and one page in several forms while it is fetched.
 */
export const MAX_PAGES_TEXT = 4 * MIB;
/** The part of {@link MAX_PAGES_TEXT} that mDNS may keep when others need room: a quarter. */
export const MDNS_PAGES_TEXT = MAX_PAGES_TEXT / 4;

/** The part of a page that is accepted. */
export interface Intake {
  readonly entries: readonly PageEntry[];
  /** Entries whose subsystem NQN is longer than an NQN may be. */
  readonly refused: number;
  readonly bytes: number;
}

/**
 * Without entries that cannot be connected (STAF-57, LIM-12), and without those whose NQN no kernel accepts. Entries that
 * `before` has, too, are its objects.
 */
export function intakeOf(
  listed: readonly DiscoveryEntry[],
  before: Pick<Intake, "entries" | "bytes"> = NOTHING,
): Intake {
  const addressed = listed.filter(hasAddress);
  const named = addressed.filter(({ subnqn }) => fits(subnqn, MAX_NQN));
  const { known, gone } = pageDiff(named, before.entries, (entry) => entry);
  const added = named.filter((_, at) => known[at] === undefined);
  return {
    entries: named.map((entry, at) => known[at] ?? entry),
    refused: addressed.length - named.length,
    bytes: before.bytes + textBytes(added) - textBytes(gone),
  };
}

const NOTHING = { entries: [], bytes: 2 };

/** Quotes, colon and comma around a name and its value. */
const AROUND = 6;

/** The size of entries as JSON of texts, as they are saved and published, in bytes; an upper estimate. */
export function textBytes(entries: readonly PageEntry[]): number {
  let bytes = 2;
  for (const entry of entries) {
    const texts = entryToText(entry);
    bytes += 3;
    for (const key of Object.keys(texts)) {
      bytes += key.length + AROUND + jsonBytesOf(texts[key] ?? "");
    }
  }
  return bytes;
}

/** One page that is kept, or is to be. */
export interface Kept {
  readonly key: string;
  readonly authority: string;
  readonly bytes: number;
}

/**
 * The keys of the controllers whose pages must be dropped so that the others fit: the largest pages of the
 * authority that uses most room, which may be the new page's own; all of mDNS together comes first while it
 * uses more than its share.
 */
export function overBudget(pages: readonly Kept[]): ReadonlySet<string> {
  const gone = new Set<string>();
  const left = pages.toSorted((a, b) => b.bytes - a.bytes);
  const taken = new Map<string, number>();
  let all = 0;
  let mdns = 0;
  for (const { authority, bytes } of left) {
    taken.set(authority, (taken.get(authority) ?? 0) + bytes);
    all += bytes;
    if (isMdnsAuthority(authority)) mdns += bytes;
  }
  while (all > MAX_PAGES_TEXT && gone.size < left.length) {
    const isOfMdns = mdns > MDNS_PAGES_TEXT;
    let most = "";
    for (const [authority, bytes] of taken) {
      if (isOfMdns && !isMdnsAuthority(authority)) continue;
      if (most === "" || bytes > (taken.get(most) ?? 0)) most = authority;
    }
    const page = left.find(({ key, authority }) => authority === most && !gone.has(key));
    if (page === undefined) break;
    gone.add(page.key);
    taken.set(most, (taken.get(most) ?? 0) - page.bytes);
    all -= page.bytes;
    if (isMdnsAuthority(most)) mdns -= page.bytes;
  }
  return gone;
}
