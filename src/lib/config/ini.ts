/**
 * The line grammar of stafd.conf, stacd.conf and sys.conf (CFG-1 to CFG-12). Lossless: the lines, joined with
 * their endings, are the text. Other modules interpret sections, options and values.
 */
import { type Finding, FindingList } from "./finding.ts";

/** One value of an option. An option given on several lines, or continued, has several. */
export interface IniEntry {
  /** As written between the brackets (CFG-3). */
  readonly section: string;
  /** Lower-cased (CFG-3). */
  readonly option: string;
  /** Trimmed; undefined for a bare option name without `=` (CFG-11). */
  readonly value: string | undefined;
  readonly line: number;
  /** The column of the option name, or of the value on a continuation line. */
  readonly column: number;
  readonly valueColumn: number;
  /** The value is on an indented line of its own (CFG-7). */
  readonly continuation: boolean;
}

/** A section header; a section given twice has two (CFG-5: they are merged). */
export interface IniSection {
  readonly name: string;
  readonly line: number;
  readonly column: number;
}

export interface IniLine {
  readonly kind: "blank" | "comment" | "section" | "option" | "continuation" | "bad";
  /** Without the line ending. */
  readonly text: string;
  /** `\n`, `\r\n`, `\r`, or empty at the end of the text. */
  readonly ending: string;
}

export interface Ini {
  readonly lines: readonly IniLine[];
  readonly sections: readonly IniSection[];
  readonly entries: readonly IniEntry[];
  /** If one of the findings is an error, the file is rejected as a whole (CFG-5). */
  readonly findings: readonly Finding[];
}

/** Greedy: the header ends at the last bracket, and what follows is ignored. */
const SECTION = /^\[(.+)\]/;

/** Parses any text. `file` is for findings only. */
export function parseIni(text: string, file: string): Ini {
  const findings = new FindingList(file);
  const lines: IniLine[] = [];
  const sections: IniSection[] = [];
  const entries: IniEntry[] = [];
  let section: string | undefined;
  let option: string | undefined;
  let indent = 0;
  let reportedOrphan = false;

  for (const [raw, ending] of splitLines(text)) {
    const line = lines.length + 1;
    const trimmed = raw.trim();
    const push = (kind: IniLine["kind"]): void => {
      lines.push({ kind, text: raw, ending });
    };
    if (trimmed === "") {
      push("blank");
      continue;
    }
    if (trimmed.startsWith("#") || trimmed.startsWith(";")) {
      push("comment");
      continue;
    }
    const column = raw.search(/\S/) + 1;

    if (section !== undefined && option !== undefined && column - 1 > indent) {
      push("continuation");
      entries.push({
        section,
        option,
        value: trimmed,
        line,
        column,
        valueColumn: column,
        continuation: true,
      });
      if (SECTION.test(trimmed)) {
        findings.add(
          "unusual",
          { line, column },
          "this indented line is read as a further value of the option above, not as a section; " +
            "remove the leading spaces",
        );
      }
      continue;
    }

    indent = column - 1;
    const name = SECTION.exec(trimmed)?.[1];
    if (name !== undefined) {
      push("section");
      section = name;
      option = undefined;
      sections.push({ name, line, column });
      continue;
    }

    const equals = trimmed.indexOf("=");
    if (equals === 0) {
      push("bad");
      option = undefined;
      findings.add("malformed", { line, column }, "no option name before '='; the whole file is rejected");
      continue;
    }
    if (section === undefined) {
      push("bad");
      if (!reportedOrphan) {
        reportedOrphan = true;
        findings.add(
          "malformed",
          { line, column },
          "this line comes before any [section] line; the whole file is rejected",
        );
      }
      continue;
    }
    push("option");
    option = (equals < 0 ? trimmed : trimmed.slice(0, equals).trimEnd()).toLowerCase();
    const rest = equals < 0 ? "" : trimmed.slice(equals + 1);
    entries.push({
      section,
      option,
      value: equals < 0 ? undefined : rest.trim(),
      line,
      column,
      valueColumn: equals < 0 ? column : column + equals + 1 + (rest.length - rest.trimStart().length),
      continuation: false,
    });
  }
  return { lines, sections, entries, findings: findings.sorted() };
}

/** The text again, from its lines. */
export function iniText(lines: readonly IniLine[]): string {
  return lines.map((line) => line.text + line.ending).join("");
}

function* splitLines(text: string): Generator<readonly [string, string]> {
  const endings = /\r\n|\n|\r/g;
  let start = 0;
  for (const match of text.matchAll(endings)) {
    yield [text.slice(start, match.index), match[0]];
    start = match.index + match[0].length;
  }
  if (start < text.length) yield [text.slice(start), ""];
}
