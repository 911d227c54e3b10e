/** The options that stafd.conf and stacd.conf have in common (requirements 10). */
import type { ConnectOptions } from "../nvme/connect_options.ts";
import { type ConnectOptionsDraft, securityConflict, setConnectOption } from "./connect_option.ts";
import { CONNECT_OPTIONS, type ConnectOption } from "../nvme/option_table.ts";
import {
  type ControllerFields,
  type ControllerLine,
  type IpFamilies,
  parseControllerLine,
  type UnusableLine,
} from "./controller_line.ts";
import { mayBeRead, othersMayRead } from "./key_source.ts";
import type { ReadFile } from "./sys_conf.ts";
import { noteIdentities } from "./line_identities.ts";
import { noteDuplicates } from "./duplicate_lines.ts";
import { digestOf } from "./digest.ts";
import { noteExcluded } from "./excluded_lines.ts";
import { type ExcludeLine, parseExcludeLine } from "./exclude.ts";
import { fileSecurity, type UnreadSecurity } from "./file_security.ts";
import { foreignFormat, formatText } from "./file_format.ts";
import { type Finding, FindingList } from "./finding.ts";
import { type Ini, type IniEntry, parseIni } from "./ini.ts";
import { CONTROLLERS, type Daemon, GLOBAL, KNOWN_OPTIONS, LEGACY_OPTIONS } from "./known_options.ts";
import { checkNames } from "./names_check.ts";
import { badValue, OptionReader, valueAt } from "./option_reader.ts";
import { DEFAULT_ORIGIN, type Origin, type Value } from "./origin.ts";
import { shown, visible } from "./redact.ts";
import { oneOf, parseBoolean } from "./scalar.ts";
import { securityMeant } from "./security_names.ts";
import { suggestion } from "./suggestion.ts";

export interface DaemonConf {
  readonly file: string;
  /** Trace on: debug messages (CFG-25, CFG-63). */
  readonly tron: Value<boolean>;
  readonly ignoreIface: Value<boolean>;
  readonly ipFamilies: Value<IpFamilies>;
  /** Whether what log pages say of TLS counts (DEC-15). */
  readonly tlsFromLogPage: Value<TlsFromLogPage>;
  /**
   * `[Global]` or the daemon's default. An absent option is left to the kernel; for a connection use {@link
   * mergedOptions}.
   */
  readonly options: ConnectOptions;
  /** The origin of each option that is set, or that a file removes (`kato = 0`). */
  readonly optionOrigins: ReadonlyMap<keyof ConnectOptions, Origin>;
  /** Usable entries in file order, not yet compared with `excludes`. */
  readonly controllers: readonly ControllerLine[];
  /** Entries with an invalid security option: their controllers are not connected. */
  readonly unusable: readonly UnusableLine[];
  /**
   * Invalid security options that would apply to all connections. Such a file is accepted only at a start:
   * the daemon manages existing connections, and makes new ones only for lines that set the option
   * themselves.
   */
  readonly unreadSecurity: readonly UnreadSecurity[];
  /** Entries that only `ip-family` rules out. */
  readonly disabled: readonly ControllerFields[];
  /** A fingerprint of the file's text. */
  readonly digest: string;
  /**
   * Lines of controller entries that are invalid, or whose option or section is mistyped. Each could mean any
   * controller, so no controller counts as absent (S2).
   */
  readonly unreadable: readonly number[];
  readonly excludes: readonly ExcludeLine[];
  /** The further files that were read, and the lines in them that correspond to `unreadable` in `file`. */
  readonly conn?: { readonly files: readonly string[]; readonly unreadable: readonly string[] };
}

/** All invalid lines, in any of the files. */
export const unreadPlaces = (
  { file, unreadable, conn }: Pick<DaemonConf, "file" | "unreadable" | "conn">,
): readonly string[] => [...unreadable.map((line) => `${file}:${line}`), ...conn?.unreadable ?? []];

