/** `exclude=` entries (CFG-45 to CFG-49): controllers never to be connected to (S7). */
import { isIp, scopeOf } from "../nvme/address.ts";
import { MAX_NQN, nqnBytes } from "../nvme/host_nqn.ts";
import { canonicalAddress, impliedIface, isTransport, type Tid } from "../nvme/tid.ts";
import { isInNetwork, matchesStars, parseNetwork } from "./exclude_pattern.ts";
import type { FindingList } from "./finding.ts";
import type { IniEntry } from "./ini.ts";
import type { Daemon } from "./known_options.ts";
import { isHostName, isOddIpv4 } from "./line_check.ts";
import type { Origin } from "./origin.ts";
import { shown } from "./redact.ts";
import { didYouMean } from "./suggestion.ts";
import { readTokens, type Token } from "./token.ts";

/** The fields that a controller must have to be excluded; absent fields do not matter. */
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

/**
 * The entry; undefined, with a finding, when the entry must be ignored because it would exclude everything.
 */
export function parseExcludeLine(
  entry: IniEntry,
  { daemon, ignoreIface, file }: {
    readonly daemon: Daemon;
    readonly ignoreIface: boolean;
    readonly file: string;
  },
  findings: FindingList,
): ExcludeLine | undefined {
  const at = { line: entry.line, column: entry.valueColumn };
  const tokens = readTokens(entry, findings);
  const matches: { -readonly [K in keyof ExcludeMatches]: ExcludeMatches[K] } = {};
  let neverMatches = false;
  let { malformed } = tokens;
  for (const token of tokens.byKey.values()) {
    if (KEYS.has(token.key)) continue;
    if (token.value.includes("=")) {
      // The original drops such a token, and the rest of the entry counts (CFG-53).
      malformed++;
      findings.add("misplaced", token.at, `${shown(token.key)} is not known; the rest of the entry decides`);
    } else neverMatches ||= isUnknown(token, findings);
  }
  // As in the original: no controller has a field of that name.
  if ((entry.value ?? "").split(";").some((piece) => piece.trimStart().startsWith("="))) {
    neverMatches = true;
    findings.add("excludes-nothing", at, "there is no name before a '='; the whole entry excludes nothing");
  }
  for (const [key, field] of KEYS) {
    const token = tokens.byKey.get(key);
    if (token !== undefined) matches[field] = token.value;
  }

  const names = Object.keys(matches).length;
  const isBroad = matches.subsysnqn !== undefined && /^\*+$/.test(matches.subsysnqn) ||
    (matches.traddr !== undefined && parseNetwork(matches.traddr)?.length === 0);
  if (names === 1 && isBroad && !neverMatches) {
    findings.add(
      "excludes-nothing",
      at,
      "this exclude entry would exclude every controller; it is ignored (transport=tcp excludes all of a transport)",
    );
    return undefined;
  }
  if (names === 0 && !neverMatches) {
    findings.add(
      tokens.empty ? "left-out" : "excludes-nothing",
      at,
      "this exclude entry names nothing that could match; it is ignored",
    );
    return undefined;
  }
  if (
    malformed > 0 && matches.traddr === undefined && matches.subsysnqn === undefined && !neverMatches
  ) {
    // The key that should restrict the entry is invalid. To exclude more than intended would disconnect (S1).
    findings.add(
      "excludes-nothing",
      at,
      "the rest of this exclude entry would exclude far more than intended; the whole entry is ignored",
    );
    return undefined;
  }
  if (matches.transport !== undefined && !isTransport(matches.transport)) {
    const hint = didYouMean(matches.transport, ["tcp", "rdma", "fc", "loop"]);
    const value = shown(matches.transport);
    findings.add(
      "excludes-nothing",
      at,
      `no controller has transport ${value}${hint}; this entry excludes nothing`,
    );
  }
  if (matches.hostIface !== undefined && matches.hostIface !== "" && ignoreIface) {
    findings.add(
      "excludes-nothing",
      at,
      "with ignore-iface = true controllers have no host-iface; this entry excludes nothing",
    );
  }
  for (const [key, why] of neverMatching(matches, daemon)) {
    findings.add(
      "excludes-nothing",
      tokens.byKey.get(key)?.valueAt ?? at,
      `${why}; this entry excludes nothing`,
    );
  }
  if (isPattern(matches)) {
    findings.add(
      "note",
      at,
      "only this version understands networks and '*'; the Python implementation takes them as plain text, and excludes nothing",
    );
  }
  return { matches, neverMatches, text: tokens.text, origin: { kind: "file", file, line: entry.line } };
}

