/**
 * When a log page is young (S14): its controller has just come back, or does not say the whole of what it said.
 * A young page adds at once and takes away late; the clock starts again at each change. Pure.
 */
import type { Duration } from "../nvme/time.ts";
import type { PageYouth } from "../ports.ts";

type Entry = Readonly<Record<string, string>>;
type Reason = Omit<PageYouth, "since">;

/** What was known before a page was read. */
export interface Before {
  readonly genctr: string;
  readonly entries: readonly Entry[];
  /** False: from the state file. */
  readonly fresh: boolean;
  readonly young?: PageYouth | undefined;
}

export interface Reading {
  readonly genctr: string;
  readonly entries: readonly Entry[];
  /** The connection was lost since the page before was read. */
  readonly back: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const IS_FIRST: Reason = {
  why: "it is the first one read since stafd was started, and not what stafd had saved",
  isFirst: true,
};

const because = (why: string): Reason => ({ why, isFirst: false });

/** What an entry is about, whatever else it says of it. */
const names = ({ trtype, traddr, trsvcid, subnqn, subtype }: Entry): string =>
  JSON.stringify([trtype, traddr, trsvcid, subnqn, subtype]);

const text = (entry: Entry): string =>
  JSON.stringify(Object.entries(entry).toSorted(([a], [b]) => a < b ? -1 : 1));

/** In whatever order: that means nothing. */
function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  if (a.length !== b.length) return false;
  const texts = a.map(text).toSorted();
  return b.map(text).toSorted().every((one, at) => one === texts[at]);
}

/** More than half of what it listed; one entry alone is an edit like any other. */
function withdrawal(before: readonly Entry[], now: readonly Entry[]): string | undefined {
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

/** Why this page is young for what it is; undefined when nothing is strange about it. */
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
  const isSame = sameEntries(before.entries, now.entries);
  const reason = strange(before, now, isSame);
  if (reason !== undefined) return { ...reason, since };
  // One that is old for stafd may be young for stacd, whose soak is another one.
  if (before.young === undefined || isOld(before.young, soak, now.at)) return before.young;
  return isSame && before.fresh ? before.young : { ...before.young, since };
}

/** `at`: milliseconds since 1970. */
export const isOld = (young: PageYouth, soak: Duration, at: number): boolean => at - young.since >= soak.ms;

/** Milliseconds since 1970. */
export const oldAt = (young: PageYouth, soak: Duration): number => young.since + soak.ms;

export const youngText = (soak: Duration): string =>
  `The log page adds at once, and takes nothing away before it has been unchanged for ${
    Math.round(soak.ms / 1000)
  } s`;
