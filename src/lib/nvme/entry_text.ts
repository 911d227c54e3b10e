/**
 * Discovery log entries as dictionaries of texts, as the original publishes them (requirements 50): on D-Bus, in the
 * state file, and towards a stafd or stacd that knows no other form. Printed here, and read back without a loss.
 */
import {
  ADRFAM,
  CMSES,
  type DiscoveryEntry,
  type ForeignEntry,
  NO_TSAS,
  type PageEntry,
  PRTYPES,
  QPTYPES,
  type Sectype,
  SECTYPES,
  SUBTYPE,
  TCP_TSAS,
  TRTYPE,
  type Tsas,
} from "./discovery_entry.ts";
import { pythonRepr } from "../base/python_literal.ts";

export type EntryTexts = Readonly<Record<string, string>>;

/** The words of a field by their numbers, and the numbers by their words. */
interface Words {
  readonly words: readonly (string | undefined)[];
  readonly codes: ReadonlyMap<string, number>;
}

function wordsOf(codes: Readonly<Record<string, number>>): Words {
  const words: (string | undefined)[] = Array.from({ length: 256 }, () => undefined);
  for (const [word, code] of Object.entries(codes)) words[code] = word;
  return { words, codes: new Map(Object.entries(codes)) };
}

const TRTYPES = wordsOf(TRTYPE);
const ADRFAMS = wordsOf({
  pci: ADRFAM.pci,
  ipv4: ADRFAM.ipv4,
  ipv6: ADRFAM.ipv6,
  infiniband: ADRFAM.ib,
  fc: ADRFAM.fc,
});
const SUBTYPES = wordsOf(SUBTYPE);
const TREQS = wordsOf({ "not specified": 0, "required": 1, "not required": 2, "disable sqflow": 4 });

/** The code of a text that is printed so; undefined for any other. */
function codeOf({ words, codes }: Words, text: string): number | undefined {
  const code = codes.get(text);
  if (code !== undefined) return code;
  const number = numberOf(text, 0xff);
  return number === undefined || words[number] !== undefined ? undefined : number;
}

/** A number as `String` writes it. */
function numberOf(text: string, max: number): number | undefined {
  const number = Number(text);
  return Number.isInteger(number) && number >= 0 && number <= max && String(number) === text
    ? number
    : undefined;
}

/** Texts of Python dictionaries. */
const SECTYPE_TEXTS: Readonly<Record<Sectype, string>> = {
  "none": pythonRepr({ sectype: "none" }),
  "tls": pythonRepr({ sectype: "tls" }),
  "tls1.3": pythonRepr({ sectype: "tls1.3" }),
  "reserved": pythonRepr({ sectype: "reserved" }),
};

function tsasText(tsas: Exclude<Tsas, { readonly kind: "tcp" }>): string | undefined {
  if (tsas.kind === "none") return undefined;
  const { qptype, prtype, cms } = tsas;
  return pythonRepr({ qptype, prtype, cms });
}

/** Keys in the order of the reference. */
export function entryToText(entry: PageEntry): EntryTexts {
  return "texts" in entry ? entry.texts : textsOf(entry);
}

/** A number without a word is written in decimal. Many entries are printed at once, so calls are few. */
function textsOf(entry: DiscoveryEntry): EntryTexts {
  const { traddr, trsvcid, subnqn } = entry;
  const trtype = TRTYPES.words[entry.trtype] ?? String(entry.trtype);
  const adrfam = ADRFAMS.words[entry.adrfam] ?? String(entry.adrfam);
  const subtype = SUBTYPES.words[entry.subtype] ?? String(entry.subtype);
  const treq = TREQS.words[entry.treq] ?? String(entry.treq);
  const portid = String(entry.portid);
  const cntlid = String(entry.cntlid);
  const asqsz = String(entry.asqsz);
  const eflags = String(entry.eflags);
  const tsas = entry.tsas.kind === "tcp" ? SECTYPE_TEXTS[entry.tsas.sectype] : tsasText(entry.tsas);
  return tsas === undefined
    ? { trtype, adrfam, traddr, trsvcid, subnqn, subtype, treq, portid, cntlid, asqsz, eflags }
    : { trtype, adrfam, traddr, trsvcid, subnqn, subtype, treq, tsas, portid, cntlid, asqsz, eflags };
}

/** The words of a `tsas` text by their names; undefined for any other text. */
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

/** The word, if it is one of a field. */
const wordIn = <const W extends string>(
  words: readonly (W | undefined)[],
  text = "",
): W | "reserved" | undefined => text === "reserved" ? text : words.find((word) => word === text);

