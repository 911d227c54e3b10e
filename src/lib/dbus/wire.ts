/**
 * Values in the format of D-Bus, from bytes. Strict and bounded: a bus should pass on valid messages only, but we do
 * not choose which bus runs on this host. Pure.
 */
import { Variant } from "dbus-next";

/** Limits of the D-Bus specification. */
const MAX_SIGNATURE = 255;
const MAX_DEPTH = 32;
const MAX_VARIANT_DEPTH = 64;
const MAX_ARRAY_BYTES = 64 * 1024 * 1024;

/** A single complete type. */
export interface Type {
  readonly code: string;
  /** Of an array: the element. Of a struct or a dictionary's entry: the members. */
  readonly parts: readonly Type[];
}

/** An error in bytes or in a signature. */
export class WireError extends Error {}

const BASIC = "ybnqiuxtdsogh";
const EIGHT = "xtd({";

/** Parses a signature. Throws a {@link WireError} for an invalid one. */
export function parseSignature(signature: string): readonly Type[] {
  if (signature.length > MAX_SIGNATURE) throw new WireError("a signature is longer than 255 characters");
  const types: Type[] = [];
  for (let at = 0; at < signature.length;) {
    const [type, end] = parseType(signature, at, 0, 0);
    types.push(type);
    at = end;
  }
  return types;
}

function parseType(
  signature: string,
  at: number,
  arrays: number,
  structs: number,
): readonly [type: Type, end: number] {
  const code = signature[at] ?? "";
  if (arrays > MAX_DEPTH || structs > MAX_DEPTH) throw new WireError("a signature is nested too deeply");
  if (code !== "" && (BASIC.includes(code) || code === "v")) return [{ code, parts: [] }, at + 1];
  if (code === "a") {
    const [element, end] = signature[at + 1] === "{"
      ? parseEntry(signature, at + 1, arrays + 1, structs)
      : parseType(signature, at + 1, arrays + 1, structs);
    return [{ code, parts: [element] }, end];
  }
  if (code !== "(") throw new WireError(`a signature has no type at character ${at + 1}`);
  const parts: Type[] = [];
  let next = at + 1;
  while (signature[next] !== ")") {
    const [part, end] = parseType(signature, next, arrays, structs + 1);
    parts.push(part);
    next = end;
  }
  if (parts.length === 0) throw new WireError("a signature has an empty struct");
  return [{ code, parts }, next + 1];
}

function parseEntry(
  signature: string,
  at: number,
  arrays: number,
  structs: number,
): readonly [type: Type, end: number] {
  const [key, afterKey] = parseType(signature, at + 1, arrays, structs + 1);
  const [value, end] = parseType(signature, afterKey, arrays, structs + 1);
  if (!BASIC.includes(key.code) || signature[end] !== "}") {
    throw new WireError("a signature has a dictionary entry that is not a basic type and one other type");
  }
  return [{ code: "{", parts: [key, value] }, end + 1];
}

/** The values of a body. Throws a {@link WireError}. */
export function decodeBody(signature: string, bytes: Uint8Array, littleEndian: boolean): readonly unknown[] {
  const types = parseSignature(signature);
  const reader = new WireReader(bytes, littleEndian);
  const values = types.map((type) => reader.value(type));
  if (!reader.atEnd) throw new WireError("there is more than the signature says");
  return values;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads values; alignment counts from the first byte. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  #at: number;
  #variants = 0;

  constructor(bytes: Uint8Array, littleEndian: boolean, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = littleEndian;
    this.#at = at;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  get position(): number {
    return this.#at;
  }

  /** Skips the padding before a value with this alignment. */
  align(to: number): void {
    while (this.#at % to !== 0) {
      if (this.#bytes[this.#take(1)] !== 0) throw new WireError("padding is not zero");
    }
  }

  u32(): number {
    this.align(4);
    return this.#view.getUint32(this.#take(4), this.#little);
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  signature(): string {
    return this.#text(this.byte());
  }

  /** 64-bit integers are `bigint`, a dictionary is an object, `ay` is a view of the bytes. */
  value({ code, parts }: Type): unknown {
    switch (code) {
      case "y":
        return this.byte();
      case "b":
        return this.#boolean();
      case "n":
        this.align(2);
        return this.#view.getInt16(this.#take(2), this.#little);
      case "q":
        this.align(2);
        return this.#view.getUint16(this.#take(2), this.#little);
      case "i":
        this.align(4);
        return this.#view.getInt32(this.#take(4), this.#little);
      case "u":
        return this.u32();
      case "x":
        this.align(8);
        return this.#view.getBigInt64(this.#take(8), this.#little);
      case "t":
        this.align(8);
        return this.#view.getBigUint64(this.#take(8), this.#little);
      case "d":
        this.align(8);
        return this.#view.getFloat64(this.#take(8), this.#little);
      case "s":
      case "o":
        return this.#text(this.u32());
      case "g":
        return this.signature();
      case "v":
        return this.#variant();
      case "a":
        return this.#array(parts[0]);
      case "(":
        this.align(8);
        return parts.map((part) => this.value(part));
      default:
        // We accept no file descriptors: an index has nothing to refer to.
        throw new WireError(`a value of type ${code} cannot be read`);
    }
  }

  #boolean(): boolean {
    const value = this.u32();
    if (value > 1) throw new WireError("a boolean is neither 0 nor 1");
    return value === 1;
  }

  #variant(): Variant {
    const signature = this.signature();
    const [type, ...more] = parseSignature(signature);
    if (type === undefined || more.length > 0) throw new WireError("a variant is not of one complete type");
    if (++this.#variants > MAX_VARIANT_DEPTH) throw new WireError("variants are nested too deeply");
    const value = this.value(type);
    this.#variants -= 1;
    return new Variant(signature, value);
  }

  #array(element: Type | undefined): unknown {
    if (element === undefined) throw new Error("an array without a type: parseSignature makes none");
    const length = this.u32();
    if (length > MAX_ARRAY_BYTES) throw new WireError("an array is longer than 64 MiB");
    if (EIGHT.includes(element.code)) this.align(8);
    if (element.code === "y") return this.#bytes.subarray(this.#take(length), this.#at);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new WireError("an array ends behind the message");
    const values: unknown[] = [];
    const entries: [string, unknown][] = [];
    while (this.#at < end) {
      if (element.code === "{") entries.push(this.#entry(element.parts));
      else values.push(this.value(element));
    }
    if (this.#at !== end) throw new WireError("an array's last element ends behind it");
    return element.code === "{" ? Object.fromEntries(entries) : values;
  }

  #entry([key, value]: readonly Type[]): [string, unknown] {
    if (key === undefined || value === undefined) throw new Error("an entry without types");
    this.align(8);
    return [String(this.value(key)), this.value(value)];
  }

  #text(length: number): string {
    const start = this.#take(length);
    if (this.byte() !== 0) throw new WireError("a text does not end in zero");
    const bytes = this.#bytes.subarray(start, start + length);
    if (bytes.includes(0)) throw new WireError("a text has a zero in it");
    try {
      return utf8.decode(bytes);
    } catch {
      throw new WireError("a text is not UTF-8");
    }
  }

  /** Moves past the next `length` bytes; returns the position before them. */
  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw new WireError("a value ends behind the message");
    this.#at = start + length;
    return start;
  }
}
