/** Log pages as JSON on `org.nvmexpress.staf.v1`: as stafd writes them, and as stacd reads them. */
import {
  CMSES,
  type DiscoveryEntry,
  NO_TSAS,
  type PageEntry,
  PRTYPES,
  QPTYPES,
  SECTYPES,
  TCP_TSAS,
  type Tsas,
} from "../nvme/discovery_entry.ts";
import { entryFromText, entryToText } from "../nvme/entry_text.ts";
import type { ReportedDc, ReportedPage, ReportedPages, StafdReport } from "../ports.ts";
import { isRecord, isTexts, JsonReader, type JsonResult } from "./json_reader.ts";
import { number, tid, words } from "./v1_parse.ts";
import { SCHEMA } from "./v1_types.ts";

/** A discovery controller, with the entries of its page as texts. */
export interface V1ReportedDc extends ReportedPage {
  readonly entries: readonly Readonly<Record<string, string>>[];
}

/** The answer of `pages`. */
export interface V1StafdReport extends ReportedPages {
  readonly dcs: readonly V1ReportedDc[];
}

/** The answer of `page`: null for an unknown controller. */
export interface V1PageTexts {
  readonly schema: typeof SCHEMA;
  readonly dc: V1ReportedDc | null;
}

/** The answer of `page_entries`: null for an unknown controller. */
export interface V1PageEntries {
  readonly schema: typeof SCHEMA;
  readonly dc: V1EntriesDc | null;
}

/** A discovery controller, with the entries of its page as numbers. */
export interface V1EntriesDc extends ReportedPage {
  readonly entries: readonly (V1LogEntry | V1ForeignEntry)[];
}

/** An entry of a log page. Numbers are those of the NVMe Base Specification, reserved ones included. */
export interface V1LogEntry {
  readonly trtype: number;
  readonly adrfam: number;
  readonly subtype: number;
  readonly treq: number;
  readonly portid: number;
  readonly cntlid: number;
  readonly asqsz: number;
  readonly eflags: number;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subnqn: string;
  /** TSAS of tcp, of rdma, or of another transport; all reserved codes are one word. */
  readonly tsas: V1TcpTsas | V1RdmaTsas | V1NoTsas;
}

/** The transport specific address subtype of tcp. */
export interface V1TcpTsas {
  readonly kind: "tcp";
  readonly sectype: "none" | "tls" | "tls1.3" | "reserved";
}

/** The transport specific address subtype of rdma. */
export interface V1RdmaTsas {
  readonly kind: "rdma";
  readonly qptype: "connected" | "datagram" | "reserved";
  readonly prtype: "not specified" | "infiniband" | "roce" | "rocev2" | "iwarp" | "reserved";
  readonly cms: "cm" | "reserved";
}

/** No transport specific address subtype. */
export interface V1NoTsas {
  readonly kind: "none";
}

/** An entry from a state file that the fields above cannot express: the texts of the older interface. */
export interface V1ForeignEntry {
  readonly texts: Readonly<Record<string, string>>;
}

const inTexts = (dc: ReportedDc): V1ReportedDc => ({ ...dc, entries: dc.entries.map(entryToText) });

const inFields = (dc: ReportedDc): V1EntriesDc => ({
  ...dc,
  entries: dc.entries.map((entry) => "texts" in entry ? { texts: entry.texts } : entry),
});

/** For a stacd that reads no other form. */
export const pagesInTexts = (report: StafdReport): V1StafdReport => ({
  ...report,
  dcs: report.dcs.map(inTexts),
});

/** For the page of Cockpit, and a stacd that reads no other form. */
export const pageInTexts = (dc: ReportedDc | undefined): V1PageTexts => ({
  schema: SCHEMA,
  dc: dc === undefined ? null : inTexts(dc),
});

export const pageInFields = (dc: ReportedDc | undefined): V1PageEntries => ({
  schema: SCHEMA,
  dc: dc === undefined ? null : inFields(dc),
});

const isCode = (value: unknown, max: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;

/** A word of a later version is one of a code that is reserved for this one. */
const word = <const W extends string>(words: readonly (W | undefined)[], value: string): W | "reserved" =>
  words.find((one) => one === value) ?? "reserved";

function tsasOf(value: unknown): Tsas | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, sectype, qptype, prtype, cms } = value;
  if (kind === "tcp") return typeof sectype === "string" ? TCP_TSAS[word(SECTYPES, sectype)] : undefined;
  if (kind === "none") return NO_TSAS;
  if (kind !== "rdma") return undefined;
  if (typeof qptype !== "string" || typeof prtype !== "string" || typeof cms !== "string") return undefined;
  return { kind, qptype: word(QPTYPES, qptype), prtype: word(PRTYPES, prtype), cms: word(CMSES, cms) };
}

