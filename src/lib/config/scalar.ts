/** Parses the text of one value. */
import type { Duration } from "../base/time.ts";
import { didYouMean } from "./suggestion.ts";
import { parseTimeSpan } from "./time_span.ts";

/** `expected` completes the sentence "... is not". */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly expected: string };

export type Parse<T> = (text: string) => Parsed<T>;

/** CFG-23: `true` or `false` in any case. */
export function parseBoolean(text: string): Parsed<boolean> {
  const word = text.toLowerCase();
  if (word === "true") return { ok: true, value: true };
  if (word === "false") return { ok: true, value: false };
  return { ok: false, expected: "true or false" };
}

/** CFG-35, CFG-37: `enabled` or `disabled` in any case. */
export function parseEnabled(text: string): Parsed<boolean> {
  const word = text.toLowerCase();
  if (word === "enabled") return { ok: true, value: true };
  if (word === "disabled") return { ok: true, value: false };
  return { ok: false, expected: "enabled or disabled" };
}

/** CFG-22: optional sign, decimal digits, single underscores between digits. */
export function integerBetween(min: number, max: number): Parse<number> {
  return (text) => {
    if (/^[+-]?\d+(?:_\d+)*$/.test(text.trim())) {
      // `+ 0` turns a negative zero into zero.
      const value = Number(text.trim().replaceAll("_", "")) + 0;
      if (value >= min && value <= max) return { ok: true, value };
      return { ok: false, expected: `in the range ${min} to ${max}` };
    }
    return { ok: false, expected: "an integer" };
  };
}

/** One of some words, with the case as given (CFG-23). */
export function oneOf<T>(words: ReadonlyMap<string, T>): Parse<T> {
  const known = [...words.keys()];
  return (text) => {
    for (const [word, value] of words) if (word === text) return { ok: true, value };
    return { ok: false, expected: listText(known) + didYouMean(text, known) };
  };
}

/** CFG-50, CFG-51. */
export function parseSpan(text: string): Parsed<Duration> {
  const value = parseTimeSpan(text);
  return value === undefined
    ? { ok: false, expected: 'a time span such as "72 hours", "1 day 12h" or "-1" (for ever)' }
    : { ok: true, value };
}

/** `a, b or c`. */
export function listText(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
