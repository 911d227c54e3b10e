/** Discovery log entries as dictionaries of texts, as they go over D-Bus (requirements 50). */
import type { DiscoveryEntry } from "./discovery_entry.ts";
import { pythonRepr } from "../base/python_literal.ts";

/** Numbers and their words; a number without a word is written in decimal. */
type Words = readonly (readonly [number, string])[];

const TRTYPE: Words = [[0, "unspecified"], [1, "rdma"], [2, "fc"], [3, "tcp"], [254, "loop"]];
const ADRFAM: Words = [[0, "pci"], [1, "ipv4"], [2, "ipv6"], [3, "infiniband"], [4, "fc"]];
const SUBTYPE: Words = [[1, "referral"], [2, "nvme"], [3, "discovery"]];
const TREQ: Words = [[0, "not specified"], [1, "required"], [2, "not required"], [4, "disable sqflow"]];

/** In `tsas`, a number without a word is `reserved`. */
const SECTYPE: Words = [[0, "none"], [1, "tls"], [2, "tls1.3"]];
const QPTYPE: Words = [[1, "connected"], [2, "datagram"]];
const PRTYPE: Words = [[1, "not specified"], [2, "infiniband"], [3, "roce"], [4, "rocev2"], [5, "iwarp"]];
const CMS: Words = [[1, "cm"]];

const wordOf = (words: Words, number: number): string | undefined =>
  words.find(([value]) => value === number)?.[1];

/** The TREQ byte of a `treq` text; undefined for any other text. */
export function treqOfText(text: string): number | undefined {
  const word = TREQ.find(([, one]) => one === text);
  if (word !== undefined) return word[0];
  return /^[0-9]{1,3}$/.test(text) && Number(text) <= 0xff ? Number(text) : undefined;
}

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