/** An entry as {@link pageInFields} writes it; undefined: it is none. */
function entryOfJson(value: unknown): PageEntry | undefined {
  if (!isRecord(value)) return undefined;
  const { texts } = value;
  if (texts !== undefined) return isTexts(texts) ? entryFromText(texts) : undefined;
  const { trtype, adrfam, subtype, treq, portid, cntlid, asqsz, eflags, traddr, trsvcid, subnqn } = value;
  if (!isCode(trtype, 0xff) || !isCode(adrfam, 0xff) || !isCode(subtype, 0xff)) return undefined;
  if (!isCode(treq, 0xff) || !isCode(portid, 0xffff) || !isCode(cntlid, 0xffff)) return undefined;
  if (!isCode(asqsz, 0xffff) || !isCode(eflags, 0xffff)) return undefined;
  if (typeof traddr !== "string" || typeof trsvcid !== "string" || typeof subnqn !== "string") {
    return undefined;
  }
  const tsas = tsasOf(value["tsas"]);
  if (tsas === undefined) return undefined;
  const entry: DiscoveryEntry = {
    trtype,
    adrfam,
    subtype,
    treq,
    portid,
    cntlid,
    asqsz,
    eflags,
    traddr,
    trsvcid,
    subnqn,
    tsas,
  };
  return entry;
}

/** What `pages` of staf.v1 says: the JSON form of {@link StafdReport}. */
export const parsePages = (text: string): JsonResult<StafdReport> =>
  JsonReader.read("pages", text, (doc) => ({ dcs: doc.at("dcs").list(reportedDc), ...withoutPages(doc) }));

/** What `page_index` of staf.v1 says. */
export interface PageIndex extends ReportedPages {
  readonly dcs: readonly (ReportedPage & { readonly count: number; readonly bytes: number })[];
}

export const parsePageIndex = (text: string): JsonResult<PageIndex> =>
  JsonReader.read("page_index", text, (doc) => {
    doc.at("schema").only(SCHEMA);
    return {
      dcs: doc.at("dcs").list((dc) => ({
        ...aboutPage(dc),
        count: dc.at("count").number(),
        bytes: dc.at("bytes").number(),
      })),
      ...withoutPages(doc),
    };
  });

/** What `page` of staf.v1 says. */
export const parsePage = (text: string): JsonResult<ReportedDc | undefined> =>
  JsonReader.read("page", text, (doc) => {
    doc.at("schema").only(SCHEMA);
    return doc.maybe("dc", reportedDc);
  });

/** What `page_entries` of staf.v1 says. */
export const parsePageEntries = (text: string): JsonResult<ReportedDc | undefined> =>
  JsonReader.read("page_entries", text, (doc) => {
    doc.at("schema").only(SCHEMA);
    return doc.maybe("dc", (dc) => ({
      ...aboutPage(dc),
      // One that is no entry makes the whole answer unreadable.
      entries: dc.at("entries").list((entry) => entry.as(entryOfJson, "an entry")).filter((entry) =>
        entry !== undefined
      ),
    }));
  });

const withoutPages = (doc: JsonReader): ReportedPages => ({
  retired: doc.at("retired").list((dc) => ({
    tid: tid(dc.at("tid")),
    why: dc.at("why").text(),
    at: dc.at("at").number(),
  })),
  unknowns: doc.at("unknowns").list((item) => item.text()),
});

const reportedDc = (dc: JsonReader): ReportedDc => ({
  ...aboutPage(dc),
  entries: dc.at("entries").list((entry) => entryFromText(entry.texts())),
});

function aboutPage(dc: JsonReader): ReportedPage {
  const authority = dc.maybe("authority", words);
  return {
    tid: tid(dc.at("tid")),
    device: dc.at("device").text(),
    page: dc.at("page").word("none", "cached", "read"),
    genctr: dc.at("genctr").text(),
    readAt: dc.at("readAt").number(),
    toldAt: dc.maybe("toldAt", number) ?? null,
    ...vouched(dc),
    ...(authority === undefined ? {} : { authority }),
  };
}

/** A stafd of version 1.0.0 reports neither. */
function vouched(dc: JsonReader): Pick<ReportedDc, "current" | "young"> {
  const current = dc.maybe("current", (is) => is.boolean());
  const young = dc.maybe("young", (item) => ({
    since: item.at("since").number(),
    why: item.at("why").text(),
    isFirst: item.at("isFirst").boolean(),
  }));
  return current === undefined ? {} : { current, young: young ?? null };
}
