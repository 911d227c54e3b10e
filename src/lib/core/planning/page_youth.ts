/**
 * When a log page is young (S14): its controller has just come back, or lists less than before in a
 * suspicious way. A young page adds at once and withdraws late; the clock starts again at each change. Pure.
 */
import type { Duration } from "../../base/time.ts";
import type { PageEntry } from "../../nvme/discovery_entry.ts";
import type { PageYouth } from "../../ports.ts";

type Reason = Omit<PageYouth, "since">;

/** The state before a page was read. */
export interface Before {
  readonly genctr: string;
  readonly entries: readonly PageEntry[];
  /** False: it comes from the state file. */
  readonly fresh: boolean;
  readonly young?: PageYouth | undefined;
}

export interface Reading {
  readonly genctr: string;
  /** Those that the page had before are the same objects. */
  readonly entries: readonly PageEntry[];
  /** The connection was lost after the previous page was read. */
  readonly back: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const IS_FIRST: Reason = {
  why: "it is the first one read since stafd was started, and differs from the saved one",
  isFirst: true,
};

const because = (why: string): Reason => ({ why, isFirst: false });

/** The identity of an entry, without its other fields. */
const names = ({ trtype, traddr, trsvcid, subnqn, subtype }: PageEntry): string =>
  JSON.stringify([trtype, traddr, trsvcid, subnqn, subtype]);

/** Entries of `before` that are not in `now`; what is in both is the same object (page_diff.ts). The order is ignored. */
function goneFrom(before: readonly PageEntry[], now: readonly PageEntry[]): readonly PageEntry[] {
  const there = new Set(now);
  return before.filter((entry) => !there.has(entry));
}

/** More than half of the entries; a single entry counts as an ordinary edit. */
function withdrawal(before: readonly PageEntry[], now: readonly PageEntry[]): string | undefined {
  // Each name that is gone takes an entry with it.
  if (goneFrom(before, now).length <= 1) return undefined;
  const old = new Set(before.map(names));
  const left = new Set(now.map(names));
  let gone = 0;
  for (const name of old) if (!left.has(name)) gone++;
  return gone > 1 && gone * 2 > old.size ? `it withdrew ${gone} of ${old.size} entries at once` : undefined;
}

function isLower(genctr: string, than: string): boolean {
  const digits = /^\d+$/;
  return digits.test(genctr) && digits.test(than) && BigInt(genctr) < BigInt(than);
}

/** Why this page itself is young; undefined when nothing about it is suspicious. */
function strange(before: Before, now: Reading, isSame: boolean): Reason | undefined {
  if (now.back) return because("the connection to its controller was lost and is back");
  if (isLower(now.genctr, before.genctr)) {
    return because(`its generation went back from ${before.genctr} to ${now.genctr}`);
  }
  if (now.genctr === before.genctr && !isSame) {
    return because(`it has other entries under the same generation, ${now.genctr}`);
  }
  if (!before.fresh && !(isSame && now.genctr === before.genctr)) return IS_FIRST;
  const why = withdrawal(before.entries, now.entries);
  return why === undefined ? undefined : because(why);
}

/** `soak`: how long a page is young. */
export function youthOf(before: Before | undefined, now: Reading, soak: Duration): PageYouth | undefined {
  const since = now.at;
  if (before === undefined) return { ...IS_FIRST, since };
  const isSame = before.entries.length === now.entries.length &&
    goneFrom(before.entries, now.entries).length === 0;
  const reason = strange(before, now, isSame);
  if (reason !== undefined) return { ...reason, since };
  // A page that is no longer young for stafd may be young for stacd, whose soak may be longer.
  if (before.young === undefined || isOld(before.young, soak, now.at)) return before.young;
  return isSame && before.fresh ? before.young : { ...before.young, since };
}

/** `at`: milliseconds since 1970. */
export const isOld = (young: PageYouth, soak: Duration, at: number): boolean => at - young.since >= soak.ms;

/** Milliseconds since 1970. */
export const oldAt = (young: PageYouth, soak: Duration): number => young.since + soak.ms;

export const youngText = (soak: Duration): string =>
  `The log page adds at once, and withdraws nothing before it has been unchanged for ${
    Math.round(soak.ms / 1000)
  } s`;
