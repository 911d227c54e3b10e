/** One `controller=` entry (CFG-52 to CFG-59): which controller, and how to connect to it. */
import { canonicalIp, ipFamily } from "../nvme/address.ts";
import type { ConnectOptions, DhchapKeys } from "../nvme/connect_options.ts";
import { Secret } from "../base/secret.ts";
import {
  isTransport,
  normaliseTid,
  scoped,
  type Tid,
  type TidDefaults,
  type Transport,
  WELL_KNOWN_DISC_NQN,
} from "../nvme/tid.ts";
import { setConnectOption } from "./connect_option.ts";
import { CONNECT_OPTIONS } from "../nvme/option_table.ts";
import type { FindingList } from "./finding.ts";
import type { IniEntry } from "./ini.ts";
import type { Daemon } from "./known_options.ts";
import { checkLine, isAbsent, isOddIpv4 } from "./line_check.ts";
import { isReference, keyProblem, keyText } from "./key_source.ts";
import { nextName, ourKey } from "./next_names.ts";
import type { Origin } from "./origin.ts";
import { looksLikeSecret, redacted, shown } from "./redact.ts";
import type { ReadFile } from "./sys_conf.ts";
import { bareSecurity, securityOverrides, type Unread, unreadSecurity } from "./line_security.ts";
import { securityMeant, securityWithin } from "./security_names.ts";
import { didYouMean, suggestion } from "./suggestion.ts";
import { readTokens, shownValue, type Token, type Tokens } from "./token.ts";

/** As written; empty when not given. */
export interface ControllerFields {
  readonly transport: Transport;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  /** Undefined when the key is absent, which means the system's host NQN (TID-4). */
  readonly hostNqn: string | undefined;
  /** The host ID that goes with `hostNqn`; empty: the system's. */
  readonly hostId: string;
}

export interface ControllerLine {
  readonly fields: ControllerFields;
  /** For this controller only; they take precedence over `[Global]` (CFG-57, CFG-62). */
  readonly overrides: ConnectOptions;
  readonly keys: DhchapKeys;
  /** Unknown keys are kept and shown (CFG-55); what may be a secret is masked. */
  readonly extra: ReadonlyMap<string, string>;
  /** The entry as written, secrets masked. */
  readonly text: string;
  /** The entry itself contains a key. */
  readonly hasKey: boolean;
  readonly origin: Origin;
}

/**
 * An entry that names a controller but has an invalid security option: its controller is not connected,
 * whichever other source wants it (S15). An existing connection stays.
 */
export interface UnusableLine {
  readonly line: ControllerLine;
  /** The message, with place, value and remedy. */
  readonly why: string;
}

/**
 * An entry whose address family is disabled: it is not connected, but still counts as present in the file.
 */
export interface DisabledLine {
  readonly disabled: ControllerFields;
}

/** Which address families may be used (CFG-34). */
export interface IpFamilies {
  readonly v4: boolean;
  readonly v6: boolean;
}

/** An IPv4-mapped address is IPv4, unlike in TID-16: that is how its packets leave the host. */
const usedFamily = (traddr: string): 4 | 6 | undefined => ipFamily(canonicalIp(traddr) ?? traddr);

/** CFG-59: false for a literal address of a disabled family; true for host names. */
export function familyAllowed(traddr: string, families: IpFamilies): boolean {
  const family = usedFamily(traddr);
  return family === undefined || (family === 4 ? families.v4 : families.v6);
}

const FIELD_KEYS: readonly string[] = [
  "transport",
  "traddr",
  "trsvcid",
  "nqn",
  "subsysnqn",
  "host-traddr",
  "host-iface",
  "host-nqn",
  "host-id",
];
const TRANSPORTS: readonly Transport[] = ["tcp", "rdma", "fc", "loop"];
const SECRET_KEYS: readonly string[] = ["dhchap-secret", "dhchap-ctrl-secret"];
const ALL_KEYS: readonly string[] = [...FIELD_KEYS, ...SECRET_KEYS, ...CONNECT_OPTIONS.map((o) => o.name)];

/** The context in which an entry is checked. */
export interface LineContext {
  readonly daemon: Daemon;
  readonly file: string;
  readonly families: IpFamilies;
  readonly ignoreIface: boolean;
  /** Of `[Global]`. */
  readonly options: ConnectOptions;
  /** Reads keys in files of their own; undefined where nothing will be connected. */
  readonly readFile: ReadFile | undefined;
}

/**
 * The entry's controller, or the reason for which there is none: the entry is empty; its address family is
 * disabled; a security option is invalid; or the entry is invalid and could mean any controller. The last
 * three add a finding.
 */
