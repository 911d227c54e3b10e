/**
 * One connectivity file of nvme-stas 3 (`/etc/nvme/nvme-stas.conf` or a drop-in), with the grammar and the
 * checks of libnvme 3: a file that libnvme rejects is an error here, too, and then no daemon uses it.
 */
import { isUuid, nqnBytes, zeroOrOnes } from "../nvme/host_nqn.ts";
import { INT_MAX, INT_MIN } from "../nvme/option_table.ts";
import { type Finding, FindingList, type Position } from "./finding.ts";
import { isSensitive, shown } from "./redact.ts";
import { securityMeant, type SecurityOption } from "./security_names.ts";
import { didYouMean } from "./suggestion.ts";

/** A value and its place; an empty value removes the option, so that the kernel decides. */
export interface NextValue {
  readonly value: string;
  readonly at: Position;
  /** The column of the option's name. */
  readonly nameAt: Position;
}

export type NextValues = ReadonlyMap<string, NextValue>;
type Draft = Map<string, NextValue>;

/** One `controller =` line. */
export interface NextPath {
  readonly address: NextValues;
  readonly options: NextValues;
  readonly at: Position;
}

/** `[Discovery Controller]` or `[Subsystem]`. */
export interface NextEndpoint {
  readonly isDc: boolean;
  readonly options: NextValues;
  readonly paths: readonly NextPath[];
}

export interface NextFile {
  readonly file: string;
  readonly dcDefaults: NextValues;
  readonly iocDefaults: NextValues;
  /** Undefined when there is no such section. */
  readonly host: { readonly values: NextValues; readonly at: Position } | undefined;
  readonly endpoints: readonly NextEndpoint[];
  /** Set in a place where it has no effect. */
  readonly unread: readonly NextUnread[];
  /** The error makes the file unusable. */
  readonly isRejected: boolean;
  readonly findings: readonly Finding[];
}

export interface NextUnread {
  readonly option: SecurityOption;
  /** The message, with place and remedy. */
  readonly why: string;
}

type Kind = "integer" | "boolean" | "text" | "persistent";

const TUNABLES: ReadonlyMap<string, Kind> = new Map([
  ["nr-io-queues", "integer"],
  ["nr-write-queues", "integer"],
  ["nr-poll-queues", "integer"],
  ["queue-size", "integer"],
  ["keep-alive-tmo", "integer"],
  ["reconnect-delay", "integer"],
  ["ctrl-loss-tmo", "integer"],
  ["fast-io-fail-tmo", "integer"],
  ["tos", "integer"],
  ["duplicate-connect", "boolean"],
  ["disable-sqflow", "boolean"],
  ["hdr-digest", "boolean"],
  ["data-digest", "boolean"],
  ["persistent", "persistent"],
  ["epcsd", "boolean"],
]);

const SECURITY: ReadonlyMap<string, Kind> = new Map([
  ["tls", "boolean"],
  ["concat", "boolean"],
  ["tls-key", "text"],
  ["tls-key-identity", "text"],
  ["keyring", "text"],
  ["kxchap-secret", "text"],
  ["kxchap-ctrl-secret", "text"],
  // Their names before 3.0 was released.
  ["dhchap-secret", "text"],
  ["dhchap-ctrl-secret", "text"],
]);

const IDENTITY: readonly string[] = ["hostnqn", "hostid", "hostsymname"];
const ADDRESS: readonly string[] = ["transport", "traddr", "trsvcid", "host-traddr", "host-iface"];
const ALL: readonly string[] = [...TUNABLES.keys(), ...SECURITY.keys(), ...IDENTITY, "nqn", "controller"];

/** Discovery controllers only. */
export const isForDcs = (option: string): boolean => option === "persistent" || option === "epcsd";

const TRUE: readonly string[] = ["1", "yes", "y", "true", "t", "on"];
const FALSE: readonly string[] = ["0", "no", "n", "false", "f", "off"];
/** The consequence of an invalid security option. */
const NOTHING_NEW = "until this is corrected only lines that set it themselves make new connections";
const REJECTED = "the whole file is rejected";

