/** A whole discovery log page, as a discovery controller writes it. */
import type { ExtendedEntry } from "../../src/lib/nvme/discovery_entry.ts";
import { DLPF, encodeEntry, entrySize, LOG_HEADER } from "../../src/lib/nvme/discovery_log.ts";
import { viewOf } from "../../src/lib/nvme/fields.ts";

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
