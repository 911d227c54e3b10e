/** Fuzzers of the configuration files. */
import assert from "node:assert/strict";
import { effectiveStacd, effectiveStafd, type EffectiveValue } from "../../src/lib/config/effective.ts";
import { excludedBy } from "../../src/lib/config/exclude.ts";
import { toTid } from "../../src/lib/config/controller_line.ts";
import type { DaemonConf, ParsedConf } from "../../src/lib/config/daemon_conf.ts";
import type { Finding } from "../../src/lib/config/finding.ts";
import { parseIni } from "../../src/lib/config/ini.ts";
import { parseStacdConf } from "../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../src/lib/config/stafd_conf.ts";
import { readSysConf } from "../../src/lib/config/sys_conf.ts";
import { parseTimeSpan, timeSpanSeconds } from "../../src/lib/config/time_span.ts";
import { checkEdits, checkFindings, checkIni } from "../unit/config/invariants.ts";
import { type Fuzzer, kindOf, kindsOf, textFuzzer } from "./fuzzer.ts";

const GRAMMAR =
  "# c\n[Global]\ntron = true\n  false\n\n; d\nkato=1\n[Controllers]\r\ncontroller = a=b;c\n[x\nbare\n";
const STAFD =
  "[Global]\ntron=TRUE\nkato=12 # x\nip-family=ipv6\npleo=disabled\nqueue-size=5\nsticky-connections=enabled\n" +
  "[Service Discovery]\nzeroconf=Enabled\n[Discovery controller connection management]\npersistent-connections=no\n" +
  "zeroconf-connections-persistence=1 day 2:03:04\n[Controllers]\n" +
  "controller=transport=tcp;traddr=fe80::1%eth0;host-iface=eth0;dhchap-secret=DHHC-1:00:c2VjcmV0:;kato=-1\n" +
  "controler=transport=tcp\nexclude=transport=tcp;traddr=FE80:0::1\n\nblacklist=nqn=nqn.x;host-traddr=a;foo=b\n";
const STACD = "[Global]\nnr-io-queues=4\ntls=true\nkeyring=.nvme\ntls-key=0x12\nignore-iface=true\n" +
  "[I/O controller connection management]\ndisconnect-scope=no-disconnect\ndisconnect-trtypes=tcp+rdma+x\n" +
  "connect-attempts-on-ncc=1\n[Controllers]\ncontroller = transport=fc; traddr=nn-0x1:pn-0x2; host-traddr=nn-0x3:pn-0x4; nqn=n\n" +
  "controller=transport=TCP;traddr=a;nqn=n;tls=maybe\n  transport=rdma;traddr=[::1];trsvcid=0;nqn=a,b;unknown=1 # end\n";
const SYS =
  "# who\n[Host]\n nqn = file:///etc/nvme/hostnqn\n id=1b4e28ba-2fa1-41d2-883f-0016d3cca427\nkey=DHHC-1:00:c2VjcmV0:\n" +
  "symname = a b\n\n[Other]\nx=1\n[Host]\nID = x\n";

/** The kinds of findings: how each begins, without what it quotes. */
const kinds = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ severity, message }) => {
    const own = message.replace(/".*"/s, "").replace(/\[.*(?:\]|$)/s, "[]");
    return kindOf(`${severity} ${own.slice(0, 24)}`);
  });

/** Every line makes a transport id, and every exclusion can be compared with it. */
function checkLines(conf: DaemonConf): void {
  for (const line of conf.controllers) {
    const tid = toTid(line, { hostNqn: "nqn.h", ignoreIface: conf.ignoreIface.value });
    assert.ok(tid.traddr !== "" || tid.transport === "loop");
    const found = excludedBy(tid, conf.excludes);
    assert.ok(found === undefined || !found.neverMatches);
  }
}

/** What is in force has its origin in a line with that option. */
function checkOrigins(text: string, values: readonly EffectiveValue[]): void {
  const options = new Map(parseIni(text, "f").entries.map((entry) => [entry.line, entry.option]));
  for (const { option, origin } of values) {
    if (origin.kind === "default") continue;
    const written = options.get(origin.line);
    assert.ok(
      written === option || (option === "exclude" && written === "blacklist"),
      `${option} ${origin.line}`,
    );
  }
}