interface MutableEndpoint {
  readonly isDc: boolean;
  readonly options: Draft;
  readonly paths: NextPath[];
  readonly at: Position;
}

type Section = { readonly name: "none" } | { readonly name: "unknown" } | ReadSection;

type ReadSection =
  | { readonly name: "dc-defaults" | "ioc-defaults" | "host"; readonly values: Draft }
  | { readonly name: "endpoint"; readonly endpoint: MutableEndpoint };

export function parseNextFile(text: string, file: string): NextFile {
  return new Parser(file).parse(text);
}

class Parser {
  readonly #file: string;
  readonly #findings: FindingList;
  readonly #dcDefaults: Draft = new Map();
  readonly #iocDefaults: Draft = new Map();
  readonly #host: Draft = new Map();
  readonly #seen = new Set<string>();
  readonly #unread: NextUnread[] = [];
  readonly #endpoints: MutableEndpoint[] = [];
  #hostAt: Position | undefined;
  #isRejected = false;
  #section: Section = { name: "none" };

  constructor(file: string) {
    this.#file = file;
    this.#findings = new FindingList(file);
  }

  parse(text: string): NextFile {
    text.split(/\r\n|\n|\r/).forEach((raw, index) => this.#line(raw, index + 1));
    for (const { isDc, options, at } of this.#endpoints) {
      if (!isDc && !options.has("nqn")) this.#reject(at, "[Subsystem] has no nqn");
    }
    return {
      file: this.#file,
      dcDefaults: this.#dcDefaults,
      iocDefaults: this.#iocDefaults,
      host: this.#hostAt === undefined ? undefined : { values: this.#host, at: this.#hostAt },
      endpoints: this.#endpoints,
      unread: this.#unread,
      isRejected: this.#isRejected,
      findings: this.#findings.sorted(),
    };
  }

  #reject(at: Position, what: string): void {
    this.#isRejected = true;
    this.#findings.add("malformed", at, `${what}; ${REJECTED}`);
  }

