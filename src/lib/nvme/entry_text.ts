/** Discovery log entries as dictionaries of texts, as they go over D-Bus (spec 50 section 6.4). */
import { type Decoded, decoded, malformed } from "./decoded.ts";
import type { DiscoveryEntry } from "./discovery_entry.ts";
import { quoted } from "./plain_text.ts";
import { pythonRepr } from "./python_literal.ts";

/** A number and its word; what has no word is written as a decimal number. */
type Words = readonly (readonly [number, string])[];

const TRTYPE: Words = [[0, "unspecified"], [1, "rdma"], [2, "fc"], [3, "tcp"], [254, "loop"]];
const ADRFAM: Words = [[0, "pci"], [1, "ipv4"], [2, "ipv6"], [3, "infiniband"], [4, "fc"]];
const SUBTYPE: Words = [[1, "referral"], [2, "nvme"], [3, "discovery"]];
const TREQ: Words = [[0, "not specified"], [1, "required"], [2, "not required"], [4, "disable sqflow"]];

/** In `tsas`, what has no word is `reserved`; read back, that is a number which has none. */
const RESERVED = 255;
const SECTYPE: Words = [[0, "none"], [1, "tls"], [2, "tls1.3"]];
const QPTYPE: Words = [[1, "connected"], [2, "datagram"]];
const PRTYPE: Words = [[1, "not specified"], [2, "infiniband"], [3, "roce"], [4, "rocev2"], [5, "iwarp"]];
const CMS: Words = [[1, "cm"]];

const wordOf = (words: Words, number: number): string | undefined =>
  words.find(([value]) => value === number)?.[1];
const numberOf = (words: Words, word: string): number | undefined =>
  words.find(([, text]) => text === word)?.[0];

/** Text of a Python dictionary. */
function tsasText(tsas: DiscoveryEntry["tsas"]): string | undefined {
  const word = (words: Words, value: number) => wordOf(words, value) ?? "reserved";
  if (tsas.kind === "none") return undefined;
  if (tsas.kind === "tcp") return pythonRepr({ sectype: word(SECTYPE, tsas.sectype) });
  return pythonRepr({
    qptype: word(QPTYPE, tsas.qptype),
    prtype: word(PRTYPE, tsas.prtype),
    cms: word(CMS, tsas.cms),
  });
}

/** Keys in the order of the reference. */
export function entryToText(entry: DiscoveryEntry): Record<string, string> {
  const tsas = tsasText(entry.tsas);
  return {
    trtype: wordOf(TRTYPE, entry.trtype) ?? String(entry.trtype),
    adrfam: wordOf(ADRFAM, entry.adrfam) ?? String(entry.adrfam),
    traddr: entry.traddr,
    trsvcid: entry.trsvcid,
    subnqn: entry.subnqn,
    subtype: wordOf(SUBTYPE, entry.subtype) ?? String(entry.subtype),
    treq: wordOf(TREQ, entry.treq) ?? String(entry.treq),
    ...(tsas === undefined ? {} : { tsas }),
    portid: String(entry.portid),
    cntlid: String(entry.cntlid),
    asqsz: String(entry.asqsz),
    eflags: String(entry.eflags),
  };
}

/** A word of the list, or a decimal number up to `max`. */
function parseNumber(text: string, words: Words, max: number): number | undefined {
  const word = numberOf(words, text);
  if (word !== undefined) return word;
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : max + 1;
  return number <= max ? number : undefined;
}

/** The words of a `tsas` text by their names; undefined for what is no such text. */
export function tsasFields(text: string): Readonly<Record<string, string>> | undefined {
  const body = /^\{(.*)\}$/.exec(text.trim())?.[1];
  if (body === undefined) return undefined;
  const fields: Record<string, string> = {};
  for (const part of body.split(",")) {
    const found = /^\s*'([a-z]+)'\s*:\s*'([a-z0-9. ]*)'\s*$/.exec(part);
    if (found === null) return undefined;
    fields[found[1] ?? ""] = found[2] ?? "";
  }
  return fields;
}

function parseTsas(text: string): DiscoveryEntry["tsas"] | undefined {
  const words = tsasFields(text);
  if (words === undefined) return undefined;
  const fields = new Map(Object.entries(words));
  const value = (key: string, words: Words) => {
    const word = fields.get(key);
    return word === undefined ? undefined : word === "reserved" ? RESERVED : numberOf(words, word);
  };
  const sectype = value("sectype", SECTYPE);
  if (sectype !== undefined && fields.size === 1) return { kind: "tcp", sectype };
  const [qptype, prtype, cms] = [value("qptype", QPTYPE), value("prtype", PRTYPE), value("cms", CMS)];
  if (qptype === undefined || prtype === undefined || cms === undefined || fields.size !== 3) {
    return undefined;
  }
  return { kind: "rdma", qptype, prtype, cms };
}

const NUMBERS = [
  ["trtype", TRTYPE, 255],
  ["adrfam", ADRFAM, 255],
  ["subtype", SUBTYPE, 255],
  ["treq", TREQ, 255],
  ["portid", [], 65_535],
  ["cntlid", [], 65_535],
  ["asqsz", [], 65_535],
  ["eflags", [], 65_535],
] as const;

/**
 * The entry that such a dictionary stands for. Missing numbers are 0, missing texts empty; other keys are ignored.
 * Extended attributes, and the numbers behind `reserved`, are not in the texts. `at` of a problem means nothing.
 */
export function entryFromText(fields: Readonly<Record<string, string | undefined>>): Decoded<DiscoveryEntry> {
  const numbers = {
    trtype: 0,
    adrfam: 0,
    subtype: 0,
    treq: 0,
    portid: 0,
    cntlid: 0,
    asqsz: 0,
    eflags: 0,
  };
  for (const [name, words, max] of NUMBERS) {
    const text = fields[name]?.trim() ?? "0";
    const number = parseNumber(text, words, max);
    if (number === undefined) return malformed(0, `log page entry: ${name} ${quoted(text)} is unknown`);
    numbers[name] = number;
  }
  const tsasField = fields["tsas"];
  const tsas = tsasField === undefined ? { kind: "none" as const } : parseTsas(tsasField);
  if (tsas === undefined) return malformed(0, `log page entry: tsas ${quoted(tsasField ?? "")} is unknown`);
  return decoded({
    ...numbers,
    traddr: fields["traddr"]?.trim() ?? "",
    trsvcid: fields["trsvcid"]?.trim() ?? "",
    subnqn: fields["subnqn"]?.trim() ?? "",
    tsas,
    attributes: [],
  });
}
