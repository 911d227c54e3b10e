/**
 * Finds `controller=` entries that will fail later, or that mean something other than they seem to. The entry
 * is kept: only the outcome of the connect decides.
 */
import { isIp, isLinkLocal, parseIp, scopeOf, unmapped } from "../nvme/address.ts";
import type { ConnectOptions } from "../nvme/connect_options.ts";
import { isUuid, nqnLengthProblem, zeroOrOnes } from "../nvme/host_nqn.ts";
import { CONNECT_OPTIONS, LINE_OPTIONS } from "../nvme/option_table.ts";
import { WELL_KNOWN_DISC_NQN } from "../nvme/tid.ts";
import { mergedOptions, securityConflict } from "./connect_option.ts";
import type { ControllerFields, LineContext } from "./controller_line.ts";
import type { FindingKind } from "./finding_kind.ts";
import type { FindingList, Position } from "./finding.ts";
import { shown } from "./redact.ts";
import type { Tokens } from "./token.ts";

const FAILS = "connecting will fail";

/** IFNAMSIZ leaves 15 bytes; an altname may be longer, up to 127. */
const MAX_IFACE = 127;
const FC_ADDRESS = /^nn-0x[0-9a-f]{1,16}[:,]pn-0x[0-9a-f]{1,16}$/i;
const HOST_NAME = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*)$/u;

export const isHostName = (text: string): boolean => HOST_NAME.test(text);

/** `010.0.0.1`, `10.1`, `0x7f.1`: resolvers read such a text as an address other than it seems to be. */
export const isOddIpv4 = (text: string): boolean =>
  !isIp(text) && /^(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+))*$/i.test(text);

/** Why no controller or host can have this IP address. */
function noAddress(text: string): string | undefined {
  const ip = parseIp(text);
  const bytes = ip === undefined ? undefined : unmapped(ip.bytes) ?? ip.bytes;
  if (bytes === undefined) return undefined;
  if (bytes.every((byte) => byte === 0)) return "is the address of no machine";
  const [first = 0] = bytes;
  const isMulticast = bytes.length === 4 ? first >= 224 && first < 240 : first === 0xff;
  if (isMulticast) return "is a multicast address";
  return bytes.every((byte) => byte === 255) ? "is a broadcast address" : undefined;
}

export function checkLine(
  fields: ControllerFields,
  overrides: ConnectOptions,
  tokens: Tokens,
  context: LineContext & { readonly at: Position },
  findings: FindingList,
): void {
  const say = (kind: FindingKind, key: string, problem: string): void => {
    const token = tokens.byKey.get(key);
    if (token !== undefined) findings.add(kind, token.valueAt, `${key} ${shown(token.value)} ${problem}`);
  };
  const impossible = (key: string, problem: string): void => say("impossible", key, `${problem}; ${FAILS}`);
  checkNames(fields, tokens, context, say, impossible);
  checkAddresses(fields, context, impossible);
  checkTransport(fields, overrides, tokens, context, findings);
}

type Say = (kind: FindingKind, key: string, problem: string) => void;
type Impossible = (key: string, problem: string) => void;

function checkNames(
  fields: ControllerFields,
  tokens: Tokens,
  { daemon }: LineContext,
  say: Say,
  impossible: Impossible,
): void {
  const nqnKey = tokens.byKey.has("nqn") ? "nqn" : "subsysnqn";
  if (tokens.byKey.has("nqn") && tokens.byKey.has("subsysnqn")) {
    say("note", "subsysnqn", "is ignored: nqn, which has the same meaning, is given as well");
  }
  for (const key of [nqnKey, "host-nqn"]) {
    const problem = nqnLengthProblem(tokens.byKey.get(key)?.value ?? "");
    if (problem !== undefined) impossible(key, problem);
  }
  for (const { name } of LINE_OPTIONS) {
    const value = tokens.byKey.get(name)?.value ?? "";
    const isFc = fields.transport === "fc" && (name === "traddr" || name === "host-traddr");
    if (value.includes(",") && !isFc) {
      impossible(name, "contains a comma, which the kernel cannot accept in an option");
    }
  }
  for (const key of [nqnKey, "host-nqn"]) {
    if (/\s/.test(tokens.byKey.get(key)?.value ?? "")) impossible(key, "contains a space");
  }
  const { subsysnqn, hostNqn, hostId } = fields;
  if (daemon === "stacd" && subsysnqn === WELL_KNOWN_DISC_NQN) {
    say(
      "impossible",
      nqnKey,
      "is that of discovery controllers, which stacd does not manage; use stafd.conf",
    );
  }
  if (hostNqn === WELL_KNOWN_DISC_NQN) {
    impossible("host-nqn", "is that of discovery controllers, not of a host");
  }
  if (hostId === "") return;
  const zero = zeroOrOnes(hostId);
  if (!isUuid(hostId)) impossible("host-id", "is not a UUID");
  else if (zero !== undefined) impossible("host-id", zero);
  if (hostNqn === undefined || hostNqn === "") {
    impossible("host-id", "needs a host-nqn as well: the kernel accepts one host ID for one host NQN");
  }
}

