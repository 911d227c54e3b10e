/** `key=value` tokens separated by `;`, the form of `controller=` and `exclude=` (CFG-52, CFG-53, CFG-4). */
import type { FindingList, Position } from "./finding.ts";
import type { IniEntry } from "./ini.ts";
import { isSensitive, looksLikeSecret, MASK, namesSecret, redacted, shown, visible } from "./redact.ts";

export interface Token {
  /** Case-sensitive, as written. */
  readonly key: string;
  readonly value: string;
  readonly at: Position;
  readonly valueAt: Position;
}

export interface Tokens {
  /** Values by key; of duplicates the last one (CFG-52). */
  readonly byKey: ReadonlyMap<string, Token>;
  /** In the order of the entry, duplicates included. */
  readonly all: readonly Token[];
  /** Without `=` the whole text is the key, and there is no value. */
  readonly bare: readonly Token[];
  /** The number of tokens without `=`; each has a finding. */
  readonly malformed: number;
  /** The entry is empty. */
  readonly empty: boolean;
  /** The value as written, without secrets (S8). */
  readonly text: string;
}

/**
 * Splits the value of an entry; a trailing comment, duplicates and malformed tokens make findings, unless the caller
 * handles a malformed one itself.
 */
export function readTokens(
  entry: IniEntry,
  findings: FindingList,
  isHandled: (bare: Token) => boolean = () => false,
): Tokens {
  const written = entry.value ?? "";
  const comment = /(?:^|\s)#/.exec(written);
  const value = comment === null ? written : written.slice(0, comment.index);
  if (comment !== null) {
    findings.add(
      "note",
      { line: entry.line, column: entry.valueColumn + written.indexOf("#", comment.index) },
      "a comment after a value is cut off here, but older versions took it as part of the value; " +
        "give it a line of its own",
    );
  }
  const sensitive = isSensitive(value);
  const byKey = new Map<string, Token>();
  const all: Token[] = [];
  const bare: Token[] = [];
  const parts: string[] = [];
  let offset = 0;
  for (const piece of value.split(";")) {
    const start = offset + piece.length - piece.trimStart().length;
    const at = { line: entry.line, column: entry.valueColumn + start };
    const text = piece.trim();
    offset += piece.length + 1;
    if (text === "") continue;
    const equals = text.indexOf("=");
    if (equals <= 0) {
      const token: Token = {
        key: equals === 0 ? text.slice(1).trimStart() : text,
        value: "",
        at,
        valueAt: at,
      };
      bare.push(token);
      // The token may contain half a secret.
      const what = sensitive ? "a part of the entry" : shown(text);
      parts.push(sensitive ? MASK : text);
      if (!isHandled(token)) {
        findings.add("misplaced", at, `${what} is not of the form key=value; it is ignored`);
      }
      continue;
    }
    const key = text.slice(0, equals).trimEnd();
    const rest = text.slice(equals + 1);
    const token: Token = {
      key,
      value: rest.trim(),
      at,
      valueAt: {
        line: entry.line,
        column: at.column + equals + 1 + (rest.length - rest.trimStart().length),
      },
    };
    parts.push(`${redacted(key)}=${shownValue(token)}`);
    if (byKey.has(key)) findings.add("note", at, `${shown(key)} is given more than once; this one counts`);
    byKey.set(key, token);
    all.push(token);
  }
  return {
    byKey,
    all,
    bare,
    malformed: bare.length,
    empty: value.trim() === "",
    text: visible(parts.join(";")),
  };
}

/** The value of a token, masked when it is a secret or may be one. */
export function shownValue(token: Token): string {
  return namesSecret(token.key) || looksLikeSecret(token.value) ? MASK : token.value;
}
