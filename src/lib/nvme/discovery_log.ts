/** The discovery log page, LID 70h (Base 2.1 section 5.1.12.3.1, Fig. 292 to 296; TP8010). */
import { canonicalIp, correctedFc } from "./address.ts";
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import {
  CMSES,
  type DiscoveryEntry,
  type ExtendedEntry,
  NO_TSAS,
  PRTYPES,
  QPTYPES,
  SECTYPES,
  TCP_TSAS,
  TRTYPE,
  type Tsas,
} from "./discovery_entry.ts";
import { attributesSize, encodeAttributes, EXTENDED_PART } from "./extended_attribute.ts";
import { putText, textField, viewOf } from "./fields.ts";

/** Bytes of the header, and of a basic entry. */
export const LOG_HEADER = 1024;
export const LOG_ENTRY = 1024;
/** Limits of the accepted sizes (S6). */
export const MAX_ENTRIES = 16_384;
export const MAX_LOG = 24 * 1024 * 1024;

/** DLPF: the granted parts of the request's LSP. */
export const DLPF = { extended: 1, portLocal: 2, allSubsystems: 4 } as const;

export interface LogHeader {
  readonly genctr: bigint;
  readonly numrec: number;
  readonly dlpf: number;
  /** Bytes of the whole page, header included. */
  readonly length: number;
}

/** Bytes of the header that carry fields. */
const HEADER_FIELDS = 24;

/** The header, from its first 24 bytes or more. Refuses an unknown record format, and inconsistent counts and lengths. */
export function decodeLogHeader(bytes: Uint8Array): Decoded<LogHeader> {
  if (bytes.length < HEADER_FIELDS) {
    return malformed(bytes.length, `discovery log: header ends after ${bytes.length} bytes`);
  }
  const view = viewOf(bytes);
  const recfmt = view.getUint16(16, true);
  if (recfmt !== 0) return malformed(16, `discovery log: record format ${recfmt} is unknown`);
  const records = view.getBigUint64(8, true);
  if (records > BigInt(MAX_ENTRIES)) {
    return malformed(8, `discovery log: claims ${records} records, more than ${MAX_ENTRIES}`);
  }
  const numrec = Number(records);
  const dlpf = view.getUint8(18);
  const tdlpl = view.getUint32(20, true);
  const header = { genctr: view.getBigUint64(0, true), numrec, dlpf };
  if ((dlpf & DLPF.extended) === 0) return decoded({ ...header, length: LOG_HEADER + numrec * LOG_ENTRY });
  if (numrec === 0 && tdlpl === 0) return decoded({ ...header, length: LOG_HEADER });
  const least = LOG_HEADER + numrec * (LOG_ENTRY + EXTENDED_PART);
  if (tdlpl < least || tdlpl > MAX_LOG || tdlpl % 4 !== 0) {
    const range = `${least} to ${MAX_LOG} in steps of 4`;
    return malformed(
      20,
      `discovery log: total length ${tdlpl} is impossible for ${numrec} records (${range})`,
    );
  }
  return decoded({ ...header, length: tdlpl });
}

const TEXTS = [["trsvcid", 32, 32], ["subnqn", 256, 256], ["traddr", 512, 256]] as const;

function decodeTsas(bytes: Uint8Array, at: number, trtype: number): Tsas {
  const code = (offset: number): number => bytes[at + offset] ?? 0;
  if (trtype === TRTYPE.tcp) return TCP_TSAS[SECTYPES[code(0)] ?? "reserved"];
  if (trtype !== TRTYPE.rdma) return NO_TSAS;
  return {
    kind: "rdma",
    qptype: QPTYPES[code(0)] ?? "reserved",
    prtype: PRTYPES[code(1)] ?? "reserved",
    cms: CMSES[code(2)] ?? "reserved",
  };
}

