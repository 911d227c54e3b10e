/** Messages in the wire format, made by hand: in both byte orders, and wrong in any way that a test wants. */

export interface Parts {
  readonly type?: number;
  readonly flags?: number;
  readonly serial?: number;
  readonly replySerial?: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly destination?: string;
  readonly sender?: string;
  readonly signature?: string;
  readonly body?: Uint8Array;
}

const text = new TextEncoder();

/** Bytes with alignment and byte order. */
export class Bytes {
  readonly #little: boolean;
  readonly #bytes: number[] = [];

  constructor(little = true) {
    this.#little = little;
  }

  align(to: number): this {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0);
    return this;
  }

  byte(...bytes: readonly number[]): this {
    return this.bytes(bytes);
  }

  bytes(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  u32(value: number): this {
    const bytes = [value & 255, value >>> 8 & 255, value >>> 16 & 255, value >>> 24];
    this.align(4);
    return this.byte(...this.#little ? bytes : bytes.reverse());
  }

  string(value: string): this {
    const bytes = text.encode(value);
    return this.u32(bytes.length).bytes(bytes).byte(0);
  }

  signature(value: string): this {
    return this.byte(value.length, ...text.encode(value), 0);
  }

  get done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

export function message(parts: Parts, little = true): Uint8Array {
  const { type = 1, flags = 0, serial = 1, body = new Uint8Array(0) } = parts;
  const fields = new Bytes(little);
  const texts = [
    [1, "o", parts.path],
    [2, "s", parts.interface],
    [3, "s", parts.member],
    [4, "s", parts.errorName],
    [6, "s", parts.destination],
    [7, "s", parts.sender],
  ] as const;
  for (const [code, kind, value] of texts) {
    if (value !== undefined) fields.align(8).byte(code).signature(kind).string(value);
  }
  if (parts.replySerial !== undefined) fields.align(8).byte(5).signature("u").u32(parts.replySerial);
  if (parts.signature !== undefined) fields.align(8).byte(8).signature("g").signature(parts.signature);
  const { length } = fields.done;
  const head = new Bytes(little).byte(little ? 0x6c : 0x42, type, flags, 1).u32(body.length).u32(serial);
  head.u32(length);
  const start = new Bytes().bytes(head.done).bytes(fields.done).align(8).done;
  const whole = new Uint8Array(start.length + body.length);
  whole.set(start);
  whole.set(body, start.length);
  return whole;
}

/** An array of so many variants of one byte each: the body that a decoder takes longest for. */
export function variants(count: number): Uint8Array {
  const body = new Uint8Array(4 + 4 * count);
  new DataView(body.buffer).setUint32(0, 4 * count, true);
  for (let at = 4; at < body.length; at += 4) {
    body[at] = 1;
    body[at + 1] = 0x79;
  }
  return body;
}
