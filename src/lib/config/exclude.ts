/** `exclude=` entries (CFG-45 to CFG-49): controllers never to be connected to (S7). */
import { scopeOf } from "../nvme/address.ts";
import { canonicalAddress, impliedIface, isTransport, type Tid } from "../nvme/tid.ts";
import type { FindingList } from "./finding.ts";
import type { IniEntry } from "./ini.ts";
import type { Origin } from "./origin.ts";
import { shown } from "./redact.ts";
import { didYouMean } from "./suggestion.ts";
import { readTokens, type Token } from "./token.ts";

/** What a controller must have to be excluded; fields that are absent do not matter. */
export interface ExcludeMatches {
  readonly transport?: string;
  readonly traddr?: string;
  readonly trsvcid?: string;
  readonly subsysnqn?: string;
  readonly hostIface?: string;
  readonly hostNqn?: string;
}

export interface ExcludeLine {
  /** At least one field, unless `neverMatches`. */
  readonly matches: ExcludeMatches;
  /** The entry has a key that no controller has, so it excludes nothing (CFG-45). */
  readonly neverMatches: boolean;
  /** The entry as written, secrets masked. */
  readonly text: string;
  readonly origin: Origin;
}

/** In the order in which the fields are compared. */
const KEYS: ReadonlyMap<string, keyof ExcludeMatches> = new Map([
  ["transport", "transport"],
  ["traddr", "traddr"],
  ["trsvcid", "trsvcid"],
  ["subsysnqn", "subsysnqn"],
  ["nqn", "subsysnqn"],
  ["host-iface", "hostIface"],
  ["host-nqn", "hostNqn"],
]);

/** The entry; undefined when it must be ignored because it would exclude everything, with a finding. */
export function parseExcludeLine(
  entry: IniEntry,
  ignoreIface: boolean,
  file: string,
  findings: FindingList,
): ExcludeLine | undefined {
  const at = { line: entry.line, column: entry.valueColumn };
  const tokens = readTokens(entry, findings);
  const matches: { -readonly [K in keyof ExcludeMatches]: ExcludeMatches[K] } = {};
  let neverMatches = false;
  for (const token of tokens.byKey.values()) {
    if (!KEYS.has(token.key)) neverMatches ||= isUnknown(token, findings);
  }
  for (const [key, field] of KEYS) {
    const token = tokens.byKey.get(key);
    if (token !== undefined) matches[field] = token.value;
  }

  const names = Object.keys(matches).length;
  if (names === 0 && !neverMatches) {
    findings.add("warning", at, "this exclude entry names nothing that could match; it is ignored");
    return undefined;
  }
  if (
    tokens.malformed > 0 && matches.traddr === undefined && matches.subsysnqn === undefined && !neverMatches
  ) {
    // What was meant to narrow it got lost. Excluding more than meant would disconnect (S1).
    findings.add(
      "error",
      at,
      "what is left of this exclude entry would exclude far more than was meant; the whole entry is ignored",
    );
    return undefined;
  }
  if (matches.transport !== undefined && !isTransport(matches.transport)) {
    const hint = didYouMean(matches.transport, ["tcp", "rdma", "fc", "loop"]);
    const value = shown(matches.transport);
    findings.add("warning", at, `no controller has transport ${value}${hint}; this entry excludes nothing`);
  }
  if (matches.hostIface !== undefined && matches.hostIface !== "" && ignoreIface) {
    findings.add(
      "warning",
      at,
      "with ignore-iface = true no host-iface is known; this entry excludes nothing",
    );
  }
  return { matches, neverMatches, text: tokens.text, origin: { kind: "file", file, line: entry.line } };
}

function isUnknown(token: Token, findings: FindingList): boolean {
  if (token.key === "host-traddr") {
    findings.add("notice", token.at, "host-traddr is not compared; the rest of the entry decides");
    return false;
  }
  const hint = didYouMean(token.key, KEYS.keys());
  findings.add(
    "warning",
    token.at,
    `no controller can be excluded by ${shown(token.key)}${hint}; the whole entry excludes nothing`,
  );
  return true;
}

/**
 * The first entry that excludes the controller. `tid` is completed (ports, interface); its traddr may be a host
 * name before resolution (CFG-47).
 */
export function excludedBy(tid: Tid, excludes: readonly ExcludeLine[]): ExcludeLine | undefined {
  return excludes.find((exclude) => isExcluded(tid, exclude));
}

function isExcluded(tid: Tid, { matches, neverMatches }: ExcludeLine): boolean {
  if (neverMatches) return false;
  const same = (wanted: string | undefined, actual: string): boolean =>
    wanted === undefined || wanted === actual;
  return same(matches.transport, tid.transport) &&
    (matches.traddr === undefined || sameTraddr(matches.traddr, tid)) &&
    same(matches.trsvcid, tid.trsvcid) &&
    same(matches.subsysnqn, tid.subsysnqn) &&
    (same(matches.hostIface, tid.hostIface) || same(matches.hostIface, impliedIface(tid))) &&
    same(matches.hostNqn, tid.hostNqn);
}

/** As text or as address (CFG-49). A scope in the entry asks for that interface. */
function sameTraddr(wanted: string, tid: Tid): boolean {
  if (wanted === tid.traddr) return true;
  if (canonicalAddress(tid.transport, wanted) !== canonicalAddress(tid.transport, tid.traddr)) return false;
  const scope = scopeOf(wanted);
  return scope === "" || scope === impliedIface(tid);
}