  #line(raw: string, line: number): void {
    const text = raw.trim();
    if (text === "" || text.startsWith("#")) return;
    const at = { line, column: raw.search(/\S/) + 1 };
    if (text.startsWith("[")) return this.#header(text, at);
    const equals = text.indexOf("=");
    if (equals <= 0) {
      const hint = text.startsWith(";") ? " (a comment begins with #)" : "";
      const what = isSensitive(text) ? "this line" : shown(text);
      return this.#reject(at, `${what} is neither a section nor key = value${hint}`);
    }
    const rest = text.slice(equals + 1);
    this.#pair(text.slice(0, equals).trimEnd(), rest.trim(), at, {
      line,
      column: at.column + equals + 1 + (rest.length - rest.trimStart().length),
    });
  }

  #header(text: string, at: Position): void {
    const end = text.indexOf("]");
    const name = text.slice(1, end).trim();
    this.#section = { name: "none" };
    const after = text.slice(end + 1).trim();
    if (end < 0 || name === "" || (after !== "" && !after.startsWith("#"))) {
      return this.#reject(at, `${shown(text)} is not a section line`);
    }
    if (after !== "") this.#cut(at);
    const isRepeated = this.#seen.has(name);
    this.#seen.add(name);
    if (name === "Host") {
      if (isRepeated) {
        return this.#reject(at, "this is the second [Host] section; each identity needs a file of its own");
      }
      this.#hostAt = at;
      this.#section = { name: "host", values: this.#host };
    } else if (name === "Discovery Controller" || name === "Subsystem") {
      const endpoint = { isDc: name !== "Subsystem", options: new Map(), paths: [], at };
      this.#endpoints.push(endpoint);
      this.#section = { name: "endpoint", endpoint };
    } else if (name === "Discovery Controller Defaults" || name === "I/O Controller Defaults") {
      const isDc = name.startsWith("Discovery");
      if (isRepeated) this.#findings.add("unusual", at, `[${name}] is given more than once`);
      this.#section = isDc
        ? { name: "dc-defaults", values: this.#dcDefaults }
        : { name: "ioc-defaults", values: this.#iocDefaults };
    } else {
      const hint = didYouMean(`[${name}]`, SECTIONS);
      this.#findings.add(
        hint === "" ? "unknown" : "misplaced",
        at,
        `section ${shown(`[${name}]`)} is ignored${hint}`,
      );
      this.#section = { name: "unknown" };
    }
  }

  #cut(at: Position): void {
    this.#findings.add(
      "note",
      at,
      "a comment after a value is cut off here, while libnvme takes it as part of the value: give it a line of its own",
    );
  }

  #pair(key: string, written: string, nameAt: Position, at: Position): void {
    const section = this.#section;
    if (section.name === "none") {
      return this.#reject(nameAt, `${shown(key)} comes before any section, or below a malformed one`);
    }
    if (section.name === "unknown") {
      const option = securityMeant(key);
      if (option === undefined) return;
      // The connections that it was meant for are unknown.
      const what = `${shown(key)} is in a section that is ignored`;
      this.#findings.add("security", nameAt, `${what}; ${NOTHING_NEW}`);
      this.#unread.push({ option, why: `${this.#file}:${nameAt.line}:${nameAt.column}: ${what}` });
      return;
    }
    this.#known(section, key, written, nameAt, at);
  }

  #known(section: ReadSection, key: string, written: string, nameAt: Position, at: Position): void {
    const comment = key === "hostsymname" ? -1 : written.search(/(?:^|\s)#/);
    if (comment >= 0) this.#cut({ line: at.line, column: at.column + written.indexOf("#", comment) });
    const value = (comment < 0 ? written : written.slice(0, comment)).trimEnd();
    const entry = { value, at, nameAt };
    if (!ALL.includes(key)) return this.#unknown(key, entry, section);
    const isEndpoint = section.name === "endpoint";
    if (
      (IDENTITY.includes(key) && section.name !== "host") ||
      ((key === "nqn" || key === "controller") && !isEndpoint)
    ) {
      return this.#reject(nameAt, `${key} is not valid in this section`);
    }
    if (key === "controller") {
      if (isEndpoint) this.#path(section.endpoint, value, at);
      return;
    }
    const problem = valueProblem(key, value);
    if (problem !== undefined) {
      return this.#reject(at, `${key}${value === "" ? "" : ` ${shownValue(key, value)}`} ${problem}`);
    }
    const values = isEndpoint ? section.endpoint.options : section.values;
    const isDc = isEndpoint ? section.endpoint.isDc : section.name !== "ioc-defaults";
    if (isForDcs(key) && !isDc) {
      this.#findings.add(
        "misplaced",
        nameAt,
        `${key} applies to discovery controllers only; it is ignored`,
      );
      return;
    }
    if (values.get(key)?.value === "true" && SECURITY.has(key) && plainValue(key, value) !== "true") {
      const what = `${key} is given more than once with different values: the stricter value counts`;
      this.#findings.add("duplicate", nameAt, what);
      return;
    }
    values.set(key, { ...entry, value: plainValue(key, value) });
  }

  #unknown(key: string, entry: NextValue, section: ReadSection): void {
    if (securityMeant(key) !== undefined) {
      // Kept, so that its controllers are not connected (S15).
      const values = section.name === "endpoint" ? section.endpoint.options : section.values;
      values.set(key, entry);
      return;
    }
    const hint = didYouMean(key, ALL);
    this.#findings.add(
      hint === "" ? "unknown" : "misplaced",
      entry.nameAt,
      `${shown(key)} is not known${hint}; it is ignored`,
    );
  }

  #path(endpoint: MutableEndpoint, written: string, at: Position): void {
    const address: Draft = new Map();
    const options: Draft = new Map();
    let offset = 0;
    for (const piece of written.split(";")) {
      const text = piece.trim();
      const here = { line: at.line, column: at.column + offset + piece.length - piece.trimStart().length };
      offset += piece.length + 1;
      if (text === "") continue;
      const equals = text.indexOf("=");
      const what = isSensitive(text) ? "a part of the line" : shown(text);
      if (equals <= 0) return this.#reject(here, `${what} is not of the form key=value`);
      const key = text.slice(0, equals).trimEnd();
      const rest = text.slice(equals + 1);
      const value = rest.trim();
      const valueAt = {
        line: at.line,
        column: here.column + equals + 1 + (rest.length - rest.trimStart().length),
      };
      const entry = { value: plainValue(key, value), at: valueAt, nameAt: here };
      if (ADDRESS.includes(key)) {
        if (value === "") return this.#reject(here, `${key} is empty`);
        if (address.has(key)) return this.#reject(here, `${key} is given more than once`);
        address.set(key, entry);
        continue;
      }
      const security = securityMeant(key);
      if (SECURITY.has(key) || security !== undefined) {
        return this.#reject(
          here,
          `${
            shown(key)
          } does not belong on a controller line: keys and TLS are the same for all paths; set it in the section`,
        );
      }
      if (!TUNABLES.has(key)) {
        const hint = ALL.includes(key) ? "" : didYouMean(key, [...ADDRESS, ...TUNABLES.keys()]);
        return this.#reject(here, `${shown(key)} does not belong on a controller line${hint}`);
      }
      const problem = valueProblem(key, value);
      if (problem !== undefined) return this.#reject(valueAt, `${key} ${shown(value)} ${problem}`);
      options.set(key, entry);
    }
    if (!address.has("transport") || !address.has("traddr")) {
      return this.#reject(at, "a controller line needs transport and traddr");
    }
    endpoint.paths.push({ address, options, at });
  }
}