function checkAddresses(
  fields: ControllerFields,
  { ignoreIface }: LineContext,
  impossible: Impossible,
): void {
  const { transport, traddr, trsvcid, hostTraddr, hostIface } = fields;
  if (transport === "fc") {
    for (const [key, value] of [["traddr", traddr], ["host-traddr", hostTraddr]] as const) {
      if (!FC_ADDRESS.test(value)) impossible(key, "is not an FC address (nn-0xWWNN:pn-0xWWPN)");
    }
  }
  if (
    hostIface !== "" && (/[\s/:,]/.test(hostIface) || new TextEncoder().encode(hostIface).length > MAX_IFACE)
  ) {
    impossible("host-iface", "cannot be the name of an interface");
  }
  if (transport !== "tcp" && transport !== "rdma") return;
  if (!isIp(traddr) && !isHostName(traddr)) {
    const hint = /^\[.*\]/.test(traddr)
      ? ": write it without the brackets, and the port as trsvcid"
      : /^[^:]+:\d+$/.test(traddr)
      ? ": the port is given as trsvcid"
      : "";
    impossible("traddr", `is neither an IP address nor a host name${hint}`);
  }
  const problem = noAddress(traddr);
  if (problem !== undefined) impossible("traddr", problem);
  const iface = ignoreIface ? "" : hostIface;
  if (isLinkLocal(traddr) && scopeOf(traddr) !== "" && iface !== "" && iface !== scopeOf(traddr)) {
    impossible("host-iface", `differs from the interface of traddr ${traddr}`);
  }
  if (isLinkLocal(traddr) && scopeOf(traddr) === "" && iface === "" && scopeOf(hostTraddr) === "") {
    impossible(
      "traddr",
      `needs an interface: write traddr=${traddr}%IFACE${
        transport === "tcp" && !ignoreIface ? " or host-iface=IFACE" : ""
      }`,
    );
  }
  if (hostTraddr !== "") {
    const source = noAddress(hostTraddr);
    if (!isIp(hostTraddr)) {
      impossible("host-traddr", "is not an IP address (an interface is given with host-iface)");
    } else if (source !== undefined) impossible("host-traddr", source);
    else if (isIp(traddr) && isV4(traddr) !== isV4(hostTraddr)) {
      impossible("host-traddr", `and traddr ${traddr} are of different address families`);
    }
  }
  const port = Number(trsvcid);
  if (trsvcid !== "" && !(/^\d+$/.test(trsvcid) && port >= 1 && port <= 65_535)) {
    impossible("trsvcid", "is not a port number (1 to 65535)");
  }
}

const isV4 = (text: string): boolean => {
  const ip = parseIp(text);
  return ip !== undefined && (ip.family === 4 || unmapped(ip.bytes) !== undefined);
};

/**
 * Options that the transport does not support: a security option prevents the connection, other options are
 * left out.
 */
function checkTransport(
  fields: ControllerFields,
  overrides: ConnectOptions,
  tokens: Tokens,
  { options, at, ignoreIface }: LineContext & { readonly at: Position },
  findings: FindingList,
): void {
  const { transport } = fields;
  const ifaceToken = tokens.byKey.get("host-iface");
  if (ifaceToken !== undefined && ignoreIface && transport === "tcp" && !isAbsent(ifaceToken.value)) {
    findings.add("not-taken", ifaceToken.valueAt, "host-iface has no effect with ignore-iface = true");
  }
  const merged = mergedOptions(options, overrides);
  for (const { key, name, security, transports } of CONNECT_OPTIONS) {
    const value = merged[key];
    if (value === undefined || value === false || transports.includes(transport)) continue;
    const token = tokens.byKey.get(name);
    if (security === true) {
      const from = token === undefined ? " of [Global]" : "";
      findings.add(
        "impossible",
        token?.valueAt ?? at,
        `${name}${from} is not supported on ${transport}, and nothing is connected without it; ` +
          (name === "tls" || name === "concat"
            ? `write ${name}=false for this controller`
            : "remove it, or use tcp"),
      );
    } else if (token !== undefined) {
      findings.add("not-taken", token.valueAt, `${name} has no effect on ${transport}`);
    }
  }
  for (const { name, transports } of LINE_OPTIONS) {
    const token = tokens.byKey.get(name);
    if (token === undefined || transports.includes(transport) || isAbsent(token.value)) continue;
    // On an RDMA line the interface still serves as the scope of a link-local address.
    if (name === "host-iface" && transport === "rdma" && isLinkLocal(fields.traddr)) continue;
    findings.add("not-taken", token.valueAt, `${name} has no effect on ${transport}`);
  }
  const conflict = securityConflict(merged);
  if (conflict !== undefined) findings.add("impossible", at, `${conflict}; such a connection is refused`);
}

/** What nvme-cli writes for "not given". */
export const isAbsent = (value: string): boolean => value === "" || value.toLowerCase() === "none";
