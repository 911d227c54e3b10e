/** Supported Log Pages, as a controller answers them. */
import { viewOf } from "../../src/lib/nvme/fields.ts";
import { SUPPORTED_LOGS_SIZE } from "../../src/lib/nvme/supported_logs.ts";

/** The page with the given entries; the others are 0. */
export function encodeSupportedLogs(entries: ReadonlyMap<number, number>): Uint8Array {
  const bytes = new Uint8Array(SUPPORTED_LOGS_SIZE);
  const view = viewOf(bytes);
  for (const [lid, entry] of entries) view.setUint32(4 * lid, entry, true);
  return bytes;
}
