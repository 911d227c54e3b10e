/**
 * Messages out of a stream of bytes. Each message is judged by its header; only an accepted body is kept, any other
 * is skipped. Any user of this host can send us 32 MB of anything: that must cost no more than reading past it. Pure.
 */
import { parseSignature, WireError, WireReader } from "./wire.ts";

/** Message types of the D-Bus specification. */
export const METHOD_CALL = 1;
export const METHOD_RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;
const NO_REPLY_EXPECTED = 1;

/** The longest message of the D-Bus specification. A stream with a longer one is no D-Bus. */
const MAX_FRAME_BYTES = 128 * 1024 * 1024;
/** The longest header fields that are read: names have 255 characters at most; the rest is for a path. Longer: skipped. */
export const MAX_FIELDS_BYTES = 64 * 1024;
const FIXED_BYTES = 16;
const LITTLE = 0x6c;
const BIG = 0x42;

/** The fields of a message's header; absent fields are empty. */
export interface Head {
  readonly type: number;
  readonly serial: number;
  readonly replySerial: number;
  readonly replyExpected: boolean;
  readonly sender: string;
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly errorName: string;
  readonly signature: string;
  readonly littleEndian: boolean;
  readonly bodyBytes: number;
}

/** Receives the body when it is complete; no other reference to the bytes is kept. */
export type TakeBody = (body: Uint8Array) => void;
/** Decides by the header: undefined skips the body. */
type Look = (head: Head) => TakeBody | undefined;

/** Counts of the traffic so far. */
export interface Traffic {
  readonly taken: number;
  readonly takenBytes: number;
  readonly skipped: number;
  readonly skippedBytes: number;
  /** The most bytes of one message that were kept at one time. */
  readonly mostKept: number;
}

/** A wanted body, as far as it has arrived. */
interface Body {
  readonly bytes: Uint8Array;
  readonly take: TakeBody;
  filled: number;
}

/** The stream cannot be followed any longer. */
export class FrameError extends Error {}

export class Framer {
  readonly #look: Look;
  /** Bytes of an incomplete header. */
  #head = new Uint8Array(FIXED_BYTES);
  #headBytes = 0;
  #headWanted = FIXED_BYTES;
  #body: Body | undefined;
  #toSkip = 0;
  readonly #traffic = { taken: 0, takenBytes: 0, skipped: 0, skippedBytes: 0, mostKept: 0 };

  constructor(look: Look) {
    this.#look = look;
  }

  get traffic(): Traffic {
    return { ...this.#traffic };
  }

  /** The next bytes of the stream, cut anywhere. Throws a {@link FrameError}, after which nothing more can be fed. */
  feed(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#toSkip > 0) {
        const passed = Math.min(this.#toSkip, chunk.length - at);
        this.#toSkip -= passed;
        at += passed;
      } else if (this.#body !== undefined) {
        at += this.#fill(this.#body, chunk.subarray(at));
      } else {
        at += this.#collect(chunk.subarray(at));
      }
    }
  }

