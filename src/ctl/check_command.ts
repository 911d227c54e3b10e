/** `check`: errors in the configuration, and the values in effect. Needs neither daemon nor root. */
import {
  effectiveStacd,
  effectiveStafd,
  effectiveSys,
  type EffectiveValue,
} from "../lib/config/effective.ts";
import { withConn } from "../lib/config/conn_conf.ts";
import type { DaemonConf, ParsedConf } from "../lib/config/daemon_conf.ts";
import { type Finding, inFileOrder } from "../lib/config/finding.ts";
import { type HostFacts, hostFindings } from "../lib/config/host_check.ts";
import type { Daemon } from "../lib/config/known_options.ts";
import { identityOf } from "../lib/config/next_conf.ts";
import { readNextFiles } from "../lib/config/next_files.ts";
import { type Origin, originText } from "../lib/config/origin.ts";
import { parseStacdConf } from "../lib/config/stacd_conf.ts";
import { parseStafdConf } from "../lib/config/stafd_conf.ts";
import { parseSysConf, readSysConf } from "../lib/config/sys_conf.ts";
import { type FabricsSupport, parseSupported } from "../lib/nvme/kernel_version.ts";
import { Secret } from "../lib/base/secret.ts";
import { FAILED, OK } from "./command_line.ts";
import { findingsText } from "./findings_view.ts";
import { exists, PATIENCE } from "./doctor_finding.ts";
import { asDaemons, whyHidden } from "./hidden_folders.ts";
import { readFileText, readFolder } from "./host_identity.ts";
import { printJson } from "./output_format.ts";
import { STDIN } from "./plan_command.ts";
import { fail, type Job } from "./session.ts";
import { tableText } from "./table.ts";
import { head2 } from "./v2.ts";
import type { V2Check } from "./v2_types.ts";

interface Checked {
  readonly file: string;
  readonly present: boolean;
  readonly valid: boolean;
  readonly findings: readonly Finding[];
  readonly values: readonly EffectiveValue[];
}

export interface CheckOptions {
  readonly format: "table" | "json";
  /** Undefined: the daemon's own file and sys.conf. */
  readonly file: string | undefined;
  /** Warnings count as errors. */
  readonly strict: boolean;
  /** Connectivity file of nvme-stas 3 that the daemon is started with. */
  readonly connFile: string | undefined;
}

/** Exit status 1 if an entry does not have the effect that its author wants. */
export async function check(job: Job, { format, file, strict, connFile }: CheckOptions): Promise<number> {
  const { confDir } = job.world;
  const host = await hostFacts(job);
  const given = file === "-" ? STDIN.name : file;
  const files = given === undefined ? [`${confDir}/${job.tool.daemon}.conf`, `${confDir}/sys.conf`] : [given];
  const all: Checked[] = [];
  for (const path of files) {
    const text = readFileText(path === STDIN.name ? STDIN.path : path);
    // Only a file given by name must exist (CFG-6).
    if (!text.ok && (text.why === "unreadable" || file !== undefined)) return fail(job, text.message);
    const hidden = file === undefined && text.ok ? whyHidden(job.world, path, path) : undefined;
    if (hidden !== undefined) return fail(job, hidden);
    all.push(checked(job, path, text.ok ? text.text : undefined, host));
  }
  if (connFile !== undefined) {
    const next = checkedNext(job, file ?? `${confDir}/${job.tool.daemon}.conf`, connFile, host);
    if (typeof next === "string") return fail(job, next);
    all.push(next);
  }
  if (format === "json") {
    const found = all.map(asJson);
    const { tool, world } = job;
    printJson(job, "json", found, {
      whole: () => ({ ...head2(tool.daemon, world.now()), output: "check", files: found }),
    });
  } else job.world.out.write(all.map((one) => checkedText(job, one)).join("\n"));
  const isBad = ({ severity }: Finding): boolean =>
    severity === "error" || (strict && severity === "warning");
  return all.every(({ valid, findings }) => valid && !findings.some(isBad)) ? OK : FAILED;
}

/** The part of a connectivity file that the daemon uses; a text if the file cannot be read. */
function checkedNext(
  { world, tool: { daemon } }: Job,
  own: string,
  file: string,
  host: HostFacts,
): Checked | string {
  const hidden = whyHidden(world, file, file);
  if (hidden !== undefined) return hidden;
  const read = asDaemons(world, own, readFileText);
  const next = readNextFiles(file, read, readFolder);
  if (!next.ok) {
    const [first] = next.findings;
    if (next.why === "absent") return first?.message ?? `cannot read ${file}`;
    return { file, present: true, valid: false, findings: next.findings, values: [] };
  }
  if (next.isMissing) return `there is no ${file}`;
  const base = { file, present: true, valid: true };
  const text = readFileText(own);
  const of = <T extends DaemonConf>(
    parsed: ParsedConf<T>,
    values: (conf: T) => readonly EffectiveValue[],
  ): Checked => {
    // Findings about the daemon's own file are reported for that file.
    if (!parsed.ok) return { ...base, findings: next.conf.findings, values: [] };
    const { conf, findings } = withConn(parsed.conf, next.conf, daemon, read);
    const inNext = (where: string): boolean => next.conf.files.includes(where);
    const { nqn = host.nqn, id = host.id, key } = identityOf(next.conf);
    const who = { ...host, nqn, id, key: key === undefined ? host.key : new Secret(key) };
    const more = hostFindings(conf, daemon, who, findings).filter((finding) => inNext(finding.file));
    return {
      ...base,
      findings: inFileOrder([...findings, ...more], file),
      values: values(conf).filter(({ origin }) => origin.kind === "file" && inNext(origin.file)),
    };
  };
  const ownText = text.ok ? text.text : undefined;
  return daemon === "stafd"
    ? of(parseStafdConf(ownText, own, read), effectiveStafd)
    : of(parseStacdConf(ownText, own, read), effectiveStacd);
}

