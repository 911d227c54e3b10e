/** Reads single values from a parsed file; an invalid value becomes a finding, and the default is used. */
import type { FindingList } from "./finding.ts";
import type { Ini, IniEntry } from "./ini.ts";
import { defaulted, type Origin, type Value } from "./origin.ts";
import { shown } from "./redact.ts";
import type { Parse } from "./scalar.ts";

export class OptionReader {
  readonly #byName = new Map<string, IniEntry[]>();
  readonly #file: string;
  readonly ini: Ini;
  readonly findings: FindingList;

  constructor(ini: Ini, file: string, findings: FindingList) {
    this.#file = file;
    this.ini = ini;
    this.findings = findings;
    for (const entry of ini.entries) {
      const key = JSON.stringify([entry.section, entry.option]);
      const entries = this.#byName.get(key);
      if (entries === undefined) this.#byName.set(key, [entry]);
      else entries.push(entry);
    }
  }

  /** All values of an option, in file order. */
  all(section: string, option: string): readonly IniEntry[] {
    return this.#byName.get(JSON.stringify([section, option])) ?? [];
  }

  /**
   * The entry that counts for an option with one value: the last non-empty one, or else the last one (CFG-8,
   * CFG-9).
   */
  last(section: string, option: string): IniEntry | undefined {
    const entries = this.all(section, option);
    return entries.findLast((entry) => entry.value !== undefined && entry.value !== "") ?? entries.at(-1);
  }

  origin(entry: IniEntry): Origin {
    return { kind: "file", file: this.#file, line: entry.line };
  }

  /** `fallbackText` is the default in the notation of a file, for the finding. */
  value<T>(section: string, option: string, parse: Parse<T>, fallback: T, fallbackText: string): Value<T> {
    const entry = this.last(section, option);
    if (entry === undefined) return defaulted(fallback);
    this.noteRepetition(entry);
    const parsed = entry.value === undefined ? undefined : parse(entry.value);
    if (parsed?.ok === true) return { value: parsed.value, origin: this.origin(entry) };
    this.findings.add(
      entry.value === "" ? "left-out" : "bad-value",
      valueAt(entry),
      `${badValue(entry, parsed?.expected)}; the default, ${fallbackText}, is used`,
    );
    return defaulted(fallback);
  }

  /** Reports that other lines with the same option do not count. */
  noteRepetition(entry: IniEntry): void {
    const ignored = this.all(entry.section, entry.option).filter((e) =>
      e !== entry && e.value !== entry.value
    );
    const first = ignored[0];
    if (first === undefined) return;
    this.findings.add("note", first, `${entry.option} is given more than once; line ${entry.line} counts`);
  }
}

/** The place of the value, or of the name if it has no value. */
export function valueAt(entry: IniEntry): { readonly line: number; readonly column: number } {
  return { line: entry.line, column: entry.valueColumn };
}

/** `[Global] kato: "x" is not an integer`. */
export function badValue(entry: IniEntry, expected: string | undefined): string {
  const name = `[${entry.section}] ${entry.option}`;
  if (entry.value === undefined) return `${name} has no value`;
  const hint = entry.continuation
    ? " (an indented line belongs to the option above it)"
    : /\s[#;]/.test(entry.value)
    ? " (a comment needs a line of its own)"
    : "";
  return `${name}: ${shown(entry.value)} is not ${expected ?? "valid"}${hint}`;
}
