/**
 * Errors and oddities in a configuration file. The findings of one file are reported together, once per load
 * (CFG-21); a message names the error and the value used instead, and never contains a secret (S8).
 */
import { FINDING_KINDS, type FindingKind, type Severity } from "./finding_kind.ts";

/** A place in a text: both count from 1, `column` in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Finding extends Position {
  readonly severity: Severity;
  readonly file: string;
  readonly message: string;
}

/** `file:line:column: error, value used instead`. */
export function findingText(finding: Finding): string {
  return `${finding.file}:${finding.line}:${finding.column}: ${finding.message}`;
}

/** In the order of lines; those about other files come after those about `file`. */
export function inFileOrder(findings: readonly Finding[], file: string): Finding[] {
  const elsewhere = (finding: Finding): number => finding.file === file ? 0 : 1;
  return findings.toSorted((a, b) => elsewhere(a) - elsewhere(b) || a.line - b.line || a.column - b.column);
}

/**
 * The most findings that are kept of one file (S6). More do not help, and a binary file would yield
 * thousands.
 */
export const MAX_FINDINGS = 200;

/** Collects the findings of one file. */
export class FindingList {
  readonly #file: string;
  readonly #findings: Finding[] = [];
  #left = 0;
  #leftErrors = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add(kind: FindingKind, at: Position, message: string): void {
    this.#put(FINDING_KINDS[kind].severity, at, message);
  }

  #put(severity: Severity, at: Position, message: string): void {
    if (this.#findings.length >= MAX_FINDINGS) {
      this.#left++;
      if (severity === "error") this.#leftErrors++;
      return;
    }
    this.#findings.push({ severity, file: this.#file, line: at.line, column: at.column, message });
  }

  /** Takes over findings made elsewhere, under the same limit. */
  addAll(findings: readonly Finding[]): void {
    for (const finding of findings) this.#put(finding.severity, finding, finding.message);
  }

  /** In file order. */
  sorted(): readonly Finding[] {
    const findings = inFileOrder(this.#findings, this.#file);
    const last = findings.at(-1);
    if (last !== undefined && this.#left > 0) {
      findings.push({
        severity: this.#leftErrors > 0 ? "error" : "notice",
        file: this.#file,
        line: last.line,
        column: last.column,
        message: `${this.#left} more findings are not shown`,
      });
    }
    return findings;
  }
}
