/** Files of other programs and versions, in the words of ours: discovery.conf, config.json, nvme-stas 3. Pure. */
import { CONNECT_OPTIONS } from "../nvme/option_table.ts";
import { isTransport, WELL_KNOWN_DISC_NQN } from "../nvme/tid.ts";
import { type ForeignFormat, foreignFormat } from "./file_format.ts";
import { parseIni } from "./ini.ts";
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
  /** What cannot be carried over, with its place and no secret in it. */
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
/** Say nothing that our files would have to say. */
const SILENT: ReadonlySet<string> = new Set(["persistent", "discovery", "adrfam", "duplicate-connect"]);

const ourName = (key: string): string => {
  const name = key.replaceAll("_", "-");
  return OURS.get(name) ?? name;
};

/** Undefined: it is none of these formats. */
export function importFile(text: string): Imported | undefined {
  const format = foreignFormat(text);
  if (format === undefined) return undefined;
  const draft: Draft = { stafd: [], stacd: [], stafdGlobal: [], stacdGlobal: [], host: [], lost: [] };
  if (format === "discovery.conf") ofDiscoveryConf(text, draft);
  else if (format === "config.json") ofConfigJson(JSON.parse(text), draft);
  else ofNext(text, draft);
  return { format, ...draft };
}

/** One entry; `where` begins what is lost. */
function addEntry(pairs: Pairs, to: "stafd" | "stacd", where: string, draft: Draft): void {
  const parts = new Map<string, string>();
  for (const [key, value] of pairs) {
    const name = ourName(key);
    if (SILENT.has(name) || value === "" || value === "none") continue;
    if (!LINE_KEYS.has(name)) draft.lost.push(`${where}: ${shown(key)} has no counterpart`);
    else if (/[;\r\n]/.test(value)) draft.lost.push(`${where}: the value of ${name} cannot stand in a line`);
    else parts.set(name, value);
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
/** What is a value of its own: no list and no object. */
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

const HOST_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["hostnqn", "nqn"],
  ["nqn", "nqn"],
  ["hostid", "id"],
  ["id", "id"],
  ["hostsymname", "symname"],
  ["symname", "symname"],
  ["hostkey", "key"],
  ["dhchap-secret", "key"],
  ["kxchap-secret", "key"],
]);

function ofNext(text: string, draft: Draft): void {
  const ini = parseIni(text, "");
  let block = -1;
  let inherited: (readonly [string, string])[] = [];
  for (const entry of ini.entries) {
    const at = ini.sections.findLastIndex(({ line }) => line < entry.line);
    if (at !== block) [block, inherited] = [at, []];
    const { section, option, value = "", line } = entry;
    const where = `line ${line}`;
    const to = section.startsWith("Discovery") ? "stafd" : "stacd";
    if (section === "Host") {
      const name = HOST_OPTIONS.get(option);
      if (name === undefined) draft.lost.push(`${where}: [Host] ${shown(option)} has no counterpart`);
      else draft.host.push(`${name} = ${value}`);
    } else if (section.endsWith(" Defaults")) {
      const name = ourName(option);
      const list = to === "stafd" ? draft.stafdGlobal : draft.stacdGlobal;
      if (CONNECT_OPTIONS.some((one) => one.name === name)) list.push(`${name} = ${value}`);
      else if (!SILENT.has(name)) {
        draft.lost.push(`${where}: [${section}] ${shown(option)} has no counterpart`);
      }
    } else if (option === "controller") {
      const own = value.split(";").map((piece) => piece.trim()).filter((piece) => piece !== "").map(
        (piece) => {
          const equals = piece.indexOf("=");
          return equals < 0
            ? [piece, "true"] as const
            : [piece.slice(0, equals).trim(), piece.slice(equals + 1).trim()] as const;
        },
      );
      addEntry([...inherited, ...own], to, where, draft);
    } else inherited.push([option, value]);
  }
}
