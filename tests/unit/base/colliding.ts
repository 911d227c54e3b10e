/**
 * Names that a peer can choose so that all of them have one place in a table: two short texts after which the hash of
 * name_numbers.ts stands at the same number, and then two more, give four names, and so on (Joux).
 */
import assert from "node:assert/strict";
import { placeOf } from "../../../src/lib/base/name_numbers.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

function after(hash: number, text: string): number {
  let next = hash;
  for (let i = 0; i < text.length; i++) next = Math.imul(next ^ text.charCodeAt(i), 0x01000193);
  return next;
}

/** Different ones for numbers below 36 to the power of 6, with another letter at each place from one number to the next. */
function numbered(n: number): string {
  let text = "";
  for (let left = (n * 1_234_567_891) % LETTERS.length ** 6; text.length < 6;) {
    text += LETTERS[left % LETTERS.length] ?? "";
    left = Math.floor(left / LETTERS.length);
  }
  return text;
}

/** 2 to the power of `doublings` names that begin with this text; whatever follows them, they stay together. */
export function collidingNames(begin: string, doublings: number): readonly string[] {
  let [names, hash]: [string[], number] = [[begin], after(0x811c9dc5, begin)];
  for (let turn = 0; turn < doublings; turn++) {
    const seen = new Map<number, string>();
    for (let n = 0;; n++) {
      const text = numbered(n);
      const next = after(hash, text);
      const other = seen.get(next);
      if (other === undefined) seen.set(next, text);
      else {
        names = names.flatMap((name) => [name + text, name + other]);
        hash = next;
        break;
      }
    }
  }
  const places = new Set(names.map((name) => placeOf(`${name}"]`)));
  assert.equal(places.size, 1, "the hash is another one: choose the names for it");
  return names;
}