/** Connect options that are not left to the kernel (CFG-26, CFG-27). */
export const COMMON_DEFAULTS: ConnectOptions = {
  hdrDigest: false,
  dataDigest: false,
  tls: false,
  concat: false,
};

export type TlsFromLogPage = "follow" | "ignore";

const TLS_FROM_LOG_PAGE = new Map<string, TlsFromLogPage>([["follow", "follow"], ["ignore", "ignore"]]);

/** The words of ip-family, the preferred one of each value first. */
export const IP_FAMILIES: ReadonlyMap<string, IpFamilies> = new Map([
  ["ipv4+ipv6", { v4: true, v6: true }],
  ["ipv6+ipv4", { v4: true, v6: true }],
  ["ipv4", { v4: true, v6: false }],
  ["ipv6", { v4: false, v6: true }],
]);

export type ParsedConf<T> =
  | { readonly ok: true; readonly conf: T; readonly findings: readonly Finding[] }
  /**
   * The file is rejected as a whole: a start fails, and a reload keeps the previous configuration (CFG-5,
   * S10).
   */
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** Parses a file; `rest` reads what only this daemon has. A missing file is an empty one (CFG-6). */
export function parseDaemonConf<T>(
  text: string | undefined,
  file: string,
  daemon: Daemon,
  defaults: ConnectOptions,
  rest: (reader: OptionReader) => T,
  readFile: ReadFile | undefined,
): ParsedConf<DaemonConf & T> {
  const ini = parseIni(text ?? "", file);
  const format = foreignFormat(text ?? "", ini);
  if (format !== undefined) {
    const findings = new FindingList(file);
    findings.add("format", { line: 1, column: 1 }, formatText(format, visible(file)));
    return { ok: false, findings: findings.sorted() };
  }
  if (ini.findings.some((finding) => finding.severity === "error")) {
    return { ok: false, findings: ini.findings };
  }
  const findings = new FindingList(file);
  findings.addAll(ini.findings);
  const unread = fileSecurity(ini);
  checkNames(ini, daemon, findings, new Set(unread.map(({ entry }) => entry)));
  for (const { at, what } of unread) findings.add("security", at, `${what}; ${NOTHING_NEW}`);
  const reader = new OptionReader(ini, file, findings);
  noteBytes(ini, findings);

  const options = readOptions(reader, defaults);
  if (!options.ok) return { ok: false, findings: findings.sorted() };
  const bothFamilies: IpFamilies = { v4: true, v6: true };
  const ignoreIface = reader.value(GLOBAL, "ignore-iface", parseBoolean, false, "false");
  const ipFamilies = reader.value(GLOBAL, "ip-family", oneOf(IP_FAMILIES), bothFamilies, "ipv4+ipv6");
  const excludeEntries = [...reader.all(CONTROLLERS, "exclude"), ...reader.all(CONTROLLERS, "blacklist")]
    .toSorted((a, b) => a.line - b.line);
  const context = {
    daemon,
    file,
    families: ipFamilies.value,
    ignoreIface: ignoreIface.value,
    options: options.options,
    readFile,
  };
  const entries = reader.all(CONTROLLERS, "controller").map((entry) => ({
    entry,
    parsed: parseControllerLine(entry, context, findings),
  }));
  const controllers = entries.map(({ entry, parsed }, n) => ({
    entry,
    parsed: withContinuation(parsed, entries[n + 1]?.entry, findings),
  }));
  const conf = {
    file,
    tron: reader.value(GLOBAL, "tron", parseBoolean, false, "false"),
    ignoreIface,
    ipFamilies,
    tlsFromLogPage: reader.value(GLOBAL, "tls-from-log-page", oneOf(TLS_FROM_LOG_PAGE), "follow", "follow"),
    options: options.options,
    optionOrigins: options.origins,
    controllers: controllers.flatMap(({ parsed }) =>
      typeof parsed === "string" || "why" in parsed || "disabled" in parsed ? [] : [parsed]
    ),
    unusable: controllers.flatMap(({ parsed }) =>
      typeof parsed !== "string" && "why" in parsed ? [parsed] : []
    ),
    unreadSecurity: unread.map(({ at, option, what }) => ({
      option,
      why: `${file}:${at.line}:${at.column}: ${what}`,
    })),
    disabled: controllers.flatMap(({ parsed }) =>
      typeof parsed !== "string" && "disabled" in parsed ? [parsed.disabled] : []
    ),
    digest: digestOf(text ?? ""),
    unreadable: [
      ...controllers.filter(({ parsed }) =>
        parsed === "unreadable" || (typeof parsed !== "string" && "why" in parsed)
      ).map(({ entry }) => entry.line),
      ...ini.entries.filter(mayMeanController).map((entry) => entry.line),
    ].toSorted((a, b) => a - b),
    excludes: excludeEntries
      .map((entry) => parseExcludeLine(entry, { daemon, ignoreIface: ignoreIface.value, file }, findings))
      .filter((line) => line !== undefined),
    ...rest(reader),
  };
  const placed = controllers.flatMap(({ entry, parsed }) => {
    const at = { line: entry.line, column: entry.valueColumn };
    if (typeof parsed === "string" || "disabled" in parsed) return [];
    return [{ line: "why" in parsed ? parsed.line : parsed, at }];
  });
  const own = readFile?.(file);
  noteMode(conf, own?.ok === true ? own.mode : undefined, findings);
  noteIdentities(placed, findings);
  noteDuplicates(placed, ignoreIface.value, conf.options, findings);
  noteExcluded(placed, conf.excludes, ignoreIface.value, findings);
  return { ok: true, conf, findings: findings.sorted() };
}