const SECTIONS: readonly string[] = [
  "[Host]",
  "[Discovery Controller]",
  "[Discovery Controller Defaults]",
  "[I/O Controller Defaults]",
  "[Subsystem]",
];

const shownValue = (key: string, value: string): string =>
  SECURITY.get(key) === "text" && key !== "keyring" ? "(not shown)" : shown(value);

/** As in libnvme: strtol with base 0. */
function integerOf(text: string): number | undefined {
  const [, sign = "", digits = ""] = /^([+-]?)(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.exec(text) ?? [];
  if (digits === "") return undefined;
  const size = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  const value = sign === "-" ? -size : size;
  return value >= INT_MIN && value <= INT_MAX ? value + 0 : undefined;
}

/** Completes a sentence that begins with name and value. */
function valueProblem(key: string, value: string): string | undefined {
  if (key === "nqn" || (key === "hostnqn" && value !== "")) {
    return isNqn(value) ? undefined : "is not an NQN (nqn.YYYY-MM.DOMAIN...)";
  }
  if (value === "") return undefined;
  if (key === "hostid") {
    if (!isUuid(value)) return "is not a UUID";
    return /^[0-]+$/.test(value) ? zeroOrOnes(value) : undefined;
  }
  switch (TUNABLES.get(key) ?? SECURITY.get(key)) {
    case "integer":
      return integerOf(value) === undefined ? "is not an integer" : undefined;
    case "boolean":
      return [...TRUE, ...FALSE].includes(value.toLowerCase()) ? undefined : "is neither true nor false";
    case "persistent":
      return ["no", "auto", "force"].includes(value) ? undefined : "is not no, auto or force";
    default:
      return undefined;
  }
}

/** In decimal digits, and with the words true and false. */
function plainValue(key: string, value: string): string {
  const kind = TUNABLES.get(key) ?? SECURITY.get(key);
  if (kind === "integer") return String(integerOf(value) ?? value);
  if (kind !== "boolean" || value === "") return value;
  return String(TRUE.includes(value.toLowerCase()));
}

function isNqn(text: string): boolean {
  const [, month] = /^nqn\.\d{4}-(\d{2})\.[\x21-\x7e]+$/.exec(text) ?? [];
  return month !== undefined && Number(month) >= 1 && Number(month) <= 12 && nqnBytes(text) <= 223;
}
