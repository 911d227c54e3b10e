/**
 * A daemon's own file together with a connectivity file of nvme-stas 3 (`--conn-conf-file`): stafd uses its
 * discovery controllers, stacd its subsystems, both the identity in `[Host]`.
 */
import { type ConnectOptionsDraft, setConnectOption } from "./connect_option.ts";
import { CONNECT_OPTIONS } from "../nvme/option_table.ts";
import type { ControllerFields, ControllerLine, UnusableLine } from "./controller_line.ts";
import type { DaemonConf, ParsedConf } from "./daemon_conf.ts";
import { digestOf } from "./digest.ts";
import { allLines, noteDuplicates, type PlacedLine } from "./duplicate_lines.ts";
import { noteExcluded } from "./excluded_lines.ts";
import type { UnreadSecurity } from "./file_security.ts";
import { type Finding, FindingList } from "./finding.ts";
import { mayBeRead, othersMayRead } from "./key_source.ts";
import type { Daemon } from "./known_options.ts";
import { noteIdentities } from "./line_identities.ts";
import type { NextConf, NextConnection } from "./next_conf.ts";
import type { NextValues } from "./next_file.ts";
import { nextLine, ourOption } from "./next_lines.ts";
import type { Origin } from "./origin.ts";
import { shown, visible } from "./redact.ts";
import { securityMeant } from "./security_names.ts";
import type { ReadFile } from "./sys_conf.ts";

export interface WithConn<T> {
  readonly conf: T;
  readonly findings: readonly Finding[];
}

/** A file to be tried, together with the connectivity file in force. */
export function besideNext<T extends DaemonConf>(
  parsed: ParsedConf<T>,
  next: NextConf | undefined,
  daemon: Daemon,
): ParsedConf<T> {
  return next === undefined || !parsed.ok
    ? parsed
    : { ...parsed, conf: withConn(parsed.conf, next, daemon, undefined).conf };
}

/** The file `next` was not rejected. */
export function withConn<T extends DaemonConf>(
  conf: T,
  next: NextConf,
  daemon: Daemon,
  readFile: ReadFile | undefined,
): WithConn<T> {
  const lists = new Map(next.files.map((file) => [file, new FindingList(file)]));
  const listOf = (file: string): FindingList => {
    const list = lists.get(file) ?? new FindingList(file);
    lists.set(file, list);
    return list;
  };
  const [main = ""] = next.files;
  const defaults = daemon === "stafd" ? next.dcDefaults : next.iocDefaults;
  const global = withDefaults(conf, defaults, main, listOf(main));
  const controllers: ControllerLine[] = [];
  const unusable: UnusableLine[] = [];
  const disabled: ControllerFields[] = [];
  const unread: string[] = [];
  const placed: { readonly placed: PlacedLine; readonly connection: NextConnection }[] = [];
  for (const connection of next.connections) {
    if (connection.isDc !== (daemon === "stafd")) continue;
    const { file, at } = connection;
    const line = nextLine(connection, {
      daemon,
      file,
      families: conf.ipFamilies.value,
      ignoreIface: conf.ignoreIface.value,
      options: global.options,
      readFile,
    }, listOf(file));
    if (line === "unreadable") unread.push(`${file}:${at.line}`);
    else if ("disabled" in line) disabled.push(line.disabled);
    else {
      placed.push({ placed: { line: "why" in line ? line.line : line, at }, connection });
      if ("why" in line) {
        unusable.push(line);
        unread.push(`${file}:${at.line}`);
      } else controllers.push(line);
    }
  }
  noteAmongEach(conf, placed, global.options, listOf);
  for (const file of next.files) noteMode(file, placed, next, main, readFile, listOf(file));
  return {
    conf: {
      ...conf,
      options: global.options,
      optionOrigins: global.origins,
      controllers: [...conf.controllers, ...controllers],
      unusable: [...conf.unusable, ...unusable],
      disabled: [...conf.disabled, ...disabled],
      unreadSecurity: [...conf.unreadSecurity, ...next.unread, ...global.unread],
      digest: digestOf(
        conf.digest + JSON.stringify(next.connections.map(digestible)) + JSON.stringify([...defaults]),
      ),
      conn: { files: next.files, unreadable: unread },
    },
    findings: [...next.findings, ...[...lists.values()].flatMap((list) => list.sorted())],
  };
}

