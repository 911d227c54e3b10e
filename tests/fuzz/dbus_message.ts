/** Fuzzers of what comes from the bus: the stream with its messages, and a body with its signature. */
import assert from "node:assert/strict";
import { FrameError, Framer, type Head, MAX_FIELDS_BYTES } from "../../src/lib/dbus/frame.ts";
import { decodeBody, WireError } from "../../src/lib/dbus/wire.ts";
import { Bytes, message, variants } from "../unit/dbus/messages.ts";
import { type Fuzzer, kindOf, textOf } from "./fuzzer.ts";
import { few } from "./oracle.ts";

/** The longest body that the fuzzed look takes. */
const TAKEN = 64;

interface Seen {
  readonly events: readonly unknown[];
  readonly end: string;
}

/** What comes out of a stream that is fed in pieces of `size`. */
function frames(stream: Uint8Array, size: number): Seen {
  const events: unknown[] = [];
  const framer = new Framer((head: Head) => {
    events.push(head);
    return head.bodyBytes <= TAKEN ? (body) => events.push(body) : undefined;
  });
  let end = "goes on";
  try {
    for (let at = 0; at < stream.length; at += size) framer.feed(stream.subarray(at, at + size));
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    end = error.message;
  }
  const { mostKept, taken, takenBytes } = framer.traffic;
  assert.ok(mostKept <= 24 + MAX_FIELDS_BYTES + TAKEN, `${mostKept} bytes were kept`);
  assert.ok(takenBytes <= taken * TAKEN);
  return { events, end };
}

const call = { path: "/a", interface: "org.a.b", member: "Do", sender: ":1.7", destination: ":1.8" };
const joined = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(parts.flatMap((part) => [...part]));

const frame: Fuzzer = {
  name: "dbus-frame",
  seeds: [
    message({ ...call, signature: "s", body: new Bytes().string("x").done }),
    message({ ...call, signature: "s", body: new Bytes(false).string("x").done }, false),
    joined(
      message({ ...call, signature: "av", body: variants(30) }),
      message({ type: 4, ...call }),
      message({ type: 2, replySerial: 7, sender: "org.freedesktop.DBus" }),
    ),
    message({
      type: 3,
      replySerial: 7,
      errorName: "a.b",
      signature: "s",
      body: new Bytes().string("no").done,
    }),
  ],
  run: (input) => {
    const whole = frames(input, input.length + 1);
    // How the stream is cut changes nothing.
    for (const size of [1, 7, 16]) assert.deepEqual(frames(input, size), whole);
    return `${few(whole.events.length)} ${kindOf(whole.end)}`;
  },
};

/** The first byte is the length of the signature, its lowest bit the byte order. */
const body: Fuzzer = {
  name: "dbus-body",
  seeds: [
    Uint8Array.of(2, 0x73, ...new Bytes().string("x").done),
    Uint8Array.of(4, 0x61, 0x76, ...variants(3)),
    Uint8Array.of(10, ...new Bytes().string("a{sv}").done.subarray(4, 9), ...new Bytes().u32(0).done),
    Uint8Array.of(6, 0x61, 0x61, 0x79, ...new Bytes().u32(4).u32(0).done),
    Uint8Array.of(3, 0x75, ...new Bytes(false).u32(7).done),
  ],
  run: (input) => {
    const [first = 0] = input;
    const split = 1 + (first >> 1);
    const signature = textOf(input.subarray(1, split));
    try {
      const values = decodeBody(signature, input.subarray(split), (first & 1) === 0);
      return `read ${few(values.length)}`;
    } catch (error) {
      if (error instanceof WireError) return kindOf(error.message);
      throw error;
    }
  },
};

export const fuzzers: readonly Fuzzer[] = [frame, body];
