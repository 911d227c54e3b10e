/** Patterns of `exclude=` entries: `*` in an NQN, and networks for addresses (DEC-20). */
import { formatIp, parseIp, unmapped } from "../nvme/address.ts";

/** Does the text match a pattern in which `*` stands for any text, even an empty one? */
export function matchesStars(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return first === text;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}

export interface Network {
  /** 4 or 16 bytes; an IPv4-mapped network counts as IPv4. */
  readonly bytes: Uint8Array;
  /** Bits of the prefix. */
  readonly length: number;
  /** Interface of a link-local network, or empty. */
  readonly scope: string;
  /** The network in the usual notation, without the bits after the prefix. */
  readonly text: string;
}

/** `ADDRESS/BITS`. */
export function parseNetwork(text: string): Network | undefined {
  const found = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const ip = parseIp(found?.[1] ?? "");
  if (found === null || ip === undefined) return undefined;
  const quad = unmapped(ip.bytes);
  const isMapped = quad !== undefined && Number(found[2]) >= 96;
  const bytes = isMapped && quad !== undefined ? quad : ip.bytes;
  const length = Number(found[2]) - (isMapped ? 96 : 0);
  if (length > bytes.length * 8) return undefined;
  const masked = bytes.map((byte, index) => byte & maskOf(length - index * 8));
  return { bytes: masked, length, scope: ip.scope, text: `${formatIp(masked)}/${length}` };
}

/** The mask of a byte in which this many bits belong to the prefix. */
const maskOf = (bits: number): number => bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff;

export function isInNetwork(address: string, network: Network): boolean {
  const ip = parseIp(address);
  const bytes = ip === undefined ? undefined : unmapped(ip.bytes) ?? ip.bytes;
  return bytes !== undefined && bytes.length === network.bytes.length &&
    network.bytes.every((byte, index) => ((bytes[index] ?? 0) & maskOf(network.length - index * 8)) === byte);
}