const NOTHING_NEW =
  "until then only lines that set it themselves make new connections, and a reload is refused";

/** The value differs from the text in the file. */
function noteBytes(ini: Ini, findings: FindingList): void {
  for (const { line, value, valueColumn, column, option } of ini.entries) {
    const at = value?.includes("\uFFFD") === true
      ? valueColumn
      : option.includes("\uFFFD")
      ? column
      : undefined;
    if (at !== undefined) {
      findings.add(
        "bad-value",
        { line, column: at },
        "this line contains bytes that are not UTF-8, and cannot be read reliably",
      );
    }
  }
}

/** A key in a file that every user may read. */
function noteMode(
  conf: { readonly file: string; readonly controllers: readonly ControllerLine[] },
  mode: number | undefined,
  findings: FindingList,
): void {
  const line = othersMayRead(mode) ? conf.controllers.find(({ hasKey }) => hasKey) : undefined;
  if (line?.origin.kind !== "file") return;
  findings.add("key-file", { line: line.origin.line, column: 1 }, mayBeRead(visible(conf.file)));
}

/** An indented line below an entry is an entry of its own: its security options belong to no controller (CFG-7). */
function withContinuation(
  parsed: ReturnType<typeof parseControllerLine>,
  next: IniEntry | undefined,
  findings: FindingList,
): ReturnType<typeof parseControllerLine> {
  if (typeof parsed === "string" || "why" in parsed || "disabled" in parsed) return parsed;
  if (next?.continuation !== true) return parsed;
  const { value = "", line, valueColumn } = next;
  const asks = value.includes("transport") ? undefined : value.split(";").map((piece) => {
    const [name = ""] = piece.split(/[=:]/, 1);
    return securityMeant(name.trim());
  }).find((option) => option !== undefined);
  const { origin } = parsed;
  if (asks === undefined || origin.kind !== "file") return parsed;
  const what = `this indented line is an entry of its own, and it asks for ${asks}; ` +
    `append it to line ${origin.line} with ';'`;
  findings.add(
    "security",
    { line, column: valueColumn },
    `${what}; line ${origin.line} is not connected before`,
  );
  return { line: parsed, why: `${origin.file}:${line}:${valueColumn}: ${what}` };
}

const REJECTED = "connections would be less secure than asked for, so the whole file is rejected";

