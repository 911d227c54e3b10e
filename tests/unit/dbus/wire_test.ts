import assert from "node:assert/strict";
import { Variant } from "../../../src/lib/dbus/bus.ts";
import { decodeBody, parseSignature, WireError } from "../../../src/lib/dbus/wire.ts";
import { Bytes, variants } from "./messages.ts";

Deno.test("signatures: what is one, and what is none", () => {
  for (const good of ["", "s", "a{sv}", "aaaas", "(sa(ii))", "a{s(ay)}", "v", "a".repeat(32) + "y"]) {
    assert.ok(parseSignature(good).length <= 1, good);
  }
  const bad = [
    "a",
    "(",
    "()",
    "a{}",
    "a{s}",
    "a{vs}",
    "{ss}",
    "a{sss}",
    "(s",
    "s)",
    "m",
    "r",
    "a".repeat(33) + "y",
  ];
  for (const text of [...bad, "(".repeat(33) + "s" + ")".repeat(33), "s".repeat(256)]) {
    assert.throws(() => parseSignature(text), WireError, text);
  }
});

Deno.test("values in both byte orders", () => {
  for (const little of [true, false]) {
    const body = new Bytes(little).byte(200).u32(1).string("\u00e9").signature("as").align(4).u32(8);
    body.align(4).u32(1).u32(0xffff_ffff);
    assert.deepEqual(decodeBody("ybsgau", body.done, little), [200, true, "\u00e9", "as", [1, 0xffff_ffff]]);
    const numbers = new DataView(new ArrayBuffer(40));
    numbers.setInt16(0, -2, little);
    numbers.setUint16(2, 65535, little);
    numbers.setInt32(4, -3, little);
    numbers.setBigInt64(8, -(2n ** 63n), little);
    numbers.setBigUint64(16, 2n ** 64n - 1n, little);
    numbers.setFloat64(24, 1.5, little);
    numbers.setUint32(32, 3, little);
    numbers.setUint8(36, 1);
    const bytes = new Uint8Array(numbers.buffer).subarray(0, 39);
    assert.deepEqual(
      decodeBody("nqixtday", bytes, little),
      [-2, 65535, -3, -(2n ** 63n), 2n ** 64n - 1n, 1.5, Uint8Array.of(1, 0, 0)],
    );
  }
  const dict = new Bytes().u32(0).align(8).string("__proto__").signature("s").string("x");
  const sized = dict.done.with(0, dict.done.length - 8);
  const [value] = decodeBody("a{sv}", sized, true);
  assert.deepEqual(Object.entries(Object(value)), [["__proto__", new Variant("s", "x")]]);
  assert.equal(variants(5).length, 24);
  assert.deepEqual(decodeBody("av", variants(2), true), [[new Variant("y", 0), new Variant("y", 0)]]);
});

Deno.test("bytes that lie are refused: lengths, padding, ends, depth", () => {
  const nested = (depth: number): Uint8Array => {
    const bytes = new Bytes();
    for (let n = 0; n < depth; n++) bytes.signature("v");
    return bytes.signature("y").byte(7).done;
  };
  assert.equal(decodeBody("v", nested(63), true).length, 1);
  const bad: readonly (readonly [signature: string, body: Uint8Array])[] = [
    ["s", new Bytes().u32(10).byte(0x61, 0).done],
    ["s", new Bytes().u32(1).byte(0x61, 1).done],
    ["s", new Bytes().u32(1).byte(0, 0).done],
    ["s", new Bytes().u32(1).byte(0xff, 0).done],
    ["b", new Bytes().u32(2).done],
    ["u", new Uint8Array(3)],
    ["yu", Uint8Array.of(1, 1, 0, 0, 1, 0, 0, 0)],
    ["y", new Uint8Array(2)],
    ["", new Uint8Array(1)],
    ["ay", new Bytes().u32(2).byte(1).done],
    ["au", new Bytes().u32(6).u32(1).u32(2).done],
    ["au", new Bytes().u32(0xffff_ffff).done],
    ["v", new Bytes().signature("").done],
    ["v", new Bytes().signature("yy").byte(1, 2).done],
    ["v", nested(64)],
    ["h", new Bytes().u32(0).done],
  ];
  for (const [signature, body] of bad) {
    assert.throws(() => decodeBody(signature, body, true), WireError, `${signature} ${body.toHex()}`);
  }
});
