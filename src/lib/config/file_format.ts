/** Recognises files of other programs by their text. */
import { type Ini, parseIni } from "./ini.ts";
import { KNOWN_OPTIONS } from "./known_options.ts";

export type ForeignFormat = "nvme-stas 3" | "discovery.conf" | "config.json";

/** Sections that nvme-stas 3 has and version 2 does not; `[Host]` occurs in sys.conf as well. */
const NEXT_SECTIONS: readonly string[] = [
  "Discovery Controller Defaults",
  "I/O Controller Defaults",
  "Discovery Controller",
  "Subsystem",
];

export const isNextSection = (name: string): boolean => NEXT_SECTIONS.includes(name);

/** Undefined: a file of ours, or of an unknown format. */
export function foreignFormat(text: string, ini: Ini = parseIni(text, "")): ForeignFormat | undefined {
  const first = /^\s*(?:[#;][^\n]*\n\s*)*(\S[^\n]*)/.exec(text)?.[1] ?? "";
  if (/^(?:-t\b|-a\b|--[a-z][a-z-]*(?:[= \t]|$))/.test(first)) return "discovery.conf";
  if (/^[[{]/.test(text.trimStart()) && isJson(text)) return "config.json";
  const isOurs = ini.sections.some(({ name }) => KNOWN_OPTIONS.some(({ section }) => section === name));
  return !isOurs && ini.sections.some(({ name }) => isNextSection(name)) ? "nvme-stas 3" : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** The format, and how the file is used. */
export function formatText(format: ForeignFormat, file: string): string {
  const what = format === "nvme-stas 3" ? "a file of nvme-stas 3" : `nvme-cli's ${format}`;
  const asIs = format === "nvme-stas 3"
    ? `, and "stafd --conn-conf-file ${file}" and "stacd --conn-conf-file ${file}" read it directly`
    : "";
  return `this is ${what}, not one of this version; the whole file is rejected. ` +
    `"stasadm import ${file}" translates it into the files of this version${asIs}`;
}
