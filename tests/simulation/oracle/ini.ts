/** The lines of a configuration file (requirements 10), read as simply as the rules are written. */

/** One value: an option that is given, or continued, more than once has several. */
export interface Value {
  readonly section: string;
  readonly option: string;
  /** Undefined for a name without `=` (CFG-11). */
  readonly text: string | undefined;
  readonly line: number;
}

/** Undefined: the file is rejected as a whole (CFG-5). */
export function valuesOf(text: string): readonly Value[] | undefined {
  const values: Value[] = [];
  let section: string | undefined;
  let option: string | undefined;
  let depth = 0;
  for (const [at, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const words = raw.trim();
    const line = at + 1;
    if (words === "" || words.startsWith("#") || words.startsWith(";")) continue;
    const indent = raw.length - raw.trimStart().length;
    if (section !== undefined && option !== undefined && indent > depth) {
      values.push({ section, option, text: words, line });
      continue;
    }
    depth = indent;
    const end = words.startsWith("[") ? words.lastIndexOf("]") : -1;
    if (end > 1) {
      section = words.slice(1, end);
      option = undefined;
      continue;
    }
    if (section === undefined || words.startsWith("=")) return undefined;
    const [name = "", ...rest] = words.split("=");
    option = name.trimEnd().toLowerCase();
    const isBare = !words.includes("=");
    values.push({ section, option, text: isBare ? undefined : rest.join("=").trim(), line });
  }
  return values;
}

/** CFG-52, CFG-53: `key=value` between semicolons; of a key given twice the last counts. */
export interface Pairs {
  readonly pairs: ReadonlyMap<string, string>;
  /** Tokens that are none. */
  readonly broken: number;
}

export function pairsOf(text: string): Pairs {
  // CFG-4: a comment is cut off here, and only here.
  const kept = text.replace(/(^|\s)#.*$/s, "");
  const pairs = new Map<string, string>();
  let broken = 0;
  for (const token of kept.split(";").map((one) => one.trim()).filter((one) => one !== "")) {
    const at = token.indexOf("=");
    const key = token.slice(0, Math.max(0, at)).trim();
    if (key === "") broken++;
    else pairs.set(key, token.slice(at + 1).trim());
  }
  return { pairs, broken };
}
