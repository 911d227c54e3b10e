/**
 * Two `controller=` lines for one controller. As in the original the first one counts; where they differ in security the
 * stricter does (S15).
 */
import type { ConnectOptions, DhchapKeys } from "../nvme/connect_options.ts";
import { isIp } from "../nvme/address.ts";
import { canonicalAddress, impliedIface, normaliseTid, type Tid, WELL_KNOWN_DISC_NQN } from "../nvme/tid.ts";
import { mergedOptions } from "./connect_option.ts";
import type { ControllerLine, UnusableLine } from "./controller_line.ts";
import type { FindingList, Position } from "./finding.ts";
import { originText } from "./origin.ts";
import { listText } from "./scalar.ts";

/** The options of one line, or of `[Global]`. */
export interface Opinion {
  readonly options: ConnectOptions;
  readonly keys: DhchapKeys;
}

export interface PlacedLine {
  readonly line: ControllerLine;
  readonly at: Position;
}

/** The options that make a connection safer, in the words of the file. */
function demandsOf({ options, keys }: Opinion): readonly string[] {
  return [
    options.tls === true ? "tls" : "",
    options.concat === true ? "concat" : "",
    options.keyring === undefined ? "" : "keyring",
    options.tlsKey === undefined ? "" : "tls-key",
    keys.hostKey === undefined ? "" : "dhchap-secret",
    keys.ctrlKey === undefined ? "" : "dhchap-ctrl-secret",
    options.hdrDigest === true ? "hdr-digest" : "",
    options.dataDigest === true ? "data-digest" : "",
  ].filter((word) => word !== "");
}

/**
 * The stricter value of each option; keys, references and all other options (`rest`) are those of the first
 * one.
 */
export function strictest(first: Opinion, others: readonly Opinion[]): Opinion {
  let { options, keys } = first;
  for (const other of others) {
    const { tls, concat, hdrDigest, dataDigest, keyring, tlsKey } = other.options;
    options = {
      ...options,
      ...(tls === true ? { tls } : {}),
      ...(concat === true ? { concat } : {}),
      ...(hdrDigest === true ? { hdrDigest } : {}),
      ...(dataDigest === true ? { dataDigest } : {}),
      ...(options.keyring === undefined && keyring !== undefined ? { keyring } : {}),
      ...(options.tlsKey === undefined && tlsKey !== undefined ? { tlsKey } : {}),
    };
    keys = { ...other.keys, ...keys };
  }
  return { options, keys };
}

export const opinionOf = (
  { overrides, keys }: Pick<ControllerLine, "overrides" | "keys">,
  global: ConnectOptions,
): Opinion => ({ options: mergedOptions(global, overrides), keys });

/** `line` is the later one. Both daemons and `check` use this text. */
export function duplicateText(line: ControllerLine, first: ControllerLine, global: ConnectOptions): string {
  const [here, there] = names(line, first);
  const same = line.text === first.text;
  const base = same
    ? `${here} repeats ${there}`
    : `${here} means the same controller as ${there}: ${there} counts, ` +
      `and options of ${here} other than security have no effect`;
  return `${base}${securityText(line, first, global)}; remove one of them`;
}

/** Names two lines by their numbers, and by their files where these differ. */
function names({ origin: a }: ControllerLine, { origin: b }: ControllerLine): readonly [string, string] {
  return a.kind === "file" && b.kind === "file" && a.file === b.file
    ? [`line ${a.line}`, `line ${b.line}`]
    : [originText(a), originText(b)];
}

