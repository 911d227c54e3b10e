/** Addresses, written from requirements 20, DEC-11 and from RFC 4291, not from the product. */
import { kept } from "./memo.ts";

/** An address as a number; `mapped` is an IPv4 address written as `::ffff:a.b.c.d` or the like. */
interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly mapped: boolean;
  readonly scope: string;
}

const MAPPED = 0xffffn << 32n;

/** TID-15: four numbers up to 255 without leading zeros. */
function quad(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255 || String(Number(part)) !== part) return undefined;
    value = value * 256n + BigInt(part);
  }
  return value;
}

/** Groups of 16 bits; the last may be a quad, which is two of them. */
function groups(text: string, last: boolean): bigint[] | undefined {
  const found: bigint[] = [];
  if (text === "") return found;
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    const four = last && at === parts.length - 1 ? quad(part) : undefined;
    if (four !== undefined) found.push(four >> 16n, four & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) found.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return found;
}

function six(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = "", tail = ""] = halves;
  const before = groups(head, halves.length === 1);
  const behind = groups(tail, true);
  if (before === undefined || behind === undefined) return undefined;
  const zeros = 8 - before.length - behind.length;
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined;
  const all = [...before, ...Array.from({ length: zeros }, () => 0n), ...behind];
  return all.reduce((value, group) => value << 16n | group, 0n);
}

const read = kept((text): Address | undefined => {
  if (text.length > 128) return undefined;
  const four = quad(text);
  if (four !== undefined) return { family: 4, value: four, mapped: false, scope: "" };
  const [address = "", scope, ...more] = text.split("%");
  if (more.length > 0 || scope === "" || /[\s/,\p{Cc}]/u.test(scope ?? "")) return undefined;
  const value = six(address);
  if (value === undefined) return undefined;
  return { family: 6, value, mapped: value >> 32n === MAPPED >> 32n, scope: scope ?? "" };
});

/** TID-17, TID-18: one text for all spellings of one address; undefined for what is no address. */
export const canonical = kept((text): string | undefined => {
  const address = read(text);
  if (address === undefined) return undefined;
  return address.family === 4 || address.mapped
    ? `4 ${address.value & 0xffffffffn}`
    : `6 ${address.value.toString(16)}`;
});

export const isAddress = (text: string): boolean => read(text) !== undefined;

/** TID-19: what is no address equals nothing. */
export function sameAddress(a: string, b: string): boolean {
  const one = canonical(a);
  return one !== undefined && one === canonical(b);
}

/** What stands behind `%`. */
export const scopeOf = (text: string): string => read(text)?.scope ?? "";

/** fe80::/10. */
export function isLinkLocal(text: string): boolean {
  const address = read(text);
  return address?.family === 6 && address.value >> 118n === 0x3fan;
}

/** Which word of `ip-family` an address needs (CFG-59). A mapped address counts as IPv4 (DEC-13). */
export function familyOf(text: string): 4 | 6 | undefined {
  const address = read(text);
  return address?.mapped === true ? 4 : address?.family;
}

/** An address of a transport, or any other text, in the form in which it is compared. */
export function comparable(transport: string, text: string): string {
  if (transport === "tcp" || transport === "rdma") return canonical(text) ?? text;
  const lower = text.toLowerCase();
  // KRN-57: some targets write a comma between the names of node and port.
  return transport === "fc" ? lower.replace(",pn-", ":pn-") : lower;
}

/** One address block, `10.0.0.0/24` (DEC-20). Undefined: it is none. */
export function isInBlock(text: string, block: string): boolean | undefined {
  const [start = "", length, ...more] = block.split("/");
  const base = read(start);
  if (base === undefined || base.scope !== "" || more.length > 0) return undefined;
  if (length === undefined || !/^\d{1,3}$/.test(length)) return undefined;
  const width = base.family === 4 ? 32 : 128;
  const bits = Number(length);
  if (bits > width) return undefined;
  const address = read(text);
  if (address === undefined) return false;
  const isFour = (one: Address): boolean => one.family === 4 || one.mapped;
  const shift = BigInt(width - bits);
  if (base.family === 4) {
    return isFour(address) && (address.value & 0xffffffffn) >> shift === base.value >> shift;
  }
  if (address.family !== 6) return false;
  return address.value >> shift === base.value >> shift;
}