/** Field values that no controller can have, each with the reason. */
function neverMatching(
  { traddr, trsvcid, subsysnqn, transport, hostIface, hostNqn }: ExcludeMatches,
  daemon: Daemon,
): readonly (readonly [key: string, why: string])[] {
  const found: (readonly [string, string])[] = [];
  const isIpTransport = transport === undefined || transport === "tcp" || transport === "rdma";
  if (traddr === "" && transport !== "loop") found.push(["traddr", "no controller has an empty traddr"]);
  if (traddr !== undefined && isIpTransport && !isFc(traddr)) {
    const value = shown(traddr);
    if (traddr.includes("*")) {
      found.push([
        "traddr",
        `traddr ${value} has a "*", which is for nqn; write a network, as in 192.0.2.0/24`,
      ]);
    } else if (traddr.includes("/") && parseNetwork(traddr) === undefined) {
      found.push(["traddr", `traddr ${value} is not a network such as 192.0.2.0/24 or 2001:db8::/64`]);
    } else if (parseNetwork(traddr) === undefined && !isIp(traddr) && traddr !== "" && !isHostName(traddr)) {
      const hint = /:\d+$|^\[/.test(traddr)
        ? " (the port is given as trsvcid, and there are no brackets)"
        : "";
      found.push(["traddr", `traddr ${value} is neither an IP address nor a host name${hint}`]);
    } else if (isOddIpv4(traddr)) {
      found.push([
        "traddr",
        `traddr ${value} is not an IPv4 address: four numbers from 0 to 255, without leading zeros`,
      ]);
    }
  }
  if ((transport === "tcp" || transport === "rdma") && traddr !== undefined && isFc(traddr)) {
    found.push(["traddr", `traddr ${shown(traddr)} is an FC address, which no ${transport} controller has`]);
  }
  if (transport === "fc" && traddr !== undefined && traddr !== "" && !isFc(traddr)) {
    found.push(["traddr", `traddr ${shown(traddr)} is not an FC address (nn-0xWWNN:pn-0xWWPN)`]);
  }
  if (trsvcid !== undefined) {
    const port = /^\d{1,5}$/.test(trsvcid) ? Number(trsvcid) : 0;
    const isPort = port >= 1 && port <= 65_535 && String(port) === trsvcid;
    if (isIpTransport ? !isPort && !(trsvcid === "" && transport === undefined) : trsvcid !== "") {
      const other = isIpTransport
        ? "is not a port number"
        : `is never the port of an ${transport} controller`;
      found.push(["trsvcid", `trsvcid ${shown(trsvcid)} ${other}`]);
    }
  }
  if (subsysnqn === "" && daemon === "stacd") found.push(["nqn", "no I/O controller has an empty nqn"]);
  if (subsysnqn !== undefined && nqnBytes(subsysnqn) > MAX_NQN) {
    found.push(["nqn", `no NQN is longer than ${MAX_NQN} bytes`]);
  }
  if (hostNqn?.includes("*") === true) found.push(["host-nqn", '"*" is for nqn, not for host-nqn']);
  const scope = traddr === undefined ? "" : scopeOf(traddr);
  if (scope !== "" && hostIface !== undefined && hostIface !== "" && hostIface !== scope) {
    found.push(["host-iface", `host-iface ${shown(hostIface)} differs from the interface of traddr`]);
  }
  if (hostIface !== undefined && (/[\s/*,:]/.test(hostIface) || hostIface === "none")) {
    found.push(["host-iface", `no interface is called ${shown(hostIface)}`]);
  }
  return found;
}

const isFc = (text: string): boolean => /^nn-/i.test(text);

/** Does it use a pattern that the Python implementation does not understand? */
export const isPattern = ({ traddr, subsysnqn }: ExcludeMatches): boolean =>
  subsysnqn?.includes("*") === true || (traddr !== undefined && parseNetwork(traddr) !== undefined);

function isUnknown(token: Token, findings: FindingList): boolean {
  if (token.key === "host-traddr") {
    findings.add("note", token.at, "host-traddr is not compared; the rest of the entry decides");
    return false;
  }
  const hint = didYouMean(token.key, KEYS.keys());
  findings.add(
    "excludes-nothing",
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
    (same(matches.subsysnqn, tid.subsysnqn) ||
      (matches.subsysnqn?.includes("*") === true && matchesStars(matches.subsysnqn, tid.subsysnqn))) &&
    (same(matches.hostIface, tid.hostIface) || same(matches.hostIface, impliedIface(tid))) &&
    same(matches.hostNqn, tid.hostNqn);
}

const hasIpAddress = ({ transport }: Tid): boolean => transport === "tcp" || transport === "rdma";

/** Compares as text or as address (CFG-49). A scope in the entry means that interface. */
function sameTraddr(wanted: string, tid: Tid): boolean {
  if (wanted === tid.traddr) return true;
  const network = wanted.includes("/") && hasIpAddress(tid) ? parseNetwork(wanted) : undefined;
  if (network !== undefined) {
    return isInNetwork(tid.traddr, network) && (network.scope === "" || network.scope === impliedIface(tid));
  }
  if (canonicalAddress(tid.transport, wanted) !== canonicalAddress(tid.transport, tid.traddr)) return false;
  const scope = scopeOf(wanted);
  return scope === "" || scope === impliedIface(tid);
}
