/** The frame of an NVMe Boot Firmware Table: header, control descriptor, lists, heap. */
import { canonicalIp, formatIp } from "./address.ts";
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import { textField, viewOf } from "./fields.ts";

const HEADER = 64;
const CONTROL = 64;
/** ACPI tables with more than this are not read (S6). */
const MAX_NBFT = 1024 * 1024;

/** A list of descriptors of one kind. */
export interface NbftList {
  readonly offset: number;
  readonly stride: number;
  readonly count: number;
}

/** Offset from the start of the table, and length; length 0 means that the object is absent. */
interface Reference {
  readonly offset: number;
  readonly length: number;
}

const none: NbftList = { offset: 0, stride: 0, count: 0 };

/** The place in the control descriptor, and the least size, of each object that it refers to. */
const LISTS = [
  ["hfi", 16, 32],
  ["subsystem", 24, 128],
  ["security", 32, 64],
  ["discovery", 40, 32],
] as const;

export type NbftListName = (typeof LISTS)[number][0];

/**
 * A table whose frame is sound. Reading never goes beyond it; unreadable objects are reported in
 * {@link NbftTable.warnings}.
 */
export class NbftTable {
  readonly bytes: Uint8Array;
  readonly lists: Readonly<Record<NbftListName, NbftList>>;
  readonly host: Reference;
  readonly view: DataView;
  readonly warnings: string[] = [];

  constructor(bytes: Uint8Array, lists: Readonly<Record<NbftListName, NbftList>>, host: Reference) {
    this.bytes = bytes;
    this.lists = lists;
    this.host = host;
    this.view = viewOf(bytes);
  }

  warn(at: number, what: string): undefined {
    this.warnings.push(`NBFT: byte ${at}: ${what}`);
    return undefined;
  }

  /** The heap object that the reference at `at` points to; empty when absent, undefined when it is not in the heap. */
  object(at: number, what: string): Uint8Array | undefined {
    const { offset, length } = referenceAt(this.view, at);
    if (length === 0) return new Uint8Array(0);
    const heap = { offset: this.view.getUint32(36, true), length: this.view.getUint32(40, true) };
    return offset < heap.offset || offset + length > heap.offset + heap.length
      ? this.warn(at, `${what}: ${length} bytes at ${offset} are not in the heap`)
      : this.bytes.subarray(offset, offset + length);
  }

  /** A text in the heap; empty when absent. */
  text(at: number, what: string): string | undefined {
    const object = this.object(at, what);
    if (object === undefined) return undefined;
    return textField(object, 0, object.length) ?? this.warn(at, `${what} is not text`);
  }

  /** 16 bytes; IPv4 is IPv4-mapped. */
  ip(at: number): string {
    return nbftIp(this.bytes.subarray(at, at + 16));
  }
}

export function nbftIp(bytes: Uint8Array): string {
  const text = formatIp(bytes);
  return canonicalIp(text) ?? text;
}

function referenceAt(view: DataView, at: number): Reference {
  return { offset: view.getUint32(at, true), length: view.getUint16(at + 4, true) };
}

function checkHeader(bytes: Uint8Array): Decoded<DataView> {
  if (bytes.length < HEADER + CONTROL || bytes.length > MAX_NBFT) {
    return malformed(bytes.length, `NBFT: ${bytes.length} bytes, not ${HEADER + CONTROL} to ${MAX_NBFT}`);
  }
  if (textField(bytes, 0, 4) !== "NBFT") return malformed(0, "NBFT: no signature at byte 0");
  const view = viewOf(bytes);
  const length = view.getUint32(4, true);
  if (length < HEADER + CONTROL || length > bytes.length) {
    return malformed(4, `NBFT: length ${length} of the header does not fit ${bytes.length} bytes`);
  }
  let sum = 0;
  for (const byte of bytes) sum += byte;
  if (sum % 256 !== 0) {
    return malformed(9, `NBFT: checksum is wrong, bytes sum up to ${sum % 256} and not to 0`);
  }
  const major = view.getUint8(8);
  if (major !== 1) return malformed(8, `NBFT: revision ${major} is unknown`);
  const heap = { offset: view.getUint32(36, true), length: view.getUint32(40, true) };
  if (heap.offset < HEADER || heap.offset + heap.length > length) {
    return malformed(
      36,
      `NBFT: heap of ${heap.length} bytes at ${heap.offset} is not in the table of ${length}`,
    );
  }
  return decoded(new DataView(bytes.buffer, bytes.byteOffset, length));
}

/**
 * Checks the frame: an error in it makes the whole table untrustworthy. Undefined value: the table declares itself
 * void.
 */
export function openNbft(bytes: Uint8Array): Decoded<NbftTable | undefined> {
  const checked = checkHeader(bytes);
  if (!checked.ok) return checked;
  const view = checked.value;
  const length = view.byteLength;
  const [id, major, csl] = [
    view.getUint8(HEADER),
    view.getUint8(HEADER + 1),
    view.getUint16(HEADER + 4, true),
  ];
  if (id !== 1 || major !== 1 || csl < CONTROL) {
    return malformed(
      HEADER,
      `NBFT: no control descriptor at byte ${HEADER} (id ${id}, revision ${major}, length ${csl})`,
    );
  }
  if ((view.getUint8(HEADER + 6) & 1) === 0) return decoded(undefined);
  const lists = { hfi: none, subsystem: none, security: none, discovery: none };
  for (const [name, at, least] of LISTS) {
    const place = HEADER + at;
    const list = {
      offset: view.getUint32(place, true),
      stride: view.getUint16(place + 4, true),
      count: view.getUint8(place + 7),
    };
    if (list.count === 0) continue;
    if (list.stride < least || list.offset < HEADER || list.offset + list.stride * list.count > length) {
      const what = `${list.count} ${name} descriptors of ${list.stride} bytes at ${list.offset}`;
      return malformed(place, `NBFT: ${what} are not in the table of ${length} bytes, or too short`);
    }
    lists[name] = list;
  }
  const host = referenceAt(view, HEADER + 8);
  if (host.length !== 0 && (host.length < 32 || host.offset < HEADER || host.offset + host.length > length)) {
    return malformed(
      HEADER + 8,
      `NBFT: host descriptor of ${host.length} bytes at ${host.offset} is not in the table`,
    );
  }
  return decoded(new NbftTable(bytes.subarray(0, length), lists, host));
}
