/**
 * Translates files of other programs and versions into ours: discovery.conf, config.json, nvme-stas 3. Pure.
 */
import { CONNECT_OPTIONS, type ConnectOption } from "../nvme/option_table.ts";
import { isTransport, WELL_KNOWN_DISC_NQN } from "../nvme/tid.ts";
import { type ForeignFormat, foreignFormat } from "./file_format.ts";
import { identityOf, nextConf } from "./next_conf.ts";
import { parseNextFile } from "./next_file.ts";
import { nextEntry, NOT_PASSED, ourOption } from "./next_lines.ts";
import { shown } from "./redact.ts";

export interface Imported {
  readonly format: ForeignFormat;
  /** Values for `controller =`. */
  readonly stafd: readonly string[];
  readonly stacd: readonly string[];
  /** `name = value` for `[Global]`. */
  readonly stafdGlobal: readonly string[];
  readonly stacdGlobal: readonly string[];
  /** `name = value` for `[Host]` of sys.conf. */
  readonly host: readonly string[];
  /** What has no counterpart, with its place and without secrets. */
  readonly lost: readonly string[];
}

type Pairs = readonly (readonly [key: string, value: string])[];
type Draft = { -readonly [K in keyof Omit<Imported, "format">]: string[] };

/** Options of `nvme connect` by one letter. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ["t", "transport"],
  ["a", "traddr"],
  ["s", "trsvcid"],
  ["w", "host-traddr"],
  ["f", "host-iface"],
  ["n", "nqn"],
  ["q", "hostnqn"],
  ["I", "hostid"],
  ["k", "keep-alive-tmo"],
  ["c", "reconnect-delay"],
  ["l", "ctrl-loss-tmo"],
  ["Q", "queue-size"],
  ["i", "nr-io-queues"],
  ["W", "nr-write-queues"],
  ["P", "nr-poll-queues"],
  ["g", "hdr-digest"],
  ["G", "data-digest"],
  ["d", "disable-sqflow"],
  ["S", "dhchap-secret"],
  ["C", "dhchap-ctrl-secret"],
  ["T", "tos"],
  ["p", "persistent"],
]);

const OURS: ReadonlyMap<string, string> = new Map([
  ["trtype", "transport"],
  ["subsysnqn", "nqn"],
  ["hostnqn", "host-nqn"],
  ["hostid", "host-id"],
  ["keep-alive-tmo", "kato"],
  ["dhchap-key", "dhchap-secret"],
  ["dhchap-ctrl-key", "dhchap-ctrl-secret"],
  ["kxchap-secret", "dhchap-secret"],
  ["kxchap-ctrl-secret", "dhchap-ctrl-secret"],
  ["kxchap-key", "dhchap-secret"],
  ["kxchap-ctrl-key", "dhchap-ctrl-secret"],
]);

const LINE_KEYS: ReadonlySet<string> = new Set([
  "transport",
  "traddr",
  "trsvcid",
  "nqn",
  "host-traddr",
  "host-iface",
  "host-nqn",
  "host-id",
  "dhchap-secret",
  "dhchap-ctrl-secret",
  ...CONNECT_OPTIONS.map(({ name }) => name),
]);
/** Options that need no counterpart in our files. */
const SILENT: ReadonlySet<string> = new Set(["persistent", "discovery", "adrfam", "duplicate-connect"]);

const ourName = (key: string): string => {
  const name = key.replaceAll("_", "-");
  return OURS.get(name) ?? name;
};

/**
 * Undefined: the file has none of these formats. `dropIns` are those of a file of nvme-stas 3, in their
 * order.
 */
export function importFile(
  text: string,
  file = "",
  dropIns: readonly DropIn[] = [],
): Imported | undefined {
  const format = foreignFormat(text);
  if (format === undefined) return undefined;
  const draft: Draft = { stafd: [], stacd: [], stafdGlobal: [], stacdGlobal: [], host: [], lost: [] };
  if (format === "discovery.conf") ofDiscoveryConf(text, draft);
  else if (format === "config.json") ofConfigJson(JSON.parse(text), draft);
  else ofNext(text, draft, file, dropIns);
  return { format, ...draft };
}

/** One entry; messages about lost options begin with `where`. */
function addEntry(pairs: Pairs, to: "stafd" | "stacd", where: string, draft: Draft): void {
  const parts = new Map<string, string>();
  for (const [key, value] of pairs) {
    const name = ourName(key);
    if (SILENT.has(name) || value === "" || value === "none") continue;
    if (!LINE_KEYS.has(name)) draft.lost.push(`${where}: ${shown(key)} has no counterpart`);
    else if (/[;\r\n]/.test(value)) {
      draft.lost.push(`${where}: the value of ${name} cannot be written in a line`);
    } else parts.set(name, value);
  }
  if (to === "stafd" && parts.get("nqn") === WELL_KNOWN_DISC_NQN) parts.delete("nqn");
  const transport = parts.get("transport") ?? "";
  if (!isTransport(transport)) {
    draft.lost.push(
      `${where}: transport ${shown(transport)} is not tcp, rdma, fc or loop; the entry is left out`,
    );
    return;
  }
  const order = [...LINE_KEYS].filter((key) => parts.has(key));
  const line = order.map((key) => `${key}=${parts.get(key) ?? ""}`).join(";");
  if (!draft[to].includes(line)) draft[to].push(line);
}