function checkConf<T extends DaemonConf>(
  text: string,
  parsed: ParsedConf<T>,
  effective: (conf: T) => readonly EffectiveValue[],
): string {
  checkFindings(text, parsed.findings);
  if (!parsed.ok) {
    assert.ok(parsed.findings.some((finding) => finding.severity === "error"));
    return kindsOf("rejected", ...kinds(parsed.findings));
  }
  checkLines(parsed.conf);
  checkOrigins(text, effective(parsed.conf));
  return kindsOf("accepted", ...kinds(parsed.findings));
}

const SPAN_PARTS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["days", /\bd/i],
  ["hours", /\bh/i],
  ["minutes", /\bmi?n?\b|\bmin/i],
  ["seconds", /\bs/i],
  ["infinity", /inf/i],
  ["clock of two", /^[^:]*:[^:]*$/],
  ["clock of three", /^[^:]*:[^:]*:[^:]*$/],
  ["fraction", /\d\.|\.\d/],
  ["exponent", /\de[-+]?\d/i],
  ["underscore", /_/],
  ["sign", /[-+]/],
  ["separator", /[,/]/],
];

/** Which parts of the grammar a time span uses, and what sort of number it is. */
function spanKinds(text: string, value: number): string {
  const sort = value < 0 ? "negative" : value === 0 ? "zero" : value === Infinity ? "endless" : "finite";
  return kindsOf(sort, ...SPAN_PARTS.filter(([, pattern]) => pattern.test(text)).map(([name]) => name));
}

export const fuzzers: readonly Fuzzer[] = [
  textFuzzer("ini", [GRAMMAR, STAFD, SYS], (text) => {
    checkIni(text);
    const { lines, findings } = parseIni(text, "f");
    return kindsOf("ini", ...lines.map((line) => line.kind), ...kinds(findings));
  }),
  textFuzzer(
    "stafd-conf",
    [STAFD, STACD, GRAMMAR],
    (text) => checkConf(text, parseStafdConf(text, "f"), effectiveStafd),
  ),
  textFuzzer(
    "stacd-conf",
    [STACD, STAFD, GRAMMAR],
    (text) => checkConf(text, parseStacdConf(text, "f"), effectiveStacd),
  ),
  textFuzzer("sys-conf", [SYS, GRAMMAR, "[host]\nhostnqn=nqn.x\n"], (text) => {
    // Files that sys.conf points to are as untrusted as itself.
    const read = readSysConf(text, "f", () => ({ ok: true, text }));
    if (!read.ok) return kindsOf("rejected", ...kinds(read.findings));
    const { nqn, id, findings } = read.parts;
    checkFindings(text, findings.filter((finding) => finding.file === "f"));
    const errors = [nqn, id].flatMap((part) => "error" in part ? [part.error] : []);
    return kindsOf("accepted", ...kinds(errors), ...kinds(findings));
  }),
  textFuzzer("sys-conf-edit", [SYS, GRAMMAR, "[Host]\n\n   [Next]\n", "  [Host]\n    id=1"], (text) => {
    const outcome = checkEdits(text, "id", "new");
    checkEdits(text, "symname", "a = b");
    const { entries, sections } = parseIni(text, "f");
    const own = entries.filter((e) => e.section === "Host" && e.option === "id").length;
    return `${outcome} ${Math.min(own, 3)} ${sections.some((s) => s.name === "Host")}`;
  }),
  textFuzzer("time-span", [
    "72 hours",
    "-1",
    "1 day, 2h/3.5min 4s",
    "2 days 01:02:03.5",
    ":22",
    "1_0.5e3",
    "inf",
  ], (text) => {
    const value = timeSpanSeconds(text);
    const span = parseTimeSpan(text);
    assert.equal(value === undefined, span === undefined);
    if (value === undefined || span === undefined) return "none";
    assert.ok(!Number.isNaN(value) && span.ms >= 0);
    assert.equal(span.ms === Infinity, value < 0 || value * 1_000 === Infinity);
    return spanKinds(text, value);
  }),
];
