/**
 * stafd's report, fetched in pieces: the index, and then each page that has changed since the last fetch. A page that
 * cannot be fetched for a reason of its own (it is too long, or exceeds the total) is unknown and does not affect the
 * others (S2, S6).
 */
import { seconds } from "../base/time.ts";
import { type Tid, tidKey, tidTexts } from "../nvme/tid.ts";
import type { FetchedReport, ReportedDc } from "../ports.ts";
import { BusErrors, type Call, type Reply } from "./bus.ts";
import { STAF } from "./interfaces.ts";
import type { JsonResult } from "./json_reader.ts";
import { type PageIndex, parsePage, parsePageEntries, parsePageIndex } from "./v1_pages.ts";

const MIB = 1024 * 1024;
/** The longest answer with one page; stafd keeps no page of more than 4 MiB as texts, and its fields take no more. */
export const MAX_PAGE_REPLY = 6 * MIB;
/** The limit of all pages together; stafd keeps 4 MiB. */
export const MAX_REPORT = 6 * MIB;

type Question = Pick<Call, "member" | "signature" | "args" | "maxReply">;
/** A call to the versioned interface that returns a text. */
export type AskStafd = (question: Question) => Promise<Reply>;

export type Fetched =
  | { readonly is: "report"; readonly report: FetchedReport }
  /** This stafd does not offer single pages. */
  | { readonly is: "older" }
  | { readonly is: "failed"; readonly reply: Reply & { readonly ok: false } }
  | { readonly is: "garbled"; readonly message: string };

interface PageAnswer {
  readonly reply: Reply;
  readonly parse: typeof parsePage;
}

type Indexed = PageIndex["dcs"][number];

/** Errors that concern one page, not stafd or the bus. */
const OF_THE_PAGE: ReadonlySet<string> = new Set([BusErrors.limitsExceeded, BusErrors.failed]);

export class StafdPages {
  /** Pages of the stafd whose unique name this is. */
  #owner = "";
  #known = new Map<string, ReportedDc>();
  /** It gives entries as texts only, as versions before 1.0.1 do. */
  #isOld = false;
  /** Keys of pages that stafd has named while pages are being fetched. */
  #named: Set<string> | undefined;

  /** `ahead` receives pages that have changed as they come. */
  async fetch(ask: AskStafd, ahead: (page: FetchedReport) => void = () => undefined): Promise<Fetched> {
    const reply = await ask({ member: "page_index" });
    if (!reply.ok) {
      return isOlder(reply) ? { is: "older" } : { is: "failed", reply };
    }
    if (reply.sender !== this.#owner) {
      this.#known = new Map();
      this.#isOld = false;
    }
    this.#owner = reply.sender;
    const index = textOf(reply, parsePageIndex);
    if (!index.ok) return { is: "garbled", message: index.message };
    try {
      return await this.#pages(index.value, ask, ahead);
    } finally {
      this.#named = undefined;
    }
  }

  /** stafd says that this page has changed: a fetch that is under way asks for it, too. */
  changed(tid: Tid): void {
    this.#named?.add(tidKey(tid));
  }

  /** The page of one discovery controller; everything, if another stafd answers or this one has no single pages. */
  async fetchOnly(ask: AskStafd, tid: Tid): Promise<Fetched> {
    const { reply, parse } = await this.#askPage(ask, tid);
    if (reply.ok && reply.sender !== this.#owner) return await this.fetch(ask);
    if (!reply.ok) {
      if (isOlder(reply)) return { is: "older" };
      return OF_THE_PAGE.has(reply.error.name) ? only([]) : { is: "failed", reply };
    }
    const page = textOf(reply, parse);
    if (!page.ok) return { is: "garbled", message: page.message };
    const key = tidKey(tid);
    if (page.value === undefined || tidKey(page.value.tid) !== key) return only([]);
    this.#known.set(key, page.value);
    return only([page.value]);
  }

  /** With the entries as fields, or as texts from a stafd that knows no other form. */
  async #askPage(ask: AskStafd, tid: Tid): Promise<PageAnswer> {
    const question = { signature: "sssssss", args: tidTexts(tid), maxReply: MAX_PAGE_REPLY };
    if (!this.#isOld) {
      const reply = await ask({ member: "page_entries", ...question });
      if (reply.ok || reply.error.name !== BusErrors.unknownMethod) return { reply, parse: parsePageEntries };
      this.#isOld = true;
    }
    return { reply: await ask({ member: "page", ...question }), parse: parsePage };
  }

