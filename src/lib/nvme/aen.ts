/** Asynchronous event notifications, as the kernel passes them on in the uevent property `NVME_AEN`. */

/** Completion dword 0 of "discovery log page changed": notice, F0h, log 70h. */
export const DISCOVERY_LOG_CHANGED = 0x70f002;

/** The number in `NVME_AEN=0x70f002`; undefined when it is not a 32-bit hexadecimal number. */
export function parseAen(text: string): number | undefined {
  return /^(0x)?[0-9a-f]{1,8}$/i.test(text) ? parseInt(text, 16) : undefined;
}

/** Is this the notice that the discovery log has changed? Compares the whole value, as nvme-cli's rule does. */
export function isDiscoveryChange(value: number): boolean {
  return value === DISCOVERY_LOG_CHANGED;
}
