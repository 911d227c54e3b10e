/** Texts on a terminal: harmless, and how wide they are. Names come from the network and may hold anything. */

/** Most texts; the expressions below know all of Unicode and are slow to set up. */
const PLAIN = /^[ -~]*$/;
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** The text with everything that a terminal might obey written out: `\x1b`, `\u202e`. */
export function harmless(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(HARMFUL, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** East Asian wide and fullwidth forms, and pictographs, roughly: two columns each. */
const WIDE = new RegExp(
  "[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\ua960-\\ua97f\\uac00-\\ud7a3\\uf900-\\ufaff" +
    "\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6\\u{1f300}-\\u{1f64f}\\u{1f900}-\\u{1f9ff}\\u{20000}-\\u{3fffd}]",
  "u",
);
const COMBINING = /\p{Mn}|\p{Me}/u;

/** Columns that a harmless text takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += COMBINING.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return width;
}

/** The text cut to `columns`, with `mark` where something was left out: at the end, in the middle, or at the start. */
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

/** Lines of whole words, none wider than `columns` unless one word is. */
export function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer) > columns) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}