  async #pages(index: PageIndex, ask: AskStafd, ahead: (page: FetchedReport) => void): Promise<Fetched> {
    const known = this.#known;
    const within: Indexed[] = [];
    const asked: Indexed[] = [];
    let left = MAX_REPORT;
    for (const listed of index.dcs) {
      if (listed.count === 0 || listed.bytes > left) continue;
      left -= listed.bytes;
      within.push(listed);
      const key = tidKey(listed.tid);
      const had = known.get(key);
      if (had === undefined || !isSame(had, listed)) asked.push(listed);
    }
    const has = new Set(within.map(({ tid }) => tidKey(tid)));
    for (const key of known.keys()) if (!has.has(key)) known.delete(key);
    let isPartial = false;
    const waiting = new ShortFirst(within, asked);
    const fetched = new Set<string>();
    const named = this.#named = new Set<string>();
    for (let next = waiting.next(named); next !== undefined; next = waiting.next(named)) {
      const key = tidKey(next.tid);
      const { reply, parse } = await this.#askPage(ask, next.tid);
      if (!reply.ok) {
        // Pages that were fetched are not requested again.
        if (!OF_THE_PAGE.has(reply.error.name)) return { is: "failed", reply };
        isPartial = true;
        known.delete(key);
        continue;
      }
      const page = reply.sender === this.#owner ? textOf(reply, parse) : OTHER;
      if (!page.ok) return { is: "garbled", message: page.message };
      // Otherwise the page has been dropped meanwhile.
      const is = page.value !== undefined && tidKey(page.value.tid) === key ? page.value : undefined;
      if (is === undefined) {
        isPartial = true;
        known.delete(key);
        continue;
      }
      // The earlier one is not kept until the last page is here.
      const isKnown = known.has(key);
      known.set(key, is);
      fetched.add(key);
      if (isKnown) ahead({ ...onlyOf([is]), ahead: true });
    }
    const dcs = index.dcs.map((listed): ReportedDc => {
      if (listed.count === 0) return about(listed, []);
      const key = tidKey(listed.tid);
      const page = known.get(key);
      if (page === undefined) return unknown(listed);
      // What was fetched now is newer than the index.
      return fetched.has(key) ? page : about(listed, page.entries);
    });
    const { retired, unknowns } = index;
    return { is: "report", report: { dcs, retired, unknowns, ...(isPartial ? { partial: true } : {}) } };
  }
}

/**
 * The pages that are still to be fetched, short ones first: long ones, which change all the time, do not hold them up
 * (S16). One that changes meanwhile has its turn once more.
 */
class ShortFirst {
  readonly #listed: ReadonlyMap<string, Indexed>;
  #left: readonly Indexed[];
  readonly #again = new Set<string>();

  /** `within`: all that have room in the report; `asked`: those of them that have changed. */
  constructor(within: readonly Indexed[], asked: readonly Indexed[]) {
    this.#listed = new Map(within.map((one) => [tidKey(one.tid), one]));
    this.#left = inOrder(asked);
  }

  /** The next one; takes in those that were `named` meanwhile. */
  next(named: Set<string>): Indexed | undefined {
    for (const key of named) {
      const listed = this.#listed.get(key);
      if (listed === undefined) continue;
      if (this.#again.has(key) || this.#left.includes(listed)) continue;
      this.#again.add(key);
      this.#left = inOrder([...this.#left, listed]);
    }
    named.clear();
    const [first, ...left] = this.#left;
    this.#left = left;
    return first;
  }
}

const inOrder = (pages: readonly Indexed[]): readonly Indexed[] =>
  pages.toSorted((a, b) => a.bytes - b.bytes);

const isOlder = ({ error: { name } }: Reply & { readonly ok: false }): boolean =>
  name === BusErrors.unknownInterface || name === BusErrors.unknownMethod;

const onlyOf = (dcs: readonly ReportedDc[]): FetchedReport => ({
  dcs,
  retired: [],
  unknowns: [],
  only: true,
});

const only = (dcs: readonly ReportedDc[]): Fetched => ({ is: "report", report: onlyOf(dcs) });

const OTHER = { ok: false, message: "another stafd answered in the middle of it" } as const;

/** The page is the one already known: it has not been read since. */
const isSame = (had: ReportedDc, { page, genctr, readAt, count }: Indexed): boolean =>
  had.page === page && had.genctr === genctr && had.readAt === readAt && had.entries.length === count;

function about({ count: _count, bytes: _bytes, ...dc }: Indexed, entries: ReportedDc["entries"]): ReportedDc {
  return { ...dc, entries };
}

const unknown = (listed: Indexed): ReportedDc => ({
  ...about(listed, []),
  page: "none",
  current: false,
});

export function textOf<T>(
  reply: Reply & { readonly ok: true },
  parse: (text: string) => JsonResult<T>,
): JsonResult<T> {
  const [text] = reply.body;
  return typeof text === "string" ? parse(text) : { ok: false, message: "stafd's answer is not a text" };
}

/** The time-out of each call of a fetch; the port bounds the wait for the whole report. */
export const CALL_TIMEOUT = seconds(25);

export const STAF_V1 = `${STAF.name}.v1`;
