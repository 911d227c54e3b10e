/** DH-HMAC-CHAP keys in the form `DHHC-1:HH:BASE64:` (NVMe base, 8.13.5.8): the key and its CRC-32, as base64. */

const FORM = /^DHHC-1:([0-9A-Fa-f]{2}):([A-Za-z0-9+/]+=*):?$/;

/** Bytes of a key by its HH: any of the three lengths for 00, otherwise that of the hash (SHA-256, SHA-384, SHA-512). */
const LENGTHS: ReadonlyMap<string, readonly number[]> = new Map([
  ["00", [32, 48, 64]],
  ["01", [32]],
  ["02", [48]],
  ["03", [64]],
]);

/** The form that the kernel takes; it prints others to its log. */
export const isDhchapKey = (text: string): boolean => FORM.test(text);

/** Why the kernel refuses a key of the right form; the text contains no part of the key (S8). */
export function dhchapKeyProblem(text: string): string | undefined {
  const [, hash = "", base64 = ""] = FORM.exec(text) ?? [];
  const lengths = LENGTHS.get(hash);
  if (lengths === undefined) return `has the hash ${hash}, which is not 00, 01, 02 or 03`;
  const bytes = bytesOf(base64);
  if (bytes === undefined) return "is not base64";
  const length = bytes.length - 4;
  if (!lengths.includes(length)) {
    return `has ${Math.max(length, 0)} bytes; with the hash ${hash} there must be ${lengths.join(", ")}`;
  }
  const view = new DataView(bytes.buffer);
  return view.getUint32(length, true) === crc32(bytes.subarray(0, length))
    ? undefined
    : "has a wrong checksum: at least one character is wrong";
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

/** CRC-32 of IEEE 802.3. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0xedb8_8320);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
