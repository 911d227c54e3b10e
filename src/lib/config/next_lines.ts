/**
 * Connections of nvme-stas 3 as `controller=` entries of ours, with the same options, checks and findings as
 * for our own files.
 */
import { CONNECT_OPTIONS } from "../nvme/option_table.ts";
import {
  type ControllerLine,
  type DisabledLine,
  type LineContext,
  parseControllerLine,
  type UnusableLine,
} from "./controller_line.ts";
import { FindingList, type Position } from "./finding.ts";
import type { ConnectOptionsDraft } from "./connect_option.ts";
import { CONTROLLERS } from "./known_options.ts";
import type { NextConnection } from "./next_conf.ts";
import type { NextValue, NextValues } from "./next_file.ts";
import { securityMeant } from "./security_names.ts";

/** Options that have another name here. */
const OURS: ReadonlyMap<string, string> = new Map([
  ["keep-alive-tmo", "kato"],
  ["kxchap-secret", "dhchap-secret"],
  ["kxchap-ctrl-secret", "dhchap-ctrl-secret"],
]);

export const ourOption = (name: string): string => OURS.get(name) ?? name;

/** Options of nvme-stas 3 that this version does not pass to the kernel. */
export const NOT_PASSED: readonly string[] = ["tos", "fast-io-fail-tmo", "duplicate-connect"];

/** `key=value` with the place that it was read from. */
interface Piece {
  readonly text: string;
  readonly at: Position;
  readonly nameAt: Position;
}

/** A connection as an entry; the pieces are those between the semicolons. */
export interface NextEntry {
  readonly pieces: readonly Piece[];
  /** Options that the file hands back to the kernel, by our names. */
  readonly reset: readonly string[];
}

/** `name` in another case is not one of our options, but still asks for security. */
const isOption = (name: string): boolean =>
  CONNECT_OPTIONS.some((option) => option.name === name) || name.startsWith("dhchap-");

export function nextEntry({ isDc, nqn, address, options, hostnqn, hostid }: NextConnection): NextEntry {
  const pieces: Piece[] = [];
  const reset: string[] = [];
  const put = (name: string, value: NextValue | undefined): void => {
    if (value === undefined) return;
    pieces.push({ text: `${name}=${value.value}`, at: value.at, nameAt: value.nameAt });
  };
  for (const [name, value] of address) put(name, value);
  if (!isDc || nqn !== undefined) put("nqn", nqn);
  put("host-nqn", hostnqn);
  put("host-id", hostid);
  for (const [name, value] of tlsKeyed(options)) {
    const ours = ourOption(name);
    if (isOption(ours)) {
      if (value.value === "") reset.push(ours);
      else put(ours, value);
    } else if (securityMeant(name) !== undefined) put(name, value);
  }
  return { pieces, reset };
}

/**
 * An identity is the description of a key in the keyring, which our `tls-key` accepts as well as a serial
 * number.
 */
function tlsKeyed(options: NextValues): NextValues {
  const identity = options.get("tls-key-identity");
  if (identity === undefined) return options;
  const rest = new Map(options);
  rest.delete("tls-key-identity");
  const key = rest.get("tls-key");
  if (identity.value !== "" && (key === undefined || key.value === "")) rest.set("tls-key", identity);
  return rest;
}

export type NextLine = ControllerLine | DisabledLine | UnusableLine | "unreadable";

/** The entry, read like one of our own files; findings name the place in the original file. */
export function nextLine(
  connection: NextConnection,
  context: LineContext,
  findings: FindingList,
): NextLine {
  const { pieces, reset } = nextEntry(connection);
  const { at } = connection;
  const own = new FindingList(context.file);
  const parsed = parseControllerLine(
    {
      section: CONTROLLERS,
      option: "controller",
      value: pieces.map(({ text }) => text).join(";"),
      line: at.line,
      column: 1,
      valueColumn: 1,
      continuation: false,
    },
    context,
    own,
  );
  const place = (column: number): Position => placeOf(pieces, column) ?? at;
  for (const finding of own.sorted()) {
    findings.addAll([{ ...finding, ...place(finding.column) }]);
  }
  noteUnused(connection, findings);
  if (parsed === "empty") return "unreadable";
  if (typeof parsed === "string" || "disabled" in parsed) return parsed;
  if ("why" in parsed) {
    const prefix = `${context.file}:${at.line}:`;
    const [, column = "1", what = parsed.why] = /^(\d+): (.*)$/s.exec(parsed.why.slice(prefix.length)) ?? [];
    const { line, column: there } = place(Number(column));
    return { line: withReset(parsed.line, reset), why: `${context.file}:${line}:${there}: ${what}` };
  }
  return withReset(parsed, reset);
}

/** The place in the file of a column of the joined entry: that of the value for a column beyond the name. */
function placeOf(pieces: readonly Piece[], column: number): Position | undefined {
  // A finding about a whole entry has the place of the entry's beginning.
  if (column <= 1) return undefined;
  let start = 1;
  for (const { text, at, nameAt } of pieces) {
    if (column < start + text.length + 1) return column > start + text.indexOf("=") ? at : nameAt;
    start += text.length + 1;
  }
  return undefined;
}

/**
 * `[Global]` does not apply to options that the file leaves to the kernel. Keys are never removed in this way
 * (S15).
 */
function withReset(line: ControllerLine, reset: readonly string[]): ControllerLine {
  const overrides: ConnectOptionsDraft = { ...line.overrides };
  for (const option of CONNECT_OPTIONS) {
    if (!reset.includes(option.name)) continue;
    if (option.kind === "boolean") overrides[option.key] = false;
    else if (option.kind === "integer") overrides[option.key] = Math.min(option.least - 1, 0);
  }
  return { ...line, overrides };
}

function noteUnused({ options }: NextConnection, findings: FindingList): void {
  for (const name of NOT_PASSED) {
    const value = options.get(name);
    if (value === undefined || value.value === "" || value.value === "false") continue;
    findings.add(
      "not-taken",
      value.nameAt,
      `${name} has no effect: this version does not pass it to the kernel`,
    );
  }
  const persistent = options.get("persistent");
  if (persistent?.value === "no") {
    findings.add(
      "not-taken",
      persistent.nameAt,
      "persistent = no has no effect: this version keeps the connections of discovery controllers",
    );
  }
}
