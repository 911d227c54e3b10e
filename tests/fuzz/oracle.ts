/** What must hold for any input of a decoder. */
import assert from "node:assert/strict";
import type { Decoded } from "../../src/lib/base/decoded.ts";
import { kindOf } from "./fuzzer.ts";

/** The input inside a larger buffer: a decoder that reads outside sees the difference. */
function embedded(input: Uint8Array, around: number): Uint8Array {
  const buffer = new Uint8Array(input.length + 64).fill(around);
  buffer.set(input, 32);
  return buffer.subarray(32, 32 + input.length);
}

/** A refusal says where, and is one line of text. */
export function checkRefusal(
  refusal: { readonly at: number; readonly problem: string },
  length: number,
): void {
  assert.ok(
    Number.isInteger(refusal.at) && refusal.at >= 0 && refusal.at <= length,
    `at ${refusal.at} of ${length}`,
  );
  assert.ok(refusal.problem.length > 8 && refusal.problem.length < 400, refusal.problem);
  assert.doesNotMatch(refusal.problem, /\p{Cc}|undefined|NaN|\[object/u);
}

/**
 * Decodes twice, with other bytes around: same result, input untouched. A refusal is checked; what is accepted goes
 * to `accepted`, which gives its kinds.
 */
export function checkDecoder<T>(
  decode: (bytes: Uint8Array) => Decoded<T>,
  input: Uint8Array,
  accepted: (value: T) => string,
): string {
  const inside = embedded(input, 0xff);
  const result = decode(inside);
  assert.deepEqual(inside, input, "the input was changed");
  assert.deepEqual(decode(embedded(input, 0x00)), result, "something outside of the input was read");
  if (result.ok) return accepted(result.value).split("\n").map((kind) => kindOf(`ok ${kind}`)).join("\n");
  checkRefusal(result, input.length);
  return kindOf(result.problem);
}

/** Counts up to 3 tell kinds of outcomes apart, larger ones do not. */
export const few = (count: number): string => "i".repeat(Math.min(count, 3));