export function parseControllerLine(
  entry: IniEntry,
  context: LineContext,
  findings: FindingList,
): ControllerLine | DisabledLine | UnusableLine | "empty" | "unreadable" {
  const { daemon, file, families } = context;
  const tokens = readTokens(entry, findings, (token) => bareSecurity(token) !== undefined);
  if (tokens.empty) return "empty";
  const unread = unreadSecurity(tokens, ALL_KEYS);
  for (const { token, at, what } of unread) {
    findings.add("security", at === "name" ? token.at : token.valueAt, `${what}; ${NOT_CONNECTED}`);
  }
  const drop = (
    at: Token | IniEntry,
    why: string,
  ): "unreadable" => {
    const position = "at" in at ? at.valueAt : { line: at.line, column: at.valueColumn };
    findings.add("dropped", position, `${why}; this controller entry is ignored`);
    return "unreadable";
  };

  const text = (key: string): string => tokens.byKey.get(key)?.value ?? "";
  const transportToken = tokens.byKey.get("transport");
  if (transportToken === undefined) {
    return drop(entry, `transport is missing (tcp, rdma, fc or loop)${formHint(tokens)}`);
  }
  const written = transportToken.value;
  // A request for security must not be lost because of a mistyped transport.
  const transport = isTransport(written) ? written : nearestTransport(written, tokens);
  let why: string | undefined;
  if (!isTransport(written)) {
    const hint = written.includes(",") ? COMMAS : didYouMean(written, TRANSPORTS);
    why = `transport ${shown(written)} is not tcp, rdma, fc or loop${hint}`;
    if (transport === undefined) return drop(transportToken, why);
  }
  if (transport === undefined) return "unreadable";
  const fields: ControllerFields = {
    transport,
    traddr: text("traddr"),
    trsvcid: text("trsvcid"),
    // CFG-54: if both are given, nqn counts, even if it is empty.
    subsysnqn: text(tokens.byKey.has("nqn") ? "nqn" : "subsysnqn"),
    hostTraddr: given(text("host-traddr")),
    hostIface: given(text("host-iface")),
    hostNqn: tokens.byKey.get("host-nqn")?.value,
    hostId: text("host-id"),
  };
  if (fields.traddr === "" && transport !== "loop") return drop(entry, "traddr is missing");
  if (fields.hostTraddr === "" && transport === "fc") {
    return drop(entry, "host-traddr is missing (fc needs it)");
  }
  if (fields.subsysnqn === "" && daemon === "stacd") return drop(entry, "nqn is missing");
  const hasPorts = transport === "tcp" || transport === "rdma";
  if (hasPorts && isOddIpv4(fields.traddr)) {
    const token = tokens.byKey.get("traddr") ?? entry;
    return drop(
      token,
      `traddr ${
        shown(fields.traddr)
      } is not an IPv4 address: write four numbers from 0 to 255, without leading zeros`,
    );
  }
  if (hasPorts && !familyAllowed(fields.traddr, families)) {
    const family = usedFamily(fields.traddr) === 4 ? "ipv4" : "ipv6";
    drop(
      tokens.byKey.get("traddr") ?? entry,
      `traddr ${fields.traddr} is ${family}, which ip-family disables`,
    );
    return { disabled: fields };
  }

  const overrides = readOverrides(tokens, findings);
  const { keys, unread: unreadKey } = readKeys(tokens, context, findings);
  const line: ControllerLine = {
    fields,
    overrides,
    keys,
    extra: readExtra(tokens, unread, findings),
    text: tokens.text,
    hasKey: SECRET_KEYS.some((key) => looksLikeSecret(tokens.byKey.get(key)?.value ?? "")),
    origin: { kind: "file", file, line: entry.line },
  };
  const first = unread[0] ?? unreadKey;
  if (first !== undefined) return { line, why: whyUnusable(first, file) };
  if (why !== undefined) {
    const at = transportToken.valueAt;
    findings.add("security", at, `${why}; ${NOT_CONNECTED}`);
    return { line, why: `${file}:${at.line}:${at.column}: ${why}` };
  }
  checkLine(
    fields,
    overrides,
    tokens,
    { ...context, at: { line: entry.line, column: entry.valueColumn } },
    findings,
  );
  return line;
}

const COMMAS = "; pairs are separated by ';', not by ','";