/**
 * The 1024 bytes that basic and extended entries share; the caller has checked the length. `where` begins a problem's text,
 * and `begin` is the place of the bytes in what they are a part of.
 */
export function decodeBasic(
  bytes: Uint8Array,
  at: number,
  where: string,
  begin = 0,
): Decoded<DiscoveryEntry> {
  const view = viewOf(bytes);
  const trsvcid = textField(bytes, at + 32, 32);
  const subnqn = textField(bytes, at + 256, 256);
  const traddr = textField(bytes, at + 512, 256);
  if (trsvcid === undefined || subnqn === undefined || traddr === undefined) {
    const [name, offset] = trsvcid === undefined
      ? ["trsvcid", at + 32]
      : subnqn === undefined
      ? ["subnqn", at + 256]
      : ["traddr", at + 512];
    return malformed(begin + offset, `${where}: ${name} at byte ${begin + offset} is not text`);
  }
  const trtype = view.getUint8(at);
  return decoded({
    trtype,
    adrfam: view.getUint8(at + 1),
    subtype: view.getUint8(at + 2),
    treq: view.getUint8(at + 3),
    portid: view.getUint16(at + 4, true),
    cntlid: view.getUint16(at + 6, true),
    asqsz: view.getUint16(at + 8, true),
    eflags: view.getUint16(at + 10, true),
    traddr: trtype === TRTYPE.fc ? correctedFc(traddr) : traddr,
    trsvcid,
    subnqn,
    tsas: decodeTsas(bytes, at + 768, trtype),
  });
}

/** The number of a code; the last one for a reserved code. */
function codeOf(words: readonly (string | undefined)[], word: string): number {
  const code = words.indexOf(word);
  return code < 0 ? 0xff : code;
}

function encodeTsas(bytes: Uint8Array, at: number, tsas: Tsas): void {
  if (tsas.kind === "tcp") bytes[at] = codeOf(SECTYPES, tsas.sectype);
  if (tsas.kind !== "rdma") return;
  const { qptype, prtype, cms } = tsas;
  bytes.set([codeOf(QPTYPES, qptype), codeOf(PRTYPES, prtype), codeOf(CMSES, cms)], at);
}

/** Writes an entry; returns its length. Basic entries have no room for attributes. */
export function encodeEntry(bytes: Uint8Array, at: number, entry: ExtendedEntry, extended: boolean): number {
  const view = viewOf(bytes);
  const { attributes = [] } = entry;
  view.setUint8(at, entry.trtype);
  view.setUint8(at + 1, entry.adrfam);
  view.setUint8(at + 2, entry.subtype);
  view.setUint8(at + 3, entry.treq);
  view.setUint16(at + 4, entry.portid, true);
  view.setUint16(at + 6, entry.cntlid, true);
  view.setUint16(at + 8, entry.asqsz, true);
  view.setUint16(at + 10, entry.eflags, true);
  for (const [name, offset, length] of TEXTS) putText(bytes, at + offset, length, entry[name]);
  encodeTsas(bytes, at + 768, entry.tsas);
  if (!extended) return LOG_ENTRY;
  const length = LOG_ENTRY + EXTENDED_PART + attributesSize(attributes);
  view.setUint32(at + LOG_ENTRY, length, true);
  view.setUint16(at + LOG_ENTRY + 4, attributes.length, true);
  encodeAttributes(bytes, at + LOG_ENTRY + EXTENDED_PART, attributes);
  return length;
}

export function entrySize({ attributes = [] }: ExtendedEntry, extended: boolean): number {
  return extended ? LOG_ENTRY + EXTENDED_PART + attributesSize(attributes) : LOG_ENTRY;
}

/** STAF-57: entries without an address, or with that of any host, are of no use. CDCs send them. */
export function hasAddress(entry: { readonly traddr: string }): boolean {
  const traddr = entry.traddr.trim();
  return traddr !== "" && !["0.0.0.0", "::"].includes(canonicalIp(traddr) ?? "");
}