const digestible = ({ address, options, nqn, hostnqn, hostid, ...rest }: NextConnection): unknown => [
  [...address],
  [...options],
  nqn,
  hostnqn,
  hostid,
  rest,
];

interface Global {
  readonly options: DaemonConf["options"];
  readonly origins: DaemonConf["optionOrigins"];
  readonly unread: readonly UnreadSecurity[];
}

/**
 * The defaults of the main file apply to discovered controllers, too. They take precedence over `[Global]`,
 * except for security options.
 */
function withDefaults(conf: DaemonConf, defaults: NextValues, file: string, findings: FindingList): Global {
  const options: ConnectOptionsDraft = { ...conf.options };
  const origins = new Map(conf.optionOrigins);
  const unread: UnreadSecurity[] = [];
  for (const [name, { value, at, nameAt }] of defaults) {
    const ours = ourOption(name) === "tls-key-identity" ? "tls-key" : ourOption(name);
    const option = CONNECT_OPTIONS.find((one) => one.name === ours);
    if (option === undefined) {
      const meant = securityMeant(name);
      if (meant === undefined) continue;
      const what = `${shown(name)} does not belong in the defaults; set it in the section of its controllers`;
      findings.add("security", nameAt, what);
      unread.push({ option: meant, why: `${file}:${nameAt.line}:${nameAt.column}: ${what}` });
      continue;
    }
    const before = conf.optionOrigins.get(option.key);
    const origin: Origin = { kind: "file", file, line: nameAt.line };
    if (value === "") {
      if (option.security !== true) delete options[option.key];
      origins.set(option.key, origin);
      continue;
    }
    const draft: ConnectOptionsDraft = {};
    const result = setConnectOption(draft, option, value);
    if (!result.ok) {
      const what = `${name} ${option.kind === "text" ? "" : `${shown(value)} `}is not ${result.expected}`;
      if (option.security !== true) findings.add("bad-value", at, `${what}; it is ignored`);
      else {
        findings.add("security", at, what);
        unread.push({
          option: securityMeant(ours) ?? "tls",
          why: `${file}:${at.line}:${at.column}: ${what}`,
        });
      }
      continue;
    }
    if (before?.kind === "file") {
      const isStricter = option.security === true && options[option.key] === true &&
        draft[option.key] !== true;
      findings.add(
        "duplicate",
        nameAt,
        `${name} is given in ${before.file}:${before.line}, too: ` +
          (isStricter ? "the stricter one, that one, counts" : "this one counts"),
      );
      if (isStricter) continue;
    }
    Object.assign(options, draft);
    origins.set(option.key, origin);
  }
  return { options, origins, unread };
}

type Placed = readonly { readonly placed: PlacedLine; readonly connection: NextConnection }[];

/**
 * Reports duplicate lines and conflicting identities among all lines of all files, each at the later line.
 */
function noteAmongEach(
  conf: DaemonConf,
  placed: Placed,
  global: DaemonConf["options"],
  listOf: (file: string) => FindingList,
): void {
  const own = allLines(conf.controllers, conf.unusable).map(({ line }) => line);
  const lines = [...own, ...placed.map((one) => one.placed.line)];
  // Uses the index of the line as its position.
  const numbered = lines.map((line, n): PlacedLine => ({ line, at: { line: n, column: 1 } }));
  const found = new FindingList("");
  noteIdentities(numbered, found);
  noteDuplicates(numbered, conf.ignoreIface.value, global, found);
  noteExcluded(numbered.slice(own.length), conf.excludes, conf.ignoreIface.value, found);
  for (const finding of found.sorted()) {
    const one = placed[finding.line - own.length];
    if (one !== undefined) listOf(one.connection.file).addAll([{ ...finding, ...one.connection.at }]);
  }
}

/** A key in a file that every user may read. */
function noteMode(
  file: string,
  placed: Placed,
  next: NextConf,
  main: string,
  readFile: ReadFile | undefined,
  findings: FindingList,
): void {
  const inLine = placed.find(({ placed: { line }, connection }) => connection.file === file && line.hasKey);
  const inHost = file === main ? next.host.get("kxchap-secret") ?? next.host.get("dhchap-secret") : undefined;
  const at = inHost?.at ?? inLine?.connection.at;
  if (at === undefined) return;
  const read = readFile?.(file);
  if (read?.ok === true && othersMayRead(read.mode)) {
    findings.add("key-file", { line: at.line, column: 1 }, mayBeRead(visible(file)));
  }
}