/** Hints for an entry that is wrong as a whole. */
function formHint(tokens: Tokens): string {
  if (tokens.byKey.has("trtype")) return "; use transport instead of trtype";
  const { text } = tokens;
  if (/^["']/.test(text)) return "; remove the quotes around it";
  if (/=[^;]*,\s*[a-z-]+=/i.test(text)) return COMMAS;
  if (/^-{1,2}[a-z]/i.test(text)) {
    return "; options of nvme-cli are written as key=value with ';' between them";
  }
  return /^controller\s*=/i.test(text)
    ? "; an indented line belongs to the option above it: remove the leading spaces"
    : "";
}

/** nvme-cli's word for "not given" counts as not given. */
const given = (value: string): string => isAbsent(value) ? "" : value;

/** The transport of an entry that asks for security; without security such an entry is dropped. */
function nearestTransport(written: string, tokens: Tokens): Transport | undefined {
  const asks =
    tokens.all.some(({ key, value }) =>
      (securityMeant(key) !== undefined && value.toLowerCase() !== "false") ||
      securityWithin(value) !== undefined
    ) || tokens.bare.some((token) => bareSecurity(token) !== undefined);
  const near = asks ? suggestion(written, TRANSPORTS) : undefined;
  return TRANSPORTS.find((transport) => transport === near);
}

/** The consequence for an entry with invalid security options. */
const NOT_CONNECTED = "its controller is not connected until this is corrected";

function whyUnusable({ token, at, what }: Unread, file: string): string {
  const { line, column } = at === "name" ? token.at : token.valueAt;
  return `${file}:${line}:${column}: ${what}`;
}

/** The fields of an entry's {@link ControllerLine.text}; undefined when it is none. */
export function fieldsOfText(text: string): ControllerFields | undefined {
  const values = new Map<string, string>();
  for (const piece of text.split(";")) {
    const equals = piece.indexOf("=");
    if (equals > 0) values.set(piece.slice(0, equals).trim(), piece.slice(equals + 1).trim());
  }
  const value = (key: string): string => values.get(key) ?? "";
  const transport = value("transport");
  if (!isTransport(transport)) return undefined;
  return {
    transport,
    traddr: value("traddr"),
    trsvcid: value("trsvcid"),
    subsysnqn: value(values.has("nqn") ? "nqn" : "subsysnqn"),
    hostTraddr: given(value("host-traddr")),
    hostIface: given(value("host-iface")),
    hostNqn: values.get("host-nqn"),
    hostId: value("host-id"),
  };
}

/** The transport id of the line. A line without an NQN means a discovery controller (STAF-15). */
export function toTid(line: ControllerLine, defaults: TidDefaults): Tid {
  const subsysnqn = line.fields.subsysnqn || WELL_KNOWN_DISC_NQN;
  return scoped(normaliseTid({ ...line.fields, subsysnqn }, defaults));
}

/** CFG-56. */
function readOverrides(tokens: Tokens, findings: FindingList): ConnectOptions {
  const security = securityOverrides(tokens);
  for (const token of security.disagreeing) {
    findings.add(
      "duplicate",
      token.valueAt,
      `${token.key} is given more than once with different values: the stricter value counts`,
    );
  }
  const options = security.options;
  for (const option of CONNECT_OPTIONS) {
    const token = tokens.byKey.get(option.name);
    if (token === undefined) continue;
    const result = setConnectOption(option.security === true ? {} : options, option, token.value);
    if (!result.ok) {
      if (option.security === true) continue;
      findings.add(
        "bad-value",
        token.valueAt,
        `${option.name}: ${shown(token.value)} is not ${result.expected}; the value of [Global] is used`,
      );
    } else if (result.warning !== undefined) {
      findings.add("left-out", token.valueAt, `${option.name}: ${shown(token.value)} is ${result.warning}`);
    }
  }
  return options;
}

type Keys = { readonly keys: DhchapKeys; readonly unread: Unread | undefined };

function readKeys(tokens: Tokens, { readFile }: LineContext, findings: FindingList): Keys {
  let unread: Unread | undefined;
  const secret = (key: "dhchap-secret" | "dhchap-ctrl-secret"): Secret | undefined => {
    const token = tokens.byKey.get(key);
    if (token === undefined) return undefined;
    const found = keyText(token.value, readFile);
    if (!found.ok) {
      unread ??= { token, at: "value", option: key, what: `${key}: ${found.why}` };
      findings.add("security", token.valueAt, `${key}: ${found.why}; ${NOT_CONNECTED}`);
      return undefined;
    }
    if (found.warning !== undefined) findings.add("key-file", token.valueAt, `${key}: ${found.warning}`);
    const problem = isReference(found.text) ? undefined : keyProblem(found.text);
    if (problem !== undefined) {
      findings.add("impossible", token.valueAt, `${key} ${problem}; this controller cannot be connected`);
    }
    return new Secret(found.text);
  };
  const hostKey = secret("dhchap-secret");
  const ctrlKey = secret("dhchap-ctrl-secret");
  const keys = {
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(ctrlKey === undefined ? {} : { ctrlKey }),
  };
  return { keys, unread };
}

function readExtra(
  tokens: Tokens,
  told: readonly Unread[],
  findings: FindingList,
): ReadonlyMap<string, string> {
  const extra = new Map<string, string>();
  for (const token of tokens.byKey.values()) {
    if (ALL_KEYS.includes(token.key)) continue;
    extra.set(redacted(token.key), shownValue(token));
    if (told.some((unread) => unread.token === token)) continue;
    const ours = ourKey(token.key);
    const next = ours === undefined ? nextName(token.key) : undefined;
    if (next !== undefined) {
      findings.add(next.kind, token.at, `key ${shown(token.key)} has no effect: ${next.advice}`);
      continue;
    }
    const hint = ours === undefined ? didYouMean(token.key, ALL_KEYS) : ` (write ${ours})`;
    findings.add(
      hint === "" ? "unknown" : "misplaced",
      token.at,
      `unknown key ${shown(token.key)}${hint}; it has no effect`,
    );
  }
  return extra;
}
