/** Asynchronous event notifications, as the kernel passes them on in the uevent property `NVME_AEN`. */

/** Completion dword 0 of "discovery log page changed": notice, F0h, log 70h. */
export const DISCOVERY_LOG_CHANGED = 0x70f002;

export interface Aen {
  /** Bits 2:0; 2 is a notice. */
  readonly type: number;
  /** Bits 15:8; F0h with a notice: discovery log page changed. */
  readonly info: number;
  /** Bits 23:16: the log page to read. */
  readonly lid: number;
}

/** The number in `NVME_AEN=0x70f002`; undefined when it is no 32-bit hexadecimal number. */
export function parseAen(text: string): number | undefined {
  return /^(0x)?[0-9a-f]{1,8}$/i.test(text) ? parseInt(text, 16) : undefined;
}

export function decodeAen(value: number): Aen {
  return { type: value & 7, info: (value >>> 8) & 0xff, lid: (value >>> 16) & 0xff };
}

export function encodeAen(aen: Aen): number {
  return (aen.type & 7) | ((aen.info & 0xff) << 8) | ((aen.lid & 0xff) << 16);
}

/** Is this the notice that the discovery log has changed? Compares the whole value, as nvme-cli's rule does. */
export function isDiscoveryChange(value: number): boolean {
  return value === DISCOVERY_LOG_CHANGED;
}
