/** Extended attributes of discovery log entries and DIM entries (Base 2.1 Fig. 499; TP8010). */
import { viewOf } from "./fields.ts";

export interface ExtendedAttribute {
  readonly type: number;
  /** Its length is a multiple of 4 and not 0. */
  readonly value: Uint8Array;
}

export const ATTRIBUTE = { hostId: 1, labelAscii: 2, labelUtf8: 3 } as const;

/** Bytes that an extended entry adds to a basic one: TEL, NUMEXAT, reserved. */
export const EXTENDED_PART = 8;
/** Type and length. */
export const ATTRIBUTE_HEADER = 4;

export function attributesSize(attributes: readonly ExtendedAttribute[]): number {
  return attributes.reduce((sum, { value }) => sum + ATTRIBUTE_HEADER + value.length, 0);
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
    bytes.set(value, at + ATTRIBUTE_HEADER);
    at += ATTRIBUTE_HEADER + value.length;
  }
}
