/** Discovery Information Management, read by the side that answers. */
import { type Decoded, decoded, malformed } from "../../src/lib/base/decoded.ts";
import { type Dim, DIM_HEADER } from "../../src/lib/nvme/dim.ts";
import type { ExtendedEntry } from "../../src/lib/nvme/discovery_entry.ts";
import { textField, viewOf } from "../../src/lib/nvme/fields.ts";
import { decodeEntry } from "./entry.ts";

const FORMAT = { basic: 1, extended: 2 };
/** S6: registrations have one entry, updates two. */
const MAX_ENTRIES = 16;
const TEXTS = [["entityId", 24, 256], ["entityName", 280, 256], ["entityVersion", 536, 64]] as const;

export function decodeDim(bytes: Uint8Array): Decoded<Dim> {
  if (bytes.length < DIM_HEADER) {
    return malformed(bytes.length, `DIM: header ends after ${bytes.length} bytes`);
  }
  const view = viewOf(bytes);
  const length = view.getUint32(0, true);
  if (length !== bytes.length) return malformed(0, `DIM: total length ${length}, but ${bytes.length} bytes`);
  const count = view.getBigUint64(8, true);
  if (count > BigInt(MAX_ENTRIES)) return malformed(8, `DIM: ${count} entries, more than ${MAX_ENTRIES}`);
  const format = view.getUint16(16, true);
  if (format !== FORMAT.basic && format !== FORMAT.extended) {
    return malformed(16, `DIM: entry format ${format} is unknown`);
  }
  const extended = format === FORMAT.extended;
  const texts = { entityId: "", entityName: "", entityVersion: "" };
  for (const [name, offset, size] of TEXTS) {
    const text = textField(bytes, offset, size);
    if (text === undefined) return malformed(offset, `DIM: ${name} at byte ${offset} is not text`);
    texts[name] = text;
  }
  const entries: ExtendedEntry[] = [];
  let at = DIM_HEADER;
  for (let i = 1; i <= Number(count); i++) {
    const sized = decodeEntry(bytes, at, extended, `DIM: entry ${i} of ${count}`);
    if (!sized.ok) return sized;
    const { entry, attributes, length: size } = sized.value;
    entries.push(extended ? { ...entry, attributes } : entry);
    at += size;
  }
  if (at !== length) return malformed(at, `DIM: ${count} entries end at byte ${at} of ${length}`);
  return decoded({
    ...texts,
    entityType: view.getUint16(18, true),
    portLocal: view.getUint8(20),
    keyType: view.getUint16(22, true),
    extended,
    entries,
  });
}