function ofDiscoveryConf(text: string, draft: Draft): void {
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const pairs: (readonly [string, string])[] = [];
    const words = line.split(/[\s=]+/);
    for (let n = 0; n < words.length; n++) {
      const word = words[n] ?? "";
      const next = words[n + 1];
      const name = word.startsWith("--") ? word.slice(2) : LETTERS.get(word.slice(1)) ?? word;
      if (next === undefined || next.startsWith("-") && !/^-\d/.test(next)) pairs.push([name, "true"]);
      else {
        pairs.push([name, next]);
        n++;
      }
    }
    const nqn = pairs.find(([key]) => ourName(key) === "nqn")?.[1] ?? WELL_KNOWN_DISC_NQN;
    addEntry([["nqn", nqn], ...pairs], "stafd", `line ${index + 1}`, draft);
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
const listOf = (value: unknown): readonly unknown[] => Array.isArray(value) ? value : [];
/** A scalar value: no list and no object. */
const scalars = (value: Readonly<Record<string, unknown>>): Pairs =>
  Object.entries(value).flatMap(([key, one]) =>
    typeof one === "string" || typeof one === "number" || typeof one === "boolean"
      ? [[key, String(one)] as const]
      : []
  );

function ofConfigJson(json: unknown, draft: Draft): void {
  const hosts = Array.isArray(json) ? json : listOf(record(json)["hosts"]);
  for (const [h, one] of hosts.entries()) {
    const host = record(one);
    const identity = scalars(host).filter(([key]) => ["hostnqn", "hostid"].includes(key));
    const key = scalars(host).filter(([name]) => name === "dhchap_key");
    for (const [name] of scalars(host)) {
      if (!["hostnqn", "hostid", "dhchap_key", "required", "persistent_discovery"].includes(name)) {
        draft.lost.push(`host ${h + 1}: ${shown(name)} has no counterpart in a line; see sys.conf(5)`);
      }
    }
    for (const [s, item] of listOf(host["subsystems"]).entries()) {
      const subsystem = record(item);
      const nqn = scalars(subsystem).find(([name]) => name === "nqn")?.[1] ?? "";
      for (const [p, entry] of listOf(subsystem["ports"]).entries()) {
        const port = record(entry);
        const to = nqn === WELL_KNOWN_DISC_NQN || port["discovery"] === true ? "stafd" : "stacd";
        const where = `host ${h + 1}, subsystem ${s + 1}, port ${p + 1}`;
        addEntry([["nqn", nqn], ...identity, ...key, ...scalars(port)], to, where, draft);
      }
    }
  }
}

type DropIn = readonly [file: string, text: string];

/**
 * Resolved as in nvme-stas 3; entries that nvme-stas 3 would reject are named, and the rest is translated.
 */
function ofNext(text: string, draft: Draft, file: string, dropIns: readonly DropIn[]): void {
  const main = parseNextFile(text, "");
  const conf = isDropIn(file)
    ? nextConf(parseNextFile("", ""), [main])
    : nextConf(main, dropIns.map(([name, other]) => parseNextFile(other, name)));
  const placeOf = (at: string, line: number): string => `${at === "" ? "" : `${at}, `}line ${line}`;
  for (const { file: at, line, message, severity } of conf.findings) {
    if (severity === "notice") continue;
    draft.lost.push(
      `${placeOf(at, line)}: ${message.replace(/; the whole (?:file|configuration) is rejected$/, "")}`,
    );
  }
  for (const [name, value] of Object.entries(identityOf(conf))) draft.host.push(`${name} = ${value}`);
  for (
    const [defaults, list] of [[conf.dcDefaults, draft.stafdGlobal], [
      conf.iocDefaults,
      draft.stacdGlobal,
    ]] as const
  ) {
    for (const [name, { value, nameAt }] of defaults) {
      const option = CONNECT_OPTIONS.find((one) => one.name === ourOption(name));
      if (option !== undefined) {
        const written = value === "" ? resetText(option) : value;
        // Only for the keep-alive time-out does stafd have a default other than the kernel's.
        if (value !== "" || option.name === "kato") list.push(`${option.name} = ${written ?? ""}`);
      } else noteUncarried(name, value, placeOf("", nameAt.line), draft);
    }
  }
  const hostKey = conf.host.get("kxchap-secret") ?? conf.host.get("dhchap-secret");
  for (const connection of conf.connections) {
    const place = placeOf(connection.file, connection.at.line);
    for (const [name, { value }] of connection.options) noteUncarried(name, value, place, draft);
    // The host NQN of sys.conf applies to every connection.
    const options = new Map([...connection.options].filter(([, value]) => value !== hostKey));
    const { pieces, reset } = nextEntry({ ...connection, options });
    const resets = reset.flatMap((name) => {
      const option = CONNECT_OPTIONS.find((one) => one.name === name);
      const written = option === undefined ? undefined : resetText(option);
      if (written === undefined) draft.lost.push(`${place}: ${name} without a value has no counterpart`);
      return written === undefined ? [] : [`${name}=${written}`];
    });
    const line = [...pieces.map((piece) => piece.text), ...resets].join(";");
    const list = connection.isDc ? draft.stafd : draft.stacd;
    if (!list.includes(line)) list.push(line);
  }
}

/** A value that leaves the option to the kernel, if the option has one. */
function resetText(option: ConnectOption): string | undefined {
  if (option.kind === "boolean") return "false";
  if (option.kind === "text") return undefined;
  const value = Math.min(option.least - 1, 0);
  return value < option.min ? undefined : String(value);
}

function noteUncarried(name: string, value: string, place: string, draft: Draft): void {
  if (NOT_PASSED.includes(name) && value !== "" && value !== "false") {
    draft.lost.push(`${place}: ${shown(name)} has no counterpart`);
  }
  if (name === "persistent" && value === "no") {
    draft.lost.push(`${place}: persistent = no has no counterpart: discovery controllers stay connected`);
  }
}

/** Identifies a drop-in by its place: `NAME.conf.d/OTHER.conf`. */
const isDropIn = (file: string): boolean => /\.conf\.d\/[^/]+$/.test(file);
