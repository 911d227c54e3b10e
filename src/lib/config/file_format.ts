/** Which program's file a text is, where that is another one's than ours. */
import { type Ini, parseIni } from "./ini.ts";
import { KNOWN_OPTIONS } from "./known_options.ts";

export type ForeignFormat = "nvme-stas 3" | "discovery.conf" | "config.json";

/** Sections that nvme-stas 3 has and version 2 has not; it shares `[Host]` with sys.conf. */
const NEXT_SECTIONS: readonly string[] = [
  "Discovery Controller Defaults",
  "I/O Controller Defaults",
  "Discovery Controller",
  "Subsystem",
];

export const isNextSection = (name: string): boolean => NEXT_SECTIONS.includes(name);

/** Undefined: one of ours, or nothing that is known. */
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

/** What to do with it instead. */
export function formatText(format: ForeignFormat, file: string): string {
  const show = `"stasadm import ${file}" shows what it becomes here`;
  switch (format) {
    case "nvme-stas 3":
      return `this is a file of nvme-stas 3; ${show}, and "stafd --conn-conf-file ${file}" reads it as it is; ` +
        "the whole file is rejected";
    case "discovery.conf":
      return `this is nvme-cli's discovery.conf; ${show}; the whole file is rejected`;
    case "config.json":
      return `this is nvme-cli's config.json; ${show}; the whole file is rejected`;
  }
}
