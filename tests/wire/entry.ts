/** One entry of a discovery log page or of DIM, with its extended attributes. */
import { type Decoded, decoded, malformed } from "../../src/lib/base/decoded.ts";
import type { DiscoveryEntry } from "../../src/lib/nvme/discovery_entry.ts";
import { decodeBasic, LOG_ENTRY } from "../../src/lib/nvme/discovery_log.ts";
import {
  ATTRIBUTE_HEADER,
  EXTENDED_PART,
  type ExtendedAttribute,
} from "../../src/lib/nvme/extended_attribute.ts";
import { viewOf } from "../../src/lib/nvme/fields.ts";

interface Sized {
  readonly entry: DiscoveryEntry;
  readonly attributes: readonly ExtendedAttribute[];
  readonly length: number;
}

/** `count` attributes from `start`; none may reach beyond `end`. Values are copies. `where` begins a problem's text. */
function decodeAttributes(
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
    if (at + ATTRIBUTE_HEADER > end) return malformed(at, `${name} starts past the end of the entry`);
    const length = view.getUint16(at + 2, true);
    if (length === 0 || length % 4 !== 0) {
      return malformed(at, `${name} has length ${length}, which is not a multiple of 4 above 0`);
    }
    if (at + ATTRIBUTE_HEADER + length > end) {
      return malformed(at, `${name} reaches past the end of the entry`);
    }
    attributes.push({
      type: view.getUint16(at, true),
      value: bytes.slice(at + ATTRIBUTE_HEADER, at + ATTRIBUTE_HEADER + length),
    });
    at += ATTRIBUTE_HEADER + length;
  }
  return decoded(attributes);
}

/** One entry at `at`, its length included. Shared by the log and by DIM. `where` begins a problem's text. */
export function decodeEntry(bytes: Uint8Array, at: number, extended: boolean, where: string): Decoded<Sized> {
  const least = extended ? LOG_ENTRY + EXTENDED_PART : LOG_ENTRY;
  if (at + least > bytes.length) {
    return malformed(at, `${where} at byte ${at} needs ${least} bytes, ${bytes.length - at} are left`);
  }
  const view = viewOf(bytes);
  if (!extended) {
    const basic = decodeBasic(bytes, at, where);
    return basic.ok ? decoded({ entry: basic.value, attributes: [], length: LOG_ENTRY }) : basic;
  }
  const length = view.getUint32(at + LOG_ENTRY, true);
  if (length < least || length % 4 !== 0 || at + length > bytes.length) {
    return malformed(
      at + LOG_ENTRY,
      `${where}: entry length ${length} is impossible, ${bytes.length - at} are left`,
    );
  }
  const count = view.getUint16(at + LOG_ENTRY + 4, true);
  const attributes = decodeAttributes(bytes, at + least, at + length, count, where);
  if (!attributes.ok) return attributes;
  const basic = decodeBasic(bytes, at, where);
  return basic.ok ? decoded({ entry: basic.value, attributes: attributes.value, length }) : basic;
}
