import assert from "node:assert/strict";
import type { EffectiveValue } from "../../../src/lib/config/effective.ts";
import { effectiveStacd, effectiveStafd, effectiveSys } from "../../../src/lib/config/effective.ts";
import type { Finding } from "../../../src/lib/config/finding.ts";
import { type Daemon, KNOWN_OPTIONS } from "../../../src/lib/config/known_options.ts";
import { parseIni } from "../../../src/lib/config/ini.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { parseSysConf, type ReadFile } from "../../../src/lib/config/sys_conf.ts";

const shipped = (name: string): string =>
  Deno.readTextFileSync(new URL(`../../../etc/stas/${name}`, import.meta.url));

/** With every option no longer commented out. */
const uncommented = (text: string): string => text.replaceAll(/^#([a-z-]+ =)/gm, "$1");

interface Effect {
  readonly values: readonly EffectiveValue[];
  readonly findings: readonly Finding[];
}

function effect(daemon: Daemon, text: string | undefined): Effect {
  if (daemon === "stafd") {
    const parsed = parseStafdConf(text, "f");
    if (!parsed.ok) assert.fail(JSON.stringify(parsed.findings));
    return { values: effectiveStafd(parsed.conf), findings: parsed.findings };
  }
  const parsed = parseStacdConf(text, "f");
  if (!parsed.ok) assert.fail(JSON.stringify(parsed.findings));
  return { values: effectiveStacd(parsed.conf), findings: parsed.findings };
}

const withoutOrigin = (values: readonly EffectiveValue[]): readonly string[] =>
  values.map(({ section, option, value }) => `[${section}] ${option} = ${value}`);

for (const daemon of ["stafd", "stacd"] as const) {
  const text = shipped(`${daemon}.conf`);

  Deno.test(`${daemon}.conf as installed is all defaults, and faultless`, () => {
    const { values, findings } = effect(daemon, text);
    assert.deepEqual(findings, []);
    assert.ok(values.every((value) => value.origin.kind === "default"));
  });

  Deno.test(`${daemon}.conf as installed has every option at its default`, () => {
    const source = uncommented(text);
    const mentioned = parseIni(source, "f").entries.map((e) => `[${e.section}] ${e.option}`).toSorted();
    const known = KNOWN_OPTIONS.filter((o) => o.daemons.includes(daemon));
    assert.deepEqual(mentioned, known.map((o) => `[${o.section}] ${o.option}`).toSorted());

    const { values, findings } = effect(daemon, source);
    assert.deepEqual(withoutOrigin(values), withoutOrigin(effect(daemon, undefined).values));
    // Only where the default is to leave the choice to the kernel is there no value to write down.
    const empty = parseIni(source, "f").entries.filter((e) => e.value === "" && e.option !== "controller");
    assert.deepEqual(findings.map((f) => [f.severity, f.line]), empty.map((e) => ["warning", e.line]));
  });
}

Deno.test("sys.conf.doc has every option at its default, and is faultless", () => {
  const files = new Map([
    ["/etc/nvme/hostnqn", "nqn.2014-08.org.nvmexpress:uuid:1b4e28ba-2fa1-41d2-883f-0016d3cca427\n"],
    ["/etc/nvme/hostid", "1b4e28ba-2fa1-41d2-883f-0016d3cca427\n"],
    ["/etc/nvme/hostkey", "DHHC-1:00:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYnki0dbq:\n"],
  ]);
  const read: ReadFile = (path) => {
    const text = files.get(path);
    return text === undefined ? { ok: false, why: "missing", message: "" } : { ok: true, text };
  };
  const plain = parseSysConf(undefined, "sys.conf", read);
  assert.ok(plain.ok);
  for (const text of [shipped("sys.conf.doc"), uncommented(shipped("sys.conf.doc"))]) {
    const parsed = parseSysConf(text, "sys.conf", read);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.findings, []);
    assert.deepEqual(withoutOrigin(effectiveSys(parsed.conf)), withoutOrigin(effectiveSys(plain.conf)));
  }
  const options = parseIni(uncommented(shipped("sys.conf.doc")), "f").entries.map((e) => e.option);
  assert.deepEqual(options, ["nqn", "id", "key", "symname"]);
});

Deno.test("the files as installed are plain ASCII", () => {
  for (const name of ["stafd.conf", "stacd.conf", "sys.conf.doc"]) {
    assert.match(shipped(name), /^[\n\x20-\x7e]*$/, name);
  }
});
