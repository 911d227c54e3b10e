/** A whole discovery log page, as a discovery controller writes it, and read from one piece. */
import { type Decoded, malformed } from "../../src/lib/base/decoded.ts";
import type { DiscoveryLog, ExtendedEntry } from "../../src/lib/nvme/discovery_entry.ts";
import {
  decodeLogHeader,
  DLPF,
  encodeEntry,
  entrySize,
  LOG_HEADER,
} from "../../src/lib/nvme/discovery_log.ts";
import { viewOf } from "../../src/lib/nvme/fields.ts";
import { PageDecoder } from "../../src/lib/nvme/page_decoder.ts";

interface Log {
  readonly genctr: bigint;
  readonly entries: readonly ExtendedEntry[];
}

/** `dlpf` decides whether entries are extended. */
export function encodeDiscoveryLog(log: Log, dlpf = 0): Uint8Array {
  const extended = (dlpf & DLPF.extended) !== 0;
  const length = log.entries.reduce((sum, entry) => sum + entrySize(entry, extended), LOG_HEADER);
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  view.setBigUint64(0, log.genctr, true);
  view.setBigUint64(8, BigInt(log.entries.length), true);
  view.setUint8(18, dlpf);
  view.setUint32(20, length, true);
  let at = LOG_HEADER;
  for (const entry of log.entries) at += encodeEntry(bytes, at, entry, extended);
  return bytes;
}

/** Bytes after the length that the header gives are refused as well. */
export function decodeDiscoveryLog(bytes: Uint8Array): Decoded<DiscoveryLog> {
  const header = decodeLogHeader(bytes);
  if (!header.ok) return header;
  const { length } = header.value;
  if (bytes.length !== length) {
    return malformed(bytes.length, `discovery log: ${bytes.length} bytes, the header says ${length}`);
  }
  const decoder = new PageDecoder(header.value);
  decoder.add(bytes.subarray(LOG_HEADER));
  return decoder.end();
}