/** What can be read of any text. */
function tsasOf(text: string): Tsas | undefined {
  if (text === "") return NO_TSAS;
  const fields = tsasFields(text);
  const sectype = wordIn(SECTYPES, fields?.["sectype"]);
  if (sectype !== undefined) return TCP_TSAS[sectype];
  const qptype = wordIn(QPTYPES, fields?.["qptype"]);
  const prtype = wordIn(PRTYPES, fields?.["prtype"]);
  const cms = wordIn(CMSES, fields?.["cms"]);
  return qptype === undefined || prtype === undefined || cms === undefined
    ? undefined
    : { kind: "rdma", qptype, prtype, cms };
}

const TCP_BY_TEXT: ReadonlyMap<string, Tsas> = new Map(
  Object.values(TCP_TSAS).flatMap((tsas) => tsas.kind === "tcp" ? [[SECTYPE_TEXTS[tsas.sectype], tsas]] : []),
);

/** The TSAS that is printed so. */
function printedTsas(text: string | undefined): Tsas | undefined {
  if (text === undefined) return NO_TSAS;
  const tcp = TCP_BY_TEXT.get(text);
  if (tcp !== undefined) return tcp;
  const tsas = tsasOf(text);
  return tsas?.kind === "rdma" && tsasText(tsas) === text ? tsas : undefined;
}

/** The entry that is printed so, if there is one: each text is the one of its field, and there is no other. */
function printedEntry(texts: EntryTexts): DiscoveryEntry | undefined {
  const { traddr, trsvcid, subnqn, tsas: written } = texts;
  const trtype = codeOf(TRTYPES, texts["trtype"] ?? "");
  const adrfam = codeOf(ADRFAMS, texts["adrfam"] ?? "");
  const subtype = codeOf(SUBTYPES, texts["subtype"] ?? "");
  const treq = codeOf(TREQS, texts["treq"] ?? "");
  const portid = numberOf(texts["portid"] ?? "", 0xffff);
  const cntlid = numberOf(texts["cntlid"] ?? "", 0xffff);
  const asqsz = numberOf(texts["asqsz"] ?? "", 0xffff);
  const eflags = numberOf(texts["eflags"] ?? "", 0xffff);
  const tsas = printedTsas(written);
  if (trtype === undefined || adrfam === undefined || subtype === undefined || treq === undefined) {
    return undefined;
  }
  if (portid === undefined || cntlid === undefined || asqsz === undefined || eflags === undefined) {
    return undefined;
  }
  if (traddr === undefined || trsvcid === undefined || subnqn === undefined || tsas === undefined) {
    return undefined;
  }
  if (Object.keys(texts).length !== (written === undefined ? FIELDS - 1 : FIELDS)) return undefined;
  return { trtype, adrfam, subtype, treq, portid, cntlid, asqsz, eflags, traddr, trsvcid, subnqn, tsas };
}

/** With TSAS. */
const FIELDS = 12;

/** Read as leniently as ever: by its word, or as any number that a byte has. */
function treqOf(text: string): number | undefined {
  const code = TREQS.codes.get(text);
  if (code !== undefined) return code;
  return /^[0-9]{1,3}$/.test(text) && Number(text) <= 0xff ? Number(text) : undefined;
}

function foreignEntry(texts: EntryTexts): ForeignEntry {
  const { traddr = "", trsvcid = "", subnqn = "", tsas = "" } = texts;
  return {
    trtype: codeOf(TRTYPES, texts["trtype"] ?? ""),
    subtype: codeOf(SUBTYPES, texts["subtype"] ?? ""),
    treq: treqOf(texts["treq"] ?? ""),
    // All 16 bits that can be read of any number.
    eflags: Number(texts["eflags"] ?? "") & 0xffff,
    traddr,
    trsvcid,
    subnqn,
    tsas: tsasOf(tsas) ?? { kind: "unknown", tls: tsas.includes("'tls") },
    texts,
  };
}

/**
 * The entry that is printed so. Texts that {@link entryToText} prints of no entry, of another program or from an edited
 * file, are kept with the entry, and mean what can be read of them: what cannot be read is no code, never another one.
 */
export const entryFromText = (texts: EntryTexts): PageEntry => printedEntry(texts) ?? foreignEntry(texts);

export function sameTexts(a: EntryTexts, b: EntryTexts): boolean {
  const names = Object.keys(a);
  return Object.keys(b).length === names.length && names.every((name) => a[name] === b[name]);
}
