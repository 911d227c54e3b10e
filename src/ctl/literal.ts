/** The original's output format: Python literals laid out 120 columns wide, byte for byte (requirements 60). */
import { isList, pythonRepr, type PythonValue, sortedEntries } from "../lib/base/python_literal.ts";

const WIDTH = 120;

/** The text of a value, without the newline that ends the output. */
export function formatLiteral(value: PythonValue): string {
  return put(value, 0, 0, true);
}

/** Turns parsed JSON into a value that can be printed; anything else is a bug. */
export function literalOf(value: unknown): PythonValue {
  if (value === null) return null;
  switch (typeof value) {
    case "boolean":
    case "number":
    case "bigint":
    case "string":
      return value;
    case "object":
      if (Array.isArray(value)) return value.map(literalOf);
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, literalOf(item)]));
    default:
      throw new Error(`a ${typeof value} has no literal`);
  }
}

/**
 * Lays out one value that begins at `column`; `reserve` characters must fit after it on its last line (closing brackets
 * and a comma).
 */
function put(value: PythonValue, column: number, reserve: number, top: boolean): string {
  const room = WIDTH - column - reserve;
  // If a value is much too long for one line, that line is not built.
  const isHuge = typeof value === "object" && value !== null && leastLength(value, room) > room;
  const line = isHuge ? "" : pythonRepr(value, true);
  if (!isHuge && lengthOf(line) <= room) return line;
  if (typeof value === "string") return putText(value, column, reserve, top);
  if (value === null || typeof value !== "object") return line;
  return isList(value) ? putList(value, column, reserve) : putDict(value, column, reserve);
}

/** No more characters than the value has on one line; counted until there are more than `room`. */
function leastLength(value: PythonValue, room: number): number {
  // A character may be two units of UTF-16.
  if (typeof value === "string") return 2 + Math.ceil(value.length / 2);
  if (value === null || typeof value !== "object") return 1;
  let length = 2;
  for (const [key, item] of isList(value) ? value.entries() : Object.entries(value)) {
    length += (typeof key === "string" ? 4 + Math.ceil(key.length / 2) : 0) +
      leastLength(item, room - length);
    if (length > room) break;
  }
  return length;
}

function putList(list: readonly PythonValue[], column: number, reserve: number): string {
  const items = list.map((item, n) => put(item, column + 1, n < list.length - 1 ? 1 : reserve + 1, false));
  return `[${items.join(`,\n${" ".repeat(column + 1)}`)}]`;
}

function putDict(dict: { readonly [key: string]: PythonValue }, column: number, reserve: number): string {
  const entries = sortedEntries(dict);
  const items = entries.map(([key, item], n) => {
    const head = `${pythonRepr(key)}: `;
    const after = n < entries.length - 1 ? 1 : reserve + 1;
    return head + put(item, column + 1 + lengthOf(head), after, false);
  });
  return `{${items.join(`,\n${" ".repeat(column + 1)}`)}}`;
}

/** Line ends of Python's splitlines. */
const LINE_END = "\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029";
/** A line with its end. */
const LINES = new RegExp(`[^${LINE_END}]*(?:\\r\\n|[${LINE_END}]|$)`, "g");
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
/** A word with the spaces after it. */
const WORDS = new RegExp(`(?:(?!${SPACE})[^])*${SPACE}*`, "gu");

/** A text that is too long becomes several literals in a column, which Python joins. */
function putText(text: string, column: number, reserve: number, top: boolean): string {
  const indent = top ? column + 1 : column;
  const after = top ? reserve + 1 : reserve;
  const room = WIDTH - indent;
  const lines = (text.match(LINES) ?? []).filter((line) => line !== "");
  const chunks: string[] = [];
  for (const [n, line] of lines.entries()) {
    const last = n === lines.length - 1;
    const whole = pythonRepr(line);
    if (lengthOf(whole) <= room - (last ? after : 0)) chunks.push(whole);
    else chunks.push(...breakLine(line, room, last ? after : 0));
  }
  if (chunks.length === 1) return chunks[0] ?? "";
  const joined = chunks.join(`\n${" ".repeat(indent)}`);
  return top ? `(${joined})` : joined;
}

/** Cuts a line between words; only the last word must leave room for what follows. */
function breakLine(line: string, room: number, after: number): readonly string[] {
  const words = (line.match(WORDS) ?? []).filter((word) => word !== "");
  const chunks: string[] = [];
  let current = "";
  for (const [n, word] of words.entries()) {
    const fits = n === words.length - 1 ? room - after : room;
    if (lengthOf(pythonRepr(current + word)) <= fits) {
      current += word;
      continue;
    }
    if (current !== "") chunks.push(pythonRepr(current));
    current = word;
  }
  if (current !== "") chunks.push(pythonRepr(current));
  return chunks;
}

/** Width counts code points, as Python's len does. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}
