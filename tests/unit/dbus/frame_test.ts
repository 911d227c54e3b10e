import assert from "node:assert/strict";
import {
  FrameError,
  Framer,
  type Head,
  MAX_FIELDS_BYTES,
  type TakeBody,
} from "../../../src/lib/dbus/frame.ts";
import { decodeBody } from "../../../src/lib/dbus/wire.ts";
import { Bytes, message, variants } from "./messages.ts";

const CALL = { path: "/a", interface: "org.example.a", member: "Do", sender: ":1.7", destination: ":1.8" };

/** Feeds a stream in pieces of `size`; what was looked at, and what was taken. */
function run(
  stream: Uint8Array,
  size: number,
  wanted: (head: Head) => boolean,
): { readonly heads: readonly Head[]; readonly bodies: readonly Uint8Array[]; readonly framer: Framer } {
  const heads: Head[] = [];
  const bodies: Uint8Array[] = [];
  const framer = new Framer((head): TakeBody | undefined => {
    heads.push(head);
    return wanted(head) ? (body) => bodies.push(body) : undefined;
  });
  for (let at = 0; at < stream.length; at += size) framer.feed(stream.subarray(at, at + size));
  return { heads, bodies, framer };
}

const concat = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(parts.flatMap((part) => [...part]));

Deno.test("headers in both byte orders are read, and a body is taken or runs past, cut anywhere", () => {
  const stream = concat(
    message({ ...CALL, serial: 5, signature: "s", body: new Bytes().string("one").done }),
    message({ ...CALL, serial: 6, flags: 1, signature: "u", body: new Bytes(false).u32(7).done }, false),
    message({ ...CALL, serial: 7 }),
    message({ type: 3, replySerial: 9, errorName: "org.example.Error", sender: ":1.7", serial: 8 }, false),
  );
  for (const size of [1, 2, 3, 7, 16, 64, stream.length]) {
    const { heads, bodies, framer } = run(stream, size, ({ serial }) => serial !== 5);
    assert.deepEqual(heads.map(({ serial }) => serial), [5, 6, 7, 8]);
    const [first, second, third, fourth] = heads;
    assert.ok(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined);
    const { type, replyExpected, sender, destination, path, member, signature, littleEndian } = first;
    assert.deepEqual(
      { type, replyExpected, sender, destination, path, member, signature, littleEndian },
      { type: 1, replyExpected: true, ...sent(), signature: "s", littleEndian: true },
    );
    assert.ok(!second.replyExpected && !second.littleEndian && second.signature === "u");
    assert.ok(third.signature === "" && third.bodyBytes === 0);
    assert.deepEqual([fourth.type, fourth.replySerial, fourth.errorName], [3, 9, "org.example.Error"]);
    assert.deepEqual(decodeBody("u", bodies[0] ?? new Uint8Array(0), false), [7]);
    assert.deepEqual(bodies.map(({ length }) => length), [4, 0, 0]);
    const { taken, takenBytes, skipped, skippedBytes } = framer.traffic;
    assert.deepEqual({ taken, takenBytes, skipped, skippedBytes }, {
      taken: 3,
      takenBytes: 4,
      skipped: 1,
      skippedBytes: 8,
    });
  }
});

function sent(): Record<string, string> {
  const { path, member, sender, destination } = CALL;
  return { sender, destination, path, member };
}

Deno.test("31 MB that nobody takes are not kept", () => {
  const body = variants(31 * 1024 * 1024 / 4);
  const framer = new Framer(() => undefined);
  framer.feed(message({ ...CALL, signature: "av", body }));
  const { taken, takenBytes, skipped, skippedBytes, mostKept } = framer.traffic;
  assert.deepEqual({ taken, takenBytes, skipped, skippedBytes }, {
    taken: 0,
    takenBytes: 0,
    skipped: 1,
    skippedBytes: body.length,
  });
  assert.ok(mostKept < 300, `${mostKept} bytes were kept`);
});

Deno.test("a header that is too long, or is none, is passed over, and the next message is read", () => {
  const good = message({ ...CALL, serial: 9 });
  const wrongType = message({ ...CALL, signature: "s", body: new Bytes().string("x").done });
  // The member's type becomes y, for which its value is too long.
  wrongType[wrongType.indexOf(3, 16) + 2] = 0x79;
  const bad = [
    message({ ...CALL, path: `/${"x".repeat(MAX_FIELDS_BYTES)}`, body: new Uint8Array(5), signature: "ay" }),
    message({}),
    wrongType,
  ];
  for (const one of bad) {
    const { heads, framer } = run(concat(one, good), 1000, () => true);
    assert.deepEqual(heads.map(({ serial }) => serial), [9]);
    assert.equal(framer.traffic.skipped, 1);
    assert.ok(framer.traffic.mostKept < 1000);
  }
});

Deno.test("a stream that is no D-Bus is an error, not an endless wait", () => {
  const good = message(CALL);
  const long = good.slice();
  new DataView(long.buffer).setUint32(4, 0xf000_0000, true);
  for (
    const [stream, why] of [
      [good.with(0, 0x58), /no D-Bus message/],
      [good.with(3, 2), /protocol version 2/],
      [long, /more than 128 MiB/],
    ] as const
  ) {
    assert.throws(
      () => run(stream, 5, () => true),
      (error) => error instanceof FrameError && why.test(error.message),
    );
  }
});