function securityText(line: ControllerLine, first: ControllerLine, global: ConnectOptions): string {
  const [here, there] = names(line, first);
  const mine = demandsOf(opinionOf(line, global));
  const theirs = demandsOf(opinionOf(first, global));
  const lacking = (have: readonly string[], want: readonly string[]) =>
    want.filter((one) => !have.includes(one));
  const parts: string[] = [];
  const more = lacking(theirs, mine);
  const less = lacking(mine, theirs);
  if (more.length > 0) parts.push(`${here} asks for ${andText(more)} and ${there} does not`);
  if (less.length > 0) parts.push(`${there} asks for ${andText(less)} and ${here} does not`);
  const differing = (["hostKey", "ctrlKey"] as const).some((key) =>
    line.keys[key] !== undefined && first.keys[key] !== undefined &&
    line.keys[key].reveal() !== first.keys[key].reveal()
  );
  const stricter = parts.length === 0 ? "" : `; ${parts.join(", ")}: the stricter counts`;
  return stricter + (differing ? `; their secrets differ: those of ${there} count` : "");
}

const andText = (words: readonly string[]): string => listText(words).replace(/ or ([^ ]*)$/, " and $1");

/** Identity by the text of the file: a host name stays a name, and a missing host NQN means the system's. */
function tidOf({ fields }: ControllerLine): Tid {
  const { traddr } = fields;
  const name = isIp(traddr) ? traddr : traddr.toLowerCase().replace(/\.$/, "");
  const hasPorts = fields.transport === "tcp" || fields.transport === "rdma";
  return normaliseTid({
    ...fields,
    traddr: hasPorts ? name : traddr,
    subsysnqn: fields.subsysnqn || WELL_KNOWN_DISC_NQN,
  }, { hostNqn: "", ignoreIface: false });
}

/** The same subsystem at the same address, through any interface. */
const placeKey = (tid: Tid): string =>
  JSON.stringify([
    tid.transport,
    canonicalAddress(tid.transport, tid.traddr),
    tid.trsvcid,
    tid.subsysnqn,
    tid.hostNqn,
  ]);

const wayKey = (tid: Tid): string =>
  JSON.stringify([canonicalAddress(tid.transport, tid.hostTraddr), impliedIface(tid)]);

/** May one connection serve both? A missing field matches any. */
export function sameWay(a: Tid, b: Tid): boolean {
  const alike = (x: string, y: string): boolean => x === "" || y === "" || x === y;
  return alike(impliedIface(a), impliedIface(b)) &&
    alike(canonicalAddress(a.transport, a.hostTraddr), canonicalAddress(b.transport, b.hostTraddr));
}

/** Reports lines that mean the same controller as an earlier one. */
export function noteDuplicates(
  lines: readonly PlacedLine[],
  ignoreIface: boolean,
  global: ConnectOptions,
  findings: FindingList,
): void {
  const places = new Map<string, { readonly line: ControllerLine; readonly tid: Tid }[]>();
  for (const { line, at } of lines) {
    const full = tidOf(line);
    const tid = ignoreIface ? { ...full, hostIface: "" } : full;
    const key = placeKey(tid);
    const before = places.get(key) ?? [];
    const same = before.find((other) => wayKey(other.tid) === wayKey(tid));
    if (same !== undefined) {
      findings.add("duplicate", at, duplicateText(line, same.line, global));
      continue;
    }
    const near = before.find((other) => sameWay(other.tid, tid));
    const differs = near === undefined ? "" : securityText(line, near.line, global);
    if (near !== undefined && differs !== "") {
      const what = `one connection can serve ${names(line, near.line).join(" and ")}`;
      findings.add("duplicate", at, `${what}${differs}`);
    }
    places.set(key, [...before, { line, tid }]);
  }
}

/**
 * Usable and unusable lines, in the order of the file; those of other files come after it, in the order of
 * `files`.
 */
export function allLines(
  controllers: readonly ControllerLine[],
  unusable: readonly UnusableLine[],
  files: readonly string[] = [],
): readonly { readonly line: ControllerLine; readonly why: string | undefined }[] {
  const at = ({ origin }: ControllerLine): number => origin.kind === "file" ? origin.line : 0;
  const fileOf = ({ origin }: ControllerLine): number =>
    origin.kind === "file" ? files.indexOf(origin.file) : -1;
  return [...controllers.map((line) => ({ line, why: undefined })), ...unusable]
    .toSorted((a, b) => fileOf(a.line) - fileOf(b.line) || at(a.line) - at(b.line));
}
