/** Extended attributes of discovery log entries and DIM entries (Base 2.1 Fig. 499; TP8010). */
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import { viewOf } from "./fields.ts";

export interface ExtendedAttribute {
  readonly type: number;
  /** Its length is a multiple of 4 and not 0. */
  readonly value: Uint8Array;
}

export const ATTRIBUTE = { hostId: 1, labelAscii: 2, labelUtf8: 3 } as const;

/** Bytes that an extended entry adds to a basic one: TEL, NUMEXAT, reserved. */
export const EXTENDED_PART = 8;
const HEADER = 4;

export function attributesSize(attributes: readonly ExtendedAttribute[]): number {
  return attributes.reduce((sum, { value }) => sum + HEADER + value.length, 0);
}

/** `count` attributes from `start`; none may reach beyond `end`. Values are copies. `where` begins a problem's text. */
export function decodeAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  where: string,
): Decoded<readonly ExtendedAttribute[]> {
  const view = viewOf(bytes);
  const attributes: ExtendedAttribute[] = [];
  let at = start;
  for (let i = 1; i <= count; i++) {
    const name = `${where}: extended attribute ${i} of ${count} at byte ${at}`;
    if (at + HEADER > end) return malformed(at, `${name} starts past the end of the entry`);
    const length = view.getUint16(at + 2, true);
    if (length === 0 || length % 4 !== 0) {
      return malformed(at, `${name} has length ${length}, which is not a multiple of 4 above 0`);
    }
    if (at + HEADER + length > end) return malformed(at, `${name} reaches past the end of the entry`);
    attributes.push({
      type: view.getUint16(at, true),
      value: bytes.slice(at + HEADER, at + HEADER + length),
    });
    at += HEADER + length;
  }
  return decoded(attributes);
}

export function encodeAttributes(
  bytes: Uint8Array,
  start: number,
  attributes: readonly ExtendedAttribute[],
): void {
  const view = viewOf(bytes);
  let at = start;
  for (const { type, value } of attributes) {
    if (value.length === 0 || value.length % 4 !== 0) {
      throw new RangeError(`extended attribute of ${value.length} bytes`);
    }
    view.setUint16(at, type, true);
    view.setUint16(at + 2, value.length, true);
    bytes.set(value, at + HEADER);
    at += HEADER + value.length;
  }
}
