/**
 * What the core takes from the spelling of names: the place of a key in a table, the spread of a pause, the order of
 * what waits, and lengths. Nothing else depends on how a name is spelt, so that a recording under other names plays
 * as it was if these are given with it.
 */
import { Places } from "./places.ts";

export interface NameNumbers {
  /** The place of a key in a table (table.ts), below 4096. */
  place(key: string): number;
  /** Below 1000, for the pause after so many failures. */
  spread(who: string, failures: number): number;
  /** Negative: a is before b. */
  order(a: string, b: string): number;
  /** In UTF-8. */
  bytes(text: string): number;
  /** As JSON without its quotes: an upper estimate. */
  jsonBytes(text: string): number;
}

const PLACES = 4096;
export const SPREADS = 1000;

/** Longer keys are hashed four bytes at a time: without a JIT each character costs, and a peer chooses the names. */
const LONG_KEY = 192;
const words = new Uint32Array(1024);
const inWords = new Uint8Array(words.buffer);
const PRIME = 0x01000193;

/** FNV-1a over the whole key: keys of one fabric differ in front, those of its devices at the end. */
function hashOf(key: string): number {
  if (key.length > LONG_KEY) return hashOfLong(key);
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), PRIME);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function hashOfLong(key: string): number {
  const { written } = encoder.encodeInto(key, inWords);
  const count = (written + 3) >>> 2;
  // What an earlier key left in the last word.
  inWords.fill(0, written, 4 * count);
  let hash = key.length;
  for (let i = 0; i < count; i++) hash = Math.imul(hash ^ (words[i] ?? 0), PRIME) ^ (hash >>> 15);
  return (hash ^ (hash >>> 15)) >>> 0;
}

const encoder = new TextEncoder();
const places = new Places((key) => hashOf(key) % PLACES);

/** Every character of it is one byte of JSON. */
const PLAIN = /^[ !#-[\]-~]*$/;
/** The longest JSON form of one UTF-16 unit: an escape. */
const LONGEST = 6;

const spelt: NameNumbers = {
  place: (key) => places.of(key),
  spread: (who, failures) => {
    let hash = failures;
    for (let i = 0; i < who.length; i++) hash = (Math.imul(hash, 31) + who.charCodeAt(i)) >>> 0;
    return hash % SPREADS;
  },
  order: (a, b) => a < b ? -1 : a > b ? 1 : 0,
  bytes: (text) => encoder.encode(text).length,
  jsonBytes: (text) => PLAIN.test(text) ? text.length : LONGEST * text.length,
};

let numbers = spelt;

export const placeOf = (key: string): number => numbers.place(key);
export const spreadOf = (who: string, failures: number): number => numbers.spread(who, failures);
export const inOrder = (a: string, b: string): number => numbers.order(a, b);
export const bytesOf = (text: string): number => numbers.bytes(text);
export const jsonBytesOf = (text: string): number => numbers.jsonBytes(text);

/**
 * Runs with other numbers, for a replay: `make` gets those of the spelling. A table that is made in `run` is of no use
 * outside of it.
 */
export function withNumbers<T>(make: (own: NameNumbers) => NameNumbers, run: () => T): T {
  const before = numbers;
  numbers = make(spelt);
  try {
    return run();
  } finally {
    numbers = before;
  }
}
