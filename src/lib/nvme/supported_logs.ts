/** Supported Log Pages, LID 00h (Base 2.1 section 5.1.12.1.1), and what it says of the discovery log (Fig. 292). */
import { LID } from "./admin_command.ts";
import { type Decoded, decoded, malformed } from "./decoded.ts";
import { viewOf } from "./fields.ts";

export const SUPPORTED_LOGS_SIZE = 1024;

/** Bits of the discovery log's specific parameter, and of its LSP field: the same positions. */
export const DISCOVERY_BIT = { extendedEntries: 1, portLocal: 2, allSubsystems: 4 } as const;

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

/** The page with the given entries; the others are 0. */
export function encodeSupportedLogs(entries: ReadonlyMap<number, number>): Uint8Array {
  const bytes = new Uint8Array(SUPPORTED_LOGS_SIZE);
  const view = viewOf(bytes);
  for (const [lid, entry] of entries) view.setUint32(4 * lid, entry, true);
  return bytes;
}

/** The 32-bit entry of the discovery log. */
export function discoveryLogEntry(bytes: Uint8Array): Decoded<number> {
  const logs = decodeSupportedLogs(bytes);
  return logs.ok ? decoded(logs.value[LID.discovery] ?? 0) : logs;
}

export interface DiscoveryCapabilities {
  /** Extended entries can be asked for (EXTDLPES). */
  readonly extendedEntries: boolean;
  /** Port local entries only can be asked for (PLEOS; meaningful on a DDC only). */
  readonly portLocal: boolean;
  /** All NVM subsystem entries can be asked for (ALLSUBES). */
  readonly allSubsystems: boolean;
}

/** What the entry of the discovery log says in its upper 16 bits. */
export function discoveryCapabilities(entry: number): DiscoveryCapabilities {
  const bits = entry >>> 16;
  return {
    extendedEntries: (bits & DISCOVERY_BIT.extendedEntries) !== 0,
    portLocal: (bits & DISCOVERY_BIT.portLocal) !== 0,
    allSubsystems: (bits & DISCOVERY_BIT.allSubsystems) !== 0,
  };
}

/** Names of the capability bits, for people: 7 is EXTDLPES, PLEOS, ALLSUBES. */
export function capabilityNames(bits: number): string[] {
  return ["EXTDLPES", "PLEOS", "ALLSUBES"].filter((_, bit) => (bits & (1 << bit)) !== 0);
}
