/** Changes that make parsers fall: bits, bytes, numbers at the edges, pieces moved, cut, repeated, mixed. */
import type { Random } from "./random.ts";

/** Inputs do not grow beyond this. */
export const MAX_INPUT = 16_384;

const EDGES = [
  0n,
  1n,
  2n,
  3n,
  4n,
  7n,
  8n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x3ffn,
  0x400n,
  0x404n,
  0x408n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0xffff_ffff_ffff_ffffn,
] as const;

/** Characters with a meaning somewhere. */
const SPECIAL = [..."\0\n\r\t ,;:=%#[]{}'\"\\/@.-+~*", "\u00a0", "\u2028", "\ufeff", "\u00e9"].map((text) =>
  new TextEncoder().encode(text)
);

type Operator = (random: Random, input: Uint8Array, other: Uint8Array) => Uint8Array;

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A piece of the input: from, to. */
function piece(random: Random, input: Uint8Array): [number, number] {
  const start = random.below(input.length + 1);
  const longest = random.below(4) === 0 ? input.length : 32;
  return [start, Math.min(input.length, start + random.below(longest + 1))];
}

const number: Operator = (random, input) => {
  const bytes = input.slice();
  const width = random.pick([1, 2, 4, 8], 1);
  let value = random.below(3) === 0 ? BigInt(random.next()) : random.pick(EDGES, 0n);
  if (random.below(4) === 0) value = BigInt(input.length) + value - 8n;
  const at = random.below(Math.max(1, input.length - width + 1));
  for (let i = 0; i < width && at + i < bytes.length; i++) {
    bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  return bytes;
};

const nudge: Operator = (random, input) => {
  const bytes = input.slice();
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) + random.below(9) - 4;
  return bytes;
};

const flip: Operator = (random, input) => {
  const bytes = input.slice();
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
};

const special: Operator = (random, input) => {
  const at = random.below(input.length + 1);
  const over = random.below(2);
  return joined(input.subarray(0, at), random.pick(SPECIAL, input), input.subarray(at + over));
};

const remove: Operator = (random, input) => {
  const [start, end] = piece(random, input);
  return joined(input.subarray(0, start), input.subarray(end));
};

const repeat: Operator = (random, input) => {
  const [start, end] = piece(random, input);
  return joined(input.subarray(0, end), input.subarray(start, end), input.subarray(end));
};

const cut: Operator = (random, input) => input.slice(0, random.below(input.length + 1));

const overwrite: Operator = (random, input, other) => {
  const bytes = input.slice();
  const [start, end] = piece(random, other);
  const at = random.below(bytes.length);
  bytes.set(other.subarray(start, Math.min(end, start + bytes.length - at)), at);
  return bytes;
};

const splice: Operator = (random, input, other) => {
  const [start, end] = piece(random, other);
  const [from, to] = piece(random, input);
  return joined(input.subarray(0, from), other.subarray(start, end), input.subarray(to));
};

const digits: Operator = (random, input) => {
  const at = random.below(input.length + 1);
  const text = String(random.pick(EDGES, 0n) - BigInt(random.below(2)));
  return joined(input.subarray(0, at), new TextEncoder().encode(text), input.subarray(at + random.below(4)));
};

const OPERATORS: readonly Operator[] = [
  number,
  number,
  nudge,
  flip,
  special,
  remove,
  repeat,
  cut,
  overwrite,
  splice,
  digits,
];

/** A changed copy of `input`, with pieces of `other` in it. */
export function mutate(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes = input;
  const rounds = 1 + random.below(4);
  for (let i = 0; i < rounds; i++) bytes = random.pick(OPERATORS, flip)(random, bytes, other);
  return bytes.slice(0, MAX_INPUT);
}
