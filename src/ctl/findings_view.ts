/** Findings in configuration files, as compilers print theirs. */
import type { V1Finding } from "../lib/dbus/v1_types.ts";
import type { Style, Tone } from "./style.ts";
import { harmless, hung, widthOf } from "./text_width.ts";

const TONES: Readonly<Record<V1Finding["severity"], Tone>> = {
  error: "bad",
  warning: "busy",
  notice: "faint",
};

/** `file:line:column: severity: message`, one a line. */
export function findingsText(findings: readonly V1Finding[], style: Style, columns = Infinity): string {
  return findings.map(({ severity, file, line, column, message }) => {
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    const where = harmless(place);
    const lead = `${style.paint("strong", where)}: ${style.paint(TONES[severity], severity)}: `;
    const width = widthOf(where) + severity.length + ": : ".length;
    return hung({ lead, width, indent: 4 }, harmless(message), columns);
  }).join("");
}