  /** Takes bytes of a header; returns their number. */
  #collect(chunk: Uint8Array): number {
    const some = chunk.subarray(0, this.#headWanted - this.#headBytes);
    this.#head.set(some, this.#headBytes);
    this.#headBytes += some.length;
    if (this.#headBytes < this.#headWanted) return some.length;
    if (this.#headWanted === FIXED_BYTES) this.#fixed();
    else this.#fields();
    return some.length;
  }

  /** The fixed part of a header has arrived. */
  #fixed(): void {
    const { bodyBytes, fieldsBytes } = lengths(this.#head);
    const rest = padded(fieldsBytes) + bodyBytes;
    if (FIXED_BYTES + rest > MAX_FRAME_BYTES) {
      throw new FrameError("the bus sent a message of more than 128 MiB");
    }
    if (fieldsBytes > MAX_FIELDS_BYTES) {
      this.#skip(rest);
      return;
    }
    const whole = FIXED_BYTES + padded(fieldsBytes);
    // A message without fields is invalid.
    if (whole === FIXED_BYTES) {
      this.#skip(rest);
      return;
    }
    const grown = new Uint8Array(whole);
    grown.set(this.#head.subarray(0, FIXED_BYTES));
    this.#head = grown;
    this.#headWanted = whole;
    this.#kept(whole);
  }

  /** A header is complete. */
  #fields(): void {
    const { bodyBytes } = lengths(this.#head);
    const head = parseHead(this.#head);
    const take = head === undefined ? undefined : this.#look(head);
    if (take === undefined) {
      this.#skip(bodyBytes);
      return;
    }
    this.#kept(this.#head.length + bodyBytes);
    this.#next();
    this.#body = { bytes: new Uint8Array(bodyBytes), take, filled: 0 };
    if (bodyBytes === 0) this.#fill(this.#body, new Uint8Array(0));
  }

  #fill(body: Body, chunk: Uint8Array): number {
    const some = chunk.subarray(0, body.bytes.length - body.filled);
    body.bytes.set(some, body.filled);
    body.filled += some.length;
    if (body.filled === body.bytes.length) {
      this.#body = undefined;
      this.#traffic.taken += 1;
      this.#traffic.takenBytes += body.bytes.length;
      body.take(body.bytes);
    }
    return some.length;
  }

  #skip(bytes: number): void {
    this.#traffic.skipped += 1;
    this.#traffic.skippedBytes += bytes;
    this.#toSkip = bytes;
    this.#next();
  }

  #next(): void {
    this.#headBytes = 0;
    this.#headWanted = FIXED_BYTES;
  }

  #kept(bytes: number): void {
    this.#traffic.mostKept = Math.max(this.#traffic.mostKept, bytes);
  }
}

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

function isLittle(head: Uint8Array): boolean {
  if (head[0] !== LITTLE && head[0] !== BIG) throw new FrameError("the bus sent what is no D-Bus message");
  if (head[3] !== 1) throw new FrameError(`the bus sent a message of protocol version ${head[3] ?? 0}`);
  return head[0] === LITTLE;
}

function lengths(head: Uint8Array): { readonly bodyBytes: number; readonly fieldsBytes: number } {
  const little = isLittle(head);
  const view = new DataView(head.buffer, head.byteOffset);
  return { bodyBytes: view.getUint32(4, little), fieldsBytes: view.getUint32(12, little) };
}

/** The fields by code, and their types. */
const FIELDS = [
  ["", ""],
  ["path", "o"],
  ["interface", "s"],
  ["member", "s"],
  ["errorName", "s"],
  ["replySerial", "u"],
  ["destination", "s"],
  ["sender", "s"],
  ["signature", "g"],
] as const;

/** A complete header; undefined when the bytes are not one. */
function parseHead(bytes: Uint8Array): Head | undefined {
  const littleEndian = isLittle(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const texts = {
    path: "",
    interface: "",
    member: "",
    errorName: "",
    destination: "",
    sender: "",
    signature: "",
  };
  let replySerial = 0;
  try {
    const end = FIXED_BYTES + view.getUint32(12, littleEndian);
    const reader = new WireReader(bytes.subarray(0, end), littleEndian, FIXED_BYTES);
    while (!reader.atEnd) {
      reader.align(8);
      const code = reader.byte();
      const signature = reader.signature();
      const [type, ...more] = parseSignature(signature);
      if (type === undefined || more.length > 0) return undefined;
      const value = reader.value(type);
      const [name, wanted] = FIELDS[code] ?? ["", ""];
      // Skip unknown fields, as the specification requires.
      if (name === "") continue;
      if (signature !== wanted) return undefined;
      if (name === "replySerial") replySerial = Number(value);
      else texts[name] = String(value);
    }
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
  const type = view.getUint8(1);
  return {
    ...texts,
    type,
    serial: view.getUint32(8, littleEndian),
    replySerial,
    replyExpected: type === METHOD_CALL && (view.getUint8(2) & NO_REPLY_EXPECTED) === 0,
    littleEndian,
    bodyBytes: view.getUint32(4, littleEndian),
  };
}
