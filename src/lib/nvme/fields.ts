/** Fixed fields of little-endian structures. Callers check lengths first: reading past the end is a bug and throws. */
import { bytesOf } from "../base/name_numbers.ts";
import { decodeUtf8, hasControl } from "../base/plain_text.ts";

const encoder = new TextEncoder();

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A text field: it ends at a NUL, and spaces around it do not count.
 * Undefined when it is not UTF-8 or holds control characters.
 */
export function textField(bytes: Uint8Array, offset: number, length: number): string | undefined {
  const field = bytes.subarray(offset, offset + length);
  const end = field.indexOf(0);
  if (end === 0) return "";
  const text = decodeUtf8(end < 0 ? field : field.subarray(0, end));
  return text === undefined || hasControl(text) ? undefined : text.trim();
}

/** Does the text fit into a field of so many bytes? */
export function fits(text: string, length: number): boolean {
  return bytesOf(text) <= length;
}

/** Writes a text that fits; the rest of the field stays as it is. */
export function putText(bytes: Uint8Array, offset: number, length: number, text: string): void {
  const encoded = encoder.encode(text);
  if (encoded.length > length) {
    throw new RangeError(`text of ${encoded.length} bytes for a field of ${length}`);
  }
  bytes.set(encoded, offset);
}