/** Is it a controller entry whose option or section is mistyped, or that is indented too far? */
function mayMeanController({ section, option, value, continuation }: IniEntry): boolean {
  // `controller transport=tcp;...` is an entry, too, in which the first "=" is missing.
  const isLike = (word: string): boolean =>
    [word, word.split(/[\s:]/, 1)[0] ?? ""].some((one) => suggestion(one, ["controller"]) !== undefined);
  if (continuation && isLike(value?.split("=", 1)[0]?.trim() ?? "")) return true;
  const isKnown = [...KNOWN_OPTIONS, ...LEGACY_OPTIONS]
    .some((o) => o.section === section && o.option === option);
  return !isKnown && (section === CONTROLLERS || isLike(option));
}

type Options =
  | { readonly ok: true; readonly options: ConnectOptions; readonly origins: DaemonConf["optionOrigins"] }
  /** A security option is invalid: connecting without it would be worse than not starting. */
  | { readonly ok: false };

function readOptions(reader: OptionReader, defaults: ConnectOptions): Options {
  const options: ConnectOptionsDraft = { ...defaults };
  const origins = new Map<keyof ConnectOptions, Origin>();
  let ok = true;
  for (const option of CONNECT_OPTIONS) {
    if (defaults[option.key] !== undefined) origins.set(option.key, DEFAULT_ORIGIN);
    const entry = reader.last(GLOBAL, option.name);
    if (entry === undefined) continue;
    reader.noteRepetition(entry);
    const result = set(options, option, entry);
    if (option.security === true) checkRepeated(reader, options, option, entry, (bad) => ok = ok && !bad);
    if (result.ok) {
      origins.set(option.key, reader.origin(entry));
      if (result.warning !== undefined) {
        const value = shown(entry.value ?? "");
        reader.findings.add(
          "left-out",
          valueAt(entry),
          `[${GLOBAL}] ${option.name}: ${value} is ${result.warning}`,
        );
      }
      continue;
    }
    const bad = badValue(entry, result.expected);
    if (option.security === true) {
      ok = false;
      reader.findings.add(
        "security",
        valueAt(entry),
        `${bad}; ${REJECTED}`,
      );
    } else {
      const fallback = defaults[option.key];
      const used = fallback === undefined ? "it is left to the kernel" : `the default, ${fallback}, is used`;
      reader.findings.add(entry.value === "" ? "left-out" : "bad-value", valueAt(entry), `${bad}; ${used}`);
    }
  }
  const conflict = securityConflict(options);
  const at = reader.last(GLOBAL, "concat") ?? reader.last(GLOBAL, "keyring") ??
    reader.last(GLOBAL, "tls-key");
  if (conflict !== undefined && at !== undefined) {
    reader.findings.add("impossible", valueAt(at), `${conflict}; such a connection is refused`);
  }
  return ok ? { ok, options, origins } : { ok };
}

const set = (options: ConnectOptionsDraft, option: ConnectOption, entry: IniEntry) =>
  entry.value === undefined
    ? { ok: false, expected: undefined } as const
    : setConnectOption(options, option, entry.value);

/**
 * If a security option is given more than once, the stricter value counts, and each value must be valid
 * (S15).
 */
function checkRepeated(
  reader: OptionReader,
  options: ConnectOptionsDraft,
  option: ConnectOption,
  last: IniEntry,
  isBad: (bad: boolean) => void,
): void {
  for (const entry of reader.all(GLOBAL, option.name)) {
    if (entry === last || (entry.value ?? "") === "") continue;
    const other: ConnectOptionsDraft = {};
    const result = set(other, option, entry);
    if (!result.ok) {
      isBad(true);
      reader.findings.add("security", valueAt(entry), `${badValue(entry, result.expected)}; ${REJECTED}`);
    } else if (option.kind === "boolean" && other[option.key] === true && options[option.key] !== true) {
      options[option.key] = true;
      const what = `${option.name} is true here and false in line ${last.line}: the stricter counts`;
      reader.findings.add("duplicate", valueAt(entry), what);
    }
  }
}