/** The host identity, and the kernel's options. */
async function hostFacts({ world }: Job): Promise<HostFacts> {
  const file = `${world.confDir}/sys.conf`;
  const text = readFileText(file);
  const parsed = readSysConf(text.ok ? text.text : undefined, file, readFileText);
  const support = await kernelOptions(world);
  if (!parsed.ok) return { nqn: SOME_NQN, id: "", key: "unknown", support };
  const { nqn, id, key, keyProblem } = parsed.parts;
  return {
    nqn: "error" in nqn ? SOME_NQN : nqn.value,
    id: "error" in id ? "" : id.value,
    key: keyProblem === undefined ? key.value : "unknown",
    support,
  };
}

/** Findings about the host NQN are reported for sys.conf. */
const SOME_NQN = "nqn.2014-08.org.example:host";

/** Undefined unless the user is root, and while the kernel is busy with a connection. */
async function kernelOptions(world: Job["world"]): Promise<FabricsSupport | undefined> {
  const device = `${world.root}/dev/nvme-fabrics`;
  if (world.uid !== 0 || !exists(device)) return undefined;
  // In another process, as in doctor, because the kernel may make it wait.
  const ran = await world.run(["cat", device], PATIENCE);
  const listed = ran?.success === true ? parseSupported(ran.out) : undefined;
  return listed?.has("transport") === true ? listed : undefined;
}

function checked(
  { world, tool: { daemon } }: Job,
  file: string,
  text: string | undefined,
  host: HostFacts,
): Checked {
  const base = { file, present: text !== undefined };
  const name = file.slice(file.lastIndexOf("/") + 1);
  if (name === "sys.conf") {
    const parsed = parseSysConf(text, file, asDaemons(world, file, readFileText));
    return parsed.ok
      ? { ...base, valid: true, findings: parsed.findings, values: effectiveSys(parsed.conf) }
      : { ...base, valid: false, findings: parsed.findings, values: [] };
  }
  // A file with the other daemon's name belongs to the other daemon.
  const kind = name === "stafd.conf" ? "stafd" : name === "stacd.conf" ? "stacd" : daemon;
  if (kind === "stafd") {
    const parsed = parseStafdConf(text, file, asDaemons(world, file, readFileText));
    return parsed.ok
      ? { ...base, valid: true, findings: onHost(parsed, "stafd", host), values: effectiveStafd(parsed.conf) }
      : { ...base, valid: false, findings: parsed.findings, values: [] };
  }
  const parsed = parseStacdConf(text, file, asDaemons(world, file, readFileText));
  return parsed.ok
    ? { ...base, valid: true, findings: onHost(parsed, "stacd", host), values: effectiveStacd(parsed.conf) }
    : { ...base, valid: false, findings: parsed.findings, values: [] };
}

const onHost = (
  { conf, findings }: { readonly conf: DaemonConf; readonly findings: readonly Finding[] },
  daemon: Daemon,
  host: HostFacts,
): readonly Finding[] => inFileOrder([...findings, ...hostFindings(conf, daemon, host, findings)], conf.file);

function asJson({ file, present, valid, findings, values }: Checked): V2Check["files"][number] {
  return {
    file,
    present,
    valid,
    findings,
    values: values.map(({ section, option, value, origin }) => ({
      section,
      option,
      value: value ?? null,
      origin: originText(origin),
    })),
  };
}

function checkedText({ style, world }: Job, { file, present, valid, findings, values }: Checked): string {
  const verdict = !valid
    ? style.paint(
      "bad",
      present ? "invalid: the daemon would reject it" : "missing, and the daemon needs it",
    )
    : !present
    ? "does not exist, so all values are the defaults"
    : findings.length === 0
    ? style.paint("good", "good")
    : `${findings.length} ${findings.length === 1 ? "finding" : "findings"}`;
  const columns = world.out.isTerminal ? world.out.columns : Infinity;
  const rows = values.map(({ section, option, value, origin }) => [
    { text: `[${section}]`, tone: "faint" as const },
    { text: option },
    { text: value ?? "-" },
    {
      text: columns === Infinity ? originText(origin) : fromText(origin, file),
      tone: origin.kind === "default" ? "faint" as const : "plain" as const,
    },
  ]);
  const table = rows.length === 0 ? "" : tableText(
    [
      { title: "SECTION", shrink: "end", drop: 1 },
      { title: "OPTION", shrink: "never" },
      { title: "VALUE", shrink: "start", least: 24 },
      { title: "FROM", shrink: "start" },
    ],
    rows,
    columns,
    style,
  );
  return `${style.paint("strong", file)}: ${verdict}\n${findingsText(findings, style, columns)}${table}`;
}

/** Of the file that is checked, the line is enough. */
const fromText = (origin: Origin, file: string): string =>
  origin.kind === "default" || origin.file !== file ? originText(origin) : `line ${origin.line}`;
