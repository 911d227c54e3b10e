/** The configuration files: read and checked completely, and accepted as a whole or not at all (S10). */
import type { DaemonConf, ParsedConf } from "../config/daemon_conf.ts";
import { type Finding, findingText, inFileOrder } from "../config/finding.ts";
import { hostFindings } from "../config/host_check.ts";
import { withConn } from "../config/conn_conf.ts";
import type { Daemon } from "../config/known_options.ts";
import { identityOf } from "../config/next_conf.ts";
import type { ReadNext } from "../config/next_files.ts";
import { parseSysConf, type ReadFile, type Unusable } from "../config/sys_conf.ts";
import type { HostConf } from "../core/request/host.ts";
import { Secret } from "../base/secret.ts";
import type { LogEntry } from "../ports.ts";

export type Loaded<T> =
  | { readonly ok: true; readonly value: T; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly why: Unusable; readonly findings: readonly Finding[] };

export const SYS_CONF = "/etc/stas/sys.conf";

const unreadable = (file: string, message: string): Finding => ({
  severity: "error",
  file,
  line: 0,
  column: 0,
  message,
});

/** A daemon's own file. A missing file counts as empty, with a warning if it was given by name (`named`). */
export function loadConf<T>(
  file: string,
  named: boolean,
  read: ReadFile,
  parse: (text: string | undefined, file: string, read: ReadFile) => ParsedConf<T>,
): Loaded<T> {
  const found = read(file);
  if (!found.ok && found.why === "unreadable") {
    return { ok: false, why: "absent", findings: [unreadable(file, found.message)] };
  }
  const parsed = parse(found.ok ? found.text : undefined, file, read);
  if (!parsed.ok) return { ...parsed, why: "malformed" };
  const missing: Finding[] = !found.ok && named
    ? [{ ...unreadable(file, `${found.message}; the defaults are used`), severity: "warning" }]
    : [];
  return { ok: true, value: parsed.conf, findings: [...missing, ...parsed.findings] };
}

/** A daemon's own file together with the connectivity file of nvme-stas 3, which both daemons read. */
export function withConnFiles<T extends DaemonConf>(
  own: Loaded<T>,
  next: ReadNext,
  daemon: Daemon,
  read: ReadFile,
): Loaded<T> {
  if (!own.ok || !next.ok) {
    const [whyOwn, whyNext] = [own.ok ? undefined : own.why, next.ok ? undefined : next.why];
    const why = whyOwn === "malformed" || whyNext === "malformed" ? "malformed" : "absent";
    return { ok: false, why, findings: [...own.findings, ...next.ok ? next.conf.findings : next.findings] };
  }
  const { conf, findings } = withConn(own.value, next.conf, daemon, read);
  const [file = ""] = next.conf.files;
  const missing: Finding[] = next.isMissing
    ? [{ ...unreadable(file, `${file} does not exist, so no controllers come from it`), severity: "warning" }]
    : [];
  return { ok: true, value: conf, findings: [...own.findings, ...missing, ...findings] };
}

/** The identity in `[Host]` takes precedence over that of sys.conf. */
export function withConnHost(own: Loaded<HostConf>, next: ReadNext): Loaded<HostConf> {
  if (!own.ok || !next.ok) return own;
  const { key, ...identity } = identityOf(next.conf);
  const keys = key === undefined ? {} : { key: new Secret(key), keyProblem: undefined };
  return { ...own, value: { ...own.value, ...identity, ...keys } };
}

/** With the findings about the entries on this host. */
export function onHost<T extends DaemonConf>(loaded: Loaded<T>, daemon: Daemon, host: HostConf): Loaded<T> {
  if (!loaded.ok) return loaded;
  const { nqn, id, key } = host;
  const more = hostFindings(loaded.value, daemon, { nqn, id, key, support: undefined }, loaded.findings);
  return { ...loaded, findings: inFileOrder([...loaded.findings, ...more], loaded.value.file) };
}

/** sys.conf and the files that it names. */
export function loadHost(file: string, read: ReadFile): Loaded<HostConf> {
  const found = read(file);
  if (!found.ok && found.why === "unreadable") {
    return { ok: false, why: "absent", findings: [unreadable(file, found.message)] };
  }
  const parsed = parseSysConf(found.ok ? found.text : undefined, file, read);
  if (!parsed.ok) return parsed;
  const { nqn, id, key, keyProblem, symname } = parsed.conf;
  return {
    ok: true,
    value: { nqn: nqn.value, id: id.value, symname: symname.value, key: key.value, keyProblem },
    findings: parsed.findings,
  };
}

/**
 * At a reload, if security options are invalid, the previous configuration stays in force (S10, S15); at a
 * start there is none, and the daemon manages existing connections.
 */
export const reloadedConf = <T extends Pick<DaemonConf, "unreadSecurity">>(loaded: Loaded<T>): Loaded<T> =>
  loaded.ok && loaded.value.unreadSecurity.length > 0
    ? { ok: false, why: "malformed", findings: loaded.findings }
    : loaded;

export const reloadedHost = (loaded: Loaded<HostConf>): Loaded<HostConf> =>
  loaded.ok && loaded.value.keyProblem !== undefined
    ? { ok: false, why: "malformed", findings: loaded.findings }
    : loaded;

export const findingEntry = (finding: Finding): LogEntry => ({
  level: finding.severity,
  message: findingText(finding),
  fields: { STAS_FILE: finding.file, STAS_LINE: String(finding.line) },
});
