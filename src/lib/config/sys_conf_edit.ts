/**
 * Changes one option of sys.conf and leaves everything else as it is, including comments and layout (CLI-66).
 */
import type { Finding } from "./finding.ts";
import { type Ini, type IniLine, iniText, parseIni } from "./ini.ts";
import type { SysOption } from "./sys_conf.ts";

export type Edited =
  | { readonly ok: true; readonly text: string }
  /** The file breaks the grammar; nothing may be written. */
  | { readonly ok: false; readonly why: "file"; readonly findings: readonly Finding[] }
  /** No line of a file can hold this value. */
  | { readonly ok: false; readonly why: "value"; readonly message: string };

const HOST = "Host";

/**
 * The text with `option = value` in `[Host]`; if several lines have the option, one remains. `text` is
 * undefined for a new file.
 */
export function setSysOption(
  text: string | undefined,
  file: string,
  option: SysOption,
  value: string,
): Edited {
  if (value.trim() !== value || value === "" || /[\r\n]/.test(value)) {
    return {
      ok: false,
      why: "value",
      message: "the value must be one line, not empty, and must not begin or end with a space",
    };
  }
  const ini = parseIni(text ?? "", file);
  if (isRejected(ini)) return { ok: false, why: "file", findings: ini.findings };
  const ending = ini.lines.find((line) => line.ending !== "")?.ending ?? "\n";
  const line = (indent: string): IniLine => ({
    kind: "option",
    text: `${indent}${option} = ${value}`,
    ending,
  });

  const own = ini.entries.filter((entry) => entry.section === HOST && entry.option === option);
  const kept = own.findLast((entry) => !entry.continuation)?.line;
  if (kept !== undefined) {
    const remove = new Set(own.map((entry) => entry.line).filter((number) => number !== kept));
    const lines = ini.lines.flatMap((old, i) => {
      if (remove.has(i + 1)) return [];
      return [i + 1 === kept ? { ...line(indentOf(old)), ending: old.ending } : old];
    });
    return { ok: true, text: iniText(lines) };
  }

  const after = ini.entries.findLast((entry) => entry.section === HOST)?.line ??
    ini.sections.find((section) => section.name === HOST)?.line;
  if (after === undefined) return { ok: true, text: withNewSection(ini, line(""), ending) };
  const lines = ini.lines.map((old, i) => i === after - 1 && old.ending === "" ? { ...old, ending } : old);
  lines.splice(after, 0, line(insertionIndent(ini, after)));
  return { ok: true, text: iniText(lines) };
}

/** The text without the option. */
export function clearSysOption(text: string | undefined, file: string, option: SysOption): Edited {
  const ini = parseIni(text ?? "", file);
  if (isRejected(ini)) return { ok: false, why: "file", findings: ini.findings };
  const own = ini.entries.filter((entry) => entry.section === HOST && entry.option === option);
  const remove = new Set(own.map((entry) => entry.line));
  return { ok: true, text: iniText(ini.lines.filter((_, i) => !remove.has(i + 1))) };
}

const isRejected = (ini: Ini): boolean => ini.findings.some((finding) => finding.severity === "error");

const indentOf = (line: IniLine | undefined): string => /^\s*/.exec(line?.text ?? "")?.[0] ?? "";

/**
 * How far to indent a line put after line number `after`. A line indented more than the option before it continues
 * that option (CFG-7), so the new one must be neither deeper than what comes before nor less deep than what comes after.
 */
function insertionIndent(ini: Ini, after: number): string {
  const before = ini.lines.slice(0, after).findLast((line) =>
    line.kind === "option" || line.kind === "section"
  );
  if (before?.kind === "option") return indentOf(before);
  const next = ini.lines.slice(after).find((line) => line.kind !== "blank" && line.kind !== "comment");
  return next === undefined ? "" : indentOf(next);
}

function withNewSection(ini: Ini, line: IniLine, ending: string): string {
  const text = iniText(ini.lines);
  const last = ini.lines.at(-1);
  const gap = last === undefined
    ? ""
    : last.ending === ""
    ? ending + ending
    : last.kind === "blank"
    ? ""
    : ending;
  return `${text}${gap}[${HOST}]${ending}${iniText([line])}${ending}`;
}
