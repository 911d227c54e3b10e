/** Supported Log Pages, LID 00h (Base 2.1 section 5.1.12.1.1), and its entry of the discovery log (Fig. 292). */
import { LID } from "./admin_command.ts";
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import { viewOf } from "./fields.ts";

export const SUPPORTED_LOGS_SIZE = 1024;

/** All 256 entries, by log page identifier: bit 0 supported, bit 1 index offset, 31:16 specific parameter. */
export function decodeSupportedLogs(bytes: Uint8Array): Decoded<readonly number[]> {
  if (bytes.length !== SUPPORTED_LOGS_SIZE) {
    return malformed(
      bytes.length,
      `supported log pages: ${bytes.length} bytes instead of ${SUPPORTED_LOGS_SIZE}`,
    );
  }
  const view = viewOf(bytes);
  return decoded(Array.from({ length: 256 }, (_, lid) => view.getUint32(4 * lid, true)));
}

/** The 32-bit entry of the discovery log. */
export function discoveryLogEntry(bytes: Uint8Array): Decoded<number> {
  const logs = decodeSupportedLogs(bytes);
  return logs.ok ? decoded(logs.value[LID.discovery] ?? 0) : logs;
}
