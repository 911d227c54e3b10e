/**
 * Decodes a discovery log page whose bytes come piece by piece. Of the bytes only the beginning of an entry that has not
 * ended yet is kept, and of the entries no more than a page may have (S6). What is wrong with the page is told at its end:
 * until then it may be another version of the page that has begun to come (S3).
 */
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import type { DiscoveryEntry, DiscoveryLog } from "./discovery_entry.ts";
import { decodeBasic, DLPF, hasAddress, LOG_ENTRY, LOG_HEADER, type LogHeader } from "./discovery_log.ts";
import { ATTRIBUTE_HEADER, EXTENDED_PART } from "./extended_attribute.ts";
import { viewOf } from "./fields.ts";

/** Text of the entries of one page, in bytes of JSON: as many entries of the usual length as there may be controllers. */
export const MAX_PAGE_TEXT = 4 * 1024 * 1024;
/** Names and signs of an entry as JSON, without the texts that a peer chooses: less than any entry has. */
const LEAST_TEXT = 150;

/** The extended part of an entry. */
interface Extended {
  readonly where: string;
  readonly basic: Decoded<DiscoveryEntry>;
  readonly end: number;
  readonly count: number;
  /** Attributes whose headers have been read. */
  read: number;
}

export class PageDecoder {
  readonly #header: LogHeader;
  readonly #least: number;
  readonly #entries: DiscoveryEntry[] = [];
  #problem: ReturnType<typeof malformed> | undefined;
  /** Entries that have ended. */
  #count = 0;
  #text = 0;
  /** The place in the page from which nothing has been decoded yet. */
  #at = LOG_HEADER;
  /** Bytes that have come and are not decoded, and their place in the page. */
  #kept: Uint8Array = new Uint8Array(0);
  #begin = LOG_HEADER;
  #extended: Extended | undefined;

  constructor(header: LogHeader) {
    this.#header = header;
    this.#least = this.#isExtended ? LOG_ENTRY + EXTENDED_PART : LOG_ENTRY;
  }

  get #isExtended(): boolean {
    return (this.#header.dlpf & DLPF.extended) !== 0;
  }

  /** Bytes that are kept until more come, and entries. */
  get kept(): { readonly bytes: number; readonly entries: number } {
    return { bytes: this.#kept.length, entries: this.#entries.length };
  }

  /** The next bytes of the page, after its header. */
  add(bytes: Uint8Array): void {
    const begin = this.#begin;
    const all = this.#kept.length === 0 ? bytes : joined(this.#kept, bytes);
    const end = begin + all.length;
    while (this.#isOpen && this.#next(all, begin, end));
    this.#begin = this.#isOpen ? Math.min(this.#at, end) : end;
    this.#kept = all.slice(this.#begin - begin);
  }

  /** More can come to light. */
  get #isOpen(): boolean {
    return this.#problem === undefined && this.#count < this.#header.numrec;
  }

  #failed(at: number, problem: string): false {
    this.#problem = malformed(at, problem);
    this.#entries.length = 0;
    return false;
  }

  /** Decodes a part of the page; false: it has not come yet, or the page is malformed. */
  #next(all: Uint8Array, begin: number, end: number): boolean {
    if (this.#extended !== undefined) return this.#attribute(this.#extended, all, begin, end);
    const { numrec, length } = this.#header;
    const at = this.#at;
    const where = `discovery log: entry ${this.#count + 1} of ${numrec}`;
    const left = length - at;
    if (this.#least > left) {
      return this.#failed(at, `${where} at byte ${at} needs ${this.#least} bytes, ${left} are left`);
    }
    if (at + this.#least > end) return false;
    const basic = decodeBasic(all, at - begin, where, begin);
    this.#at += this.#least;
    if (!this.#isExtended) return this.#ended(basic);
    const view = viewOf(all);
    const size = view.getUint32(at - begin + LOG_ENTRY, true);
    if (size < this.#least || size % 4 !== 0 || size > left) {
      return this.#failed(at + LOG_ENTRY, `${where}: entry length ${size} is impossible, ${left} are left`);
    }
    const count = view.getUint16(at - begin + LOG_ENTRY + 4, true);
    this.#extended = { where, basic, end: at + size, count, read: 0 };
    return true;
  }

  /** The values of attributes are of no use, and are not kept. */
  #attribute(extended: Extended, all: Uint8Array, begin: number, end: number): boolean {
    const { where, basic, count } = extended;
    if (extended.read === count) {
      this.#at = extended.end;
      this.#extended = undefined;
      return this.#ended(basic);
    }
    const at = this.#at;
    const name = `${where}: extended attribute ${extended.read + 1} of ${count} at byte ${at}`;
    if (at + ATTRIBUTE_HEADER > extended.end) {
      return this.#failed(at, `${name} starts past the end of the entry`);
    }
    if (at + ATTRIBUTE_HEADER > end) return false;
    const length = viewOf(all).getUint16(at - begin + 2, true);
    if (length === 0 || length % 4 !== 0) {
      return this.#failed(at, `${name} has length ${length}, which is not a multiple of 4 above 0`);
    }
    if (at + ATTRIBUTE_HEADER + length > extended.end) {
      return this.#failed(at, `${name} reaches past the end of the entry`);
    }
    this.#at = at + ATTRIBUTE_HEADER + length;
    extended.read++;
    return true;
  }

  #ended(basic: Decoded<DiscoveryEntry>): boolean {
    if (!basic.ok) return this.#failed(basic.at, basic.problem);
    const entry = basic.value;
    this.#count++;
    // Entries without an address are left out later, and take no room.
    if (hasAddress(entry)) {
      this.#text += LEAST_TEXT + entry.traddr.length + entry.trsvcid.length + entry.subnqn.length;
    }
    if (this.#isTooLong) this.#entries.length = 0;
    else this.#entries.push(entry);
    return true;
  }

  get #isTooLong(): boolean {
    return this.#text > MAX_PAGE_TEXT;
  }

  /** When all bytes have come. */
  end(): Decoded<DiscoveryLog> {
    const { genctr, numrec, length } = this.#header;
    if (this.#problem !== undefined) return this.#problem;
    // More bytes than entries: a count that is too low would hide entries, and a hidden entry looks withdrawn.
    if (this.#at !== length) {
      return malformed(this.#at, `discovery log: ${numrec} entries end at byte ${this.#at} of ${length}`);
    }
    return decoded({ genctr, entries: this.#entries, ...(this.#isTooLong ? { tooMany: numrec } : {}) });
  }
}

function joined(first: Uint8Array, then: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + then.length);
  both.set(first);
  both.set(then, first.length);
  return both;
}
