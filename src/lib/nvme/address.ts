/** IP addresses as texts (TID-15 to TID-20), and FC addresses. */

export interface Ip {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. Shared by all callers: not to be written to. */
  readonly bytes: Uint8Array;
  /** Compressed, lower case, without the scope. An IPv4-mapped address stays IPv6 here. */
  readonly text: string;
  /** What follows `%`, or empty. */
  readonly scope: string;
}

/** A text longer than this is not an address; this also bounds the work done for a peer's text. */
const MAX_LENGTH = 128;
const QUAD = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const SCOPE = /^[^\s%/,\p{Cc}]+$/u;

function parseQuad(text: string): Uint8Array | undefined {
  const found = QUAD.exec(text);
  if (found === null) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const value = Number(found[i + 1]);
    if (value > 255) return undefined;
    bytes[i] = value;
  }
  return bytes;
}

/** The 16-bit groups of one side of `::`, or of the whole address; empty text has none. */
function parseGroups(text: string, mayEndInQuad: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? "";
    if (part.includes(".") && mayEndInQuad && i === parts.length - 1) {
      const quad = parseQuad(part);
      if (quad === undefined) return undefined;
      const view = new DataView(quad.buffer);
      groups.push(view.getUint16(0), view.getUint16(2));
    } else if (GROUP.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function parseV6(text: string): Uint8Array | undefined {
  const sides = text.split("::");
  if (sides.length > 2) return undefined;
  const high = parseGroups(sides[0] ?? "", sides.length === 1);
  const low = parseGroups(sides[1] ?? "", true);
  if (high === undefined || low === undefined) return undefined;
  const missing = 8 - high.length - low.length;
  // `::` stands for one group or more.
  if (sides.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  high.forEach((group, i) => view.setUint16(2 * i, group));
  low.forEach((group, i) => view.setUint16(2 * (high.length + missing + i), group));
  return bytes;
}

/** Compressed lower-case text of 16 bytes: the longest run of two or more zero groups becomes `::`, the first of equals. */
function formatV6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  let start = 0;
  let length = 0;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    i = Math.max(i, end - 1);
  }
  const hex = (from: number, to: number) =>
    groups.slice(from, to).map((group) => group.toString(16)).join(":");
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

/** The text of 4 or 16 bytes in network order; an IPv4-mapped address stays IPv6. */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join(".") : formatV6(bytes);
}

/** The IPv4 part of an IPv4-mapped address. */
export function unmapped(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== 16) return undefined;
  for (let i = 0; i < 12; i++) if (bytes[i] !== (i < 10 ? 0 : 0xff)) return undefined;
  return bytes.slice(12);
}

/** The limit of cached texts; the cache is cleared when it is exceeded (S6). */
const MAX_KNOWN = 4096;
const known = new Map<string, Ip | undefined>();

/**
 * TID-15: strict dotted quad without leading zeros, or RFC 4291 text with an optional `%scope`.
 * No brackets, prefix length, port or spaces.
 */
export function parseIp(text: string): Ip | undefined {
  // V8 would keep texts that are whole numbers at places that a peer can choose (base/name_key.ts).
  if (text.length > MAX_LENGTH || !(text.includes(".") || text.includes(":"))) return undefined;
  const before = known.get(text);
  if (before !== undefined || known.has(text)) return before;
  if (known.size >= MAX_KNOWN) known.clear();
  const ip = parse(text);
  // The same few addresses are parsed for every controller, again and again.
  known.set(text, ip);
  return ip;
}

function parse(text: string): Ip | undefined {
  const quad = parseQuad(text);
  if (quad !== undefined) return { family: 4, bytes: quad, text, scope: "" };
  const percent = text.indexOf("%");
  const scope = percent < 0 ? "" : text.slice(percent + 1);
  if (percent >= 0 && !SCOPE.test(scope)) return undefined;
  const bytes = parseV6(percent < 0 ? text : text.slice(0, percent));
  return bytes === undefined ? undefined : { family: 6, bytes, text: formatV6(bytes), scope };
}

export function isIp(text: string): boolean {
  return parseIp(text) !== undefined;
}

/**
 * The one text for all spellings of an address: IPv4-mapped becomes IPv4, IPv6 is compressed, the scope is removed
 * (TID-17, TID-18).
 */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text);
  if (ip === undefined || ip.family === 4) return ip?.text;
  const quad = unmapped(ip.bytes);
  return quad === undefined ? ip.text : formatIp(quad);
}

/** TID-16: an IPv4-mapped address counts as IPv6. */
export function ipFamily(text: string): 4 | 6 | undefined {
  return parseIp(text)?.family;
}

/**
 * TID-17 to TID-20: the same address, whatever its spelling and scope. A text that is not an address equals nothing,
 * not even itself.
 */
export function sameAddress(a: string, b: string): boolean {
  const canonical = canonicalIp(a);
  return canonical !== undefined && canonical === canonicalIp(b);
}

/** The scope of an IPv6 address, or empty. */
export function scopeOf(text: string): string {
  return text.includes("%") ? parseIp(text)?.scope ?? "" : "";
}

/** Whether the address means something on one interface only (fe80::/10). */
export function isLinkLocal(text: string): boolean {
  const ip = parseIp(text);
  return ip?.family === 6 && ip.bytes[0] === 0xfe && ((ip.bytes[1] ?? 0) & 0xc0) === 0x80;
}

/** A link-local address with this interface as its scope, if it has none; any other address as it is. */
export function withScope(text: string, iface: string): string {
  return isLinkLocal(text) && scopeOf(text) === "" ? `${text}%${iface}` : text;
}

/** FC addresses are compared without case, and some targets write `,` between `nn-` and `pn-` (KRN-57). */
export function canonicalFc(text: string): string {
  return text.toLowerCase().replace(",pn-", ":pn-");
}

/** KRN-57 for display: corrects only the separator. */
export function correctedFc(text: string): string {
  return text.replace(/,(?=pn-)/i, ":");
}
