/** Findings in configuration files, as compilers print theirs. */
import type { V1Finding } from "../lib/dbus/v1_types.ts";
import type { Style, Tone } from "./style.ts";
import { harmless } from "./text_width.ts";

const TONES: Readonly<Record<V1Finding["severity"], Tone>> = {
  error: "bad",
  warning: "busy",
  notice: "faint",
};

/** `file:line:column: severity: message`, one a line. */
export function findingsText(findings: readonly V1Finding[], style: Style): string {
  return findings.map(({ severity, file, line, column, message }) => {
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    return `${style.paint("strong", harmless(place))}: ${style.paint(TONES[severity], severity)}: ${
      harmless(message)
    }\n`;
  }).join("");
}
