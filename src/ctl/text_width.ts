/**
 * Texts on a terminal: harmless, and how wide they are. Names come from the network and may contain anything.
 */
import { eastAsianWidth } from "get-east-asian-width";

/** Most texts; the expressions below know all of Unicode and are slow to set up. */
const PLAIN = /^[ -~]*$/;
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** The text with all characters that control a terminal escaped: `\x1b`, `\u202e`. */
export function harmless(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(HARMFUL, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

const COMBINING = /\p{Mn}|\p{Me}/u;

/** Columns that a harmless text takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += COMBINING.test(char) ? 0 : eastAsianWidth(char.codePointAt(0) ?? 0);
  return width;
}

/**
 * The text cut to `columns`, with `mark` in place of the omitted part: at the end, in the middle, or at the
 * start.
 */
export function shortened(
  text: string,
  columns: number,
  mark: string,
  where: "end" | "middle" | "start",
): string {
  if (widthOf(text) <= columns) return text;
  const room = columns - widthOf(mark);
  if (room <= 0) return mark.slice(0, Math.max(0, columns));
  // Of `tcp 10.0.0.1:4420` the first word is short, and stays.
  const word = where === "start" ? /^\w{1,4} /.exec(text)?.[0] ?? "" : "";
  const head = where === "end" ? room : where === "start" ? word.length : Math.floor(room / 2);
  return taken([...text], head).join("") + mark +
    taken([...text].reverse(), room - head).reverse().join("");
}

function taken(chars: readonly string[], columns: number): string[] {
  const result: string[] = [];
  let left = columns;
  for (const char of chars) {
    left -= widthOf(char);
    if (left < 0) break;
    result.push(char);
  }
  return result;
}

/** Lines of whole words, none wider than `columns` (the first one: than `first`) unless one word is. */
export function wrapped(text: string, columns: number, first = columns): readonly string[] {
  if (widthOf(text) <= first) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer) > (lines.length === 0 ? first : columns)) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** What stands before a text, how wide that is, and how far its further lines are moved in. */
export interface Hanging {
  readonly lead: string;
  readonly width: number;
  readonly indent: number;
}

/** A harmless text in lines of a terminal, each with its newline. */
export function hung(
  { lead, width, indent }: Hanging,
  text: string,
  columns: number,
  paint: (text: string) => string = (line) => line,
): string {
  const [first = "", ...rest] = wrapped(text, columns - indent, columns - width);
  return `${lead}${paint(first)}\n${rest.map((line) => `${" ".repeat(indent)}${paint(line)}\n`).join("")}`;
}
