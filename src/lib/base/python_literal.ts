/**
 * Python's literal syntax, which the original puts into texts on D-Bus (requirements 50) and into the tools' output
 * (requirements 60). One line; the tools lay it out over several.
 */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue };

/**
 * `repr()` of Python: `None`, `True`, `12`, `1.5`, `'text'`, `['a', 'b']`, `{'k': 'v'}`.
 * Keys stay in their order, or are sorted by code point.
 */
export function pythonRepr(value: PythonValue, sorted = false): string {
  if (value === null) return "None";
  switch (typeof value) {
    case "boolean":
      return value ? "True" : "False";
    case "bigint":
      return value.toString();
    case "number":
      return numberRepr(value);
    case "string":
      return stringRepr(value);
  }
  if (isList(value)) return `[${value.map((item) => pythonRepr(item, sorted)).join(", ")}]`;
  const entries = sorted ? sortedEntries(value) : Object.entries(value);
  return `{${entries.map(([key, item]) => `${stringRepr(key)}: ${pythonRepr(item, sorted)}`).join(", ")}}`;
}

/** `Array.isArray` for a union with read-only lists. */
export function isList(value: PythonValue): value is readonly PythonValue[] {
  return Array.isArray(value);
}

/** Entries of a dictionary, by key in code point order, as Python sorts. */
export function sortedEntries(
  dict: { readonly [key: string]: PythonValue },
): readonly (readonly [string, PythonValue])[] {
  return Object.entries(dict).sort(([a], [b]) => compareCodePoints(a, b));
}

/** UTF-16 order differs from code point order beyond U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let n = 0; n < left.length && n < right.length; n++) {
    const difference = (left[n]?.codePointAt(0) ?? 0) - (right[n]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Integers as integers; other numbers by Python's rule for the exponent (below 1e-4). */
function numberRepr(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value)) return BigInt(value).toString();
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  // JavaScript switches to an exponent only below 1e-6.
  if (Number(exponent) >= -4) return value.toString();
  return `${mantissa}e-${exponent.slice(1).padStart(2, "0")}`;
}

/** Python's str.isprintable: neither "other" nor "separator", but for the space. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let result = quote;
  for (const char of text) result += escaped(char, quote);
  return result + quote;
}

function escaped(char: string, quote: string): string {
  switch (char) {
    case quote:
    case "\\":
      return `\\${char}`;
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    case " ":
      return " ";
  }
  const code = char.codePointAt(0) ?? 0;
  // Plain ASCII first: the expression knows all of Unicode and is slow to set up.
  if ((code > 0x20 && code < 0x7f) || !UNPRINTABLE.test(char)) return char;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
