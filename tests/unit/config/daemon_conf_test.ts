import assert from "node:assert/strict";
import { mergedOptions } from "../../../src/lib/config/connect_option.ts";
import { effectiveStacd, effectiveStafd } from "../../../src/lib/config/effective.ts";
import { originText } from "../../../src/lib/config/origin.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { forever, hours } from "../../../src/lib/base/time.ts";
import { say, stacd, stafd } from "./confs.ts";

Deno.test("a missing file is an empty one, and all is default (CFG-6)", () => {
  const parsed = parseStafdConf(undefined, "f");
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.findings, []);
  const { conf } = parsed;
  assert.deepEqual(conf.options, {
    hdrDigest: false,
    dataDigest: false,
    tls: false,
    concat: false,
    kato: 30,
  });
  assert.deepEqual(conf.optionOrigins.get("kato"), { kind: "default" });
  assert.deepEqual(conf.zeroconfPersistence, { value: hours(72), origin: { kind: "default" } });
  assert.equal(stacd("").conf.options.kato, undefined);
});

Deno.test("TST-1, CFG-25, CFG-34, CFG-40, CFG-42: values of every section", () => {
  const text = "[Global]\ntron=true\nkato=200\nip-family=ipv6\n[I/O controller connection management]\n" +
    "disconnect-scope=joe\ndisconnect-trtypes=bob\nconnect-attempts-on-ncc=1\n[Controllers]\n" +
    "controller=transport=tcp;traddr=fd00::1;nqn=n\ncontroller=transport=tcp;traddr=fd00::2;nqn=n\n" +
    "exclude=transport=tcp;traddr=10.10.10.10\n";
  const { conf } = stacd(text);
  assert.equal(conf.tron.value, true);
  assert.deepEqual(conf.ipFamilies.value, { v4: false, v6: true });
  assert.equal(conf.disconnectScope.value, "only-stas-connections");
  assert.deepEqual([...conf.disconnectTrtypes.value], ["tcp"]);
  assert.equal(conf.connectAttemptsOnNcc.value, 2);
  assert.equal(conf.options.kato, 200);
  assert.equal(conf.controllers.length, 2);
  assert.deepEqual(conf.excludes.map((line) => line.matches), [{ transport: "tcp", traddr: "10.10.10.10" }]);
});

Deno.test("TST-5, CFG-19a, CFG-41: a set of transports; a bad item is left out; a bad number is the default", () => {
  const section = "[I/O controller connection management]\n";
  const { conf } = stacd(`${section}disconnect-trtypes=tcp+rdma+fc\nconnect-attempts-on-ncc=hello\n`);
  assert.deepEqual([...conf.disconnectTrtypes.value], ["tcp", "rdma", "fc"]);
  assert.equal(conf.connectAttemptsOnNcc.value, 0);
  const mixed = stacd(`${section}disconnect-trtypes=tpc+rdma+ fc\n`);
  assert.deepEqual([...mixed.conf.disconnectTrtypes.value], ["rdma"]);
  assert.deepEqual(mixed.said, [
    'error f:2:20: [I/O controller connection management] disconnect-trtypes: "tpc" is not tcp, rdma or fc ' +
    '(did you mean "tcp"?); it is left out',
    'error f:2:20: [I/O controller connection management] disconnect-trtypes: " fc" is not tcp, rdma or fc ' +
    '(did you mean "fc"?); it is left out',
  ]);
});

Deno.test("every value knows its origin, in any of several sections", () => {
  const { conf } = stafd("[Global]\ntron=true\nkato=5\n\n[Global]\nkato=6\n  7\nhdr-digest=nope\n");
  assert.equal(originText(conf.tron.origin), "f:2");
  assert.equal(conf.options.kato, 7);
  assert.deepEqual(conf.optionOrigins.get("kato"), { kind: "file", file: "f", line: 7 });
  assert.deepEqual(conf.optionOrigins.get("hdrDigest"), { kind: "default" });
  assert.equal(originText(conf.pleo.origin), "default");
});

Deno.test("CFG-8, CFG-9: the last value that is not empty counts", () => {
  assert.equal(stafd("[Global]\nkato=1\n\nkato=2\nkato=\n\n").conf.options.kato, 2);
});

Deno.test("CFG-11: a bare name is an invalid value", () => {
  const { conf, said } = stafd("[Global]\nkato\ntron\n[Controllers]\ncontroller\nexclude\n");
  assert.equal(conf.options.kato, 30);
  assert.deepEqual(conf.excludes, []);
  assert.deepEqual(said, [
    "error f:2:1: [Global] kato has no value; the default, 30, is used",
    "error f:3:1: [Global] tron has no value; the default, false, is used",
    "warning f:6:1: this exclude entry names nothing that could match; it is ignored",
  ]);
});

Deno.test("CFG-15, CFG-16, CFG-20: names that do not belong here, each with what was meant", () => {
  const { said, conf } = stacd(
    "[global]\nx=1\n[Global]\nkatoo=1\npleo=enabled\nzeroconf=enabled\ncontroller=x\ntron: true\n[Nonsense]\ny=2\n" +
      "[Service Discovery]\nzeroconf=enabled\n[Global\n",
  );
  assert.deepEqual(said, [
    'error f:1:1: stacd.conf has no section [global] (did you mean "[Global]"?); the section is ignored',
    'error f:4:1: section [Global] has no option "katoo" (did you mean "kato"?); it is ignored',
    "error f:5:1: pleo is an option of stafd.conf, not of stacd.conf; it is ignored",
    'error f:6:1: section [Global] has no option "zeroconf" (it belongs in stafd.conf, section [Service Discovery]); it is ignored',
    'error f:7:1: section [Global] has no option "controller" (it belongs in section [Controllers]); it is ignored',
    "error f:8:1: section [Global] has no option \"tron: true\" (write \"tron = ...\", with '=' instead of ':'); it is ignored",
    "error f:9:1: stacd.conf has no section [Nonsense]; the section is ignored",
    "error f:11:1: section [Service Discovery] is for stafd.conf, not for stacd.conf; the section is ignored",
  ]);
  assert.equal(conf.tron.value, false);
  assert.deepEqual(stacd("[Global]\n[Global\n").said, [
    "error f:2:1: \"[global\" is not a section line: it does not end in ']'; it is ignored",
  ]);
  assert.deepEqual(stacd("[Global]\n[Global kato = 30\ntron: x = true\n").said, [
    "error f:2:1: \"[global kato\" is not a section line: it does not end in ']'; it is ignored",
    "error f:3:1: section [Global] has no option \"tron: x\" (write \"tron = ...\", with '=' instead of ':'); it is ignored",
  ]);
});

Deno.test("CFG-22: integers; K5: what the kernel does not take is left out, with a warning", () => {
  for (const bad of ["0x10", "1.5", "1__0", "_1", "1_", "ten", "9999999999", "", "- 1"]) {
    const { conf, said } = stafd(`[Global]\nkato=${bad}\n`);
    assert.equal(conf.options.kato, 30, bad);
    assert.match(
      said[0] ?? "",
      /^(error|warning) f:2:6: \[Global\] kato: .*; the default, 30, is used$/,
      bad,
    );
  }
  const negative = stafd("[Global]\nkato = -3\n");
  assert.equal(negative.conf.options.kato, -3);
  assert.deepEqual(negative.said, [
    'warning f:2:8: [Global] kato: "-3" is less than 0; it is left out, and the kernel decides',
  ]);
  assert.deepEqual(stafd("[Global]\nctrl-loss-tmo=-1\nreconnect-delay=-0\nqueue-size=16\n").said, []);
});

Deno.test("CFG-28, CFG-62: an override goes before [Global]; zero takes kato out", () => {
  assert.deepEqual(mergedOptions({ kato: 30, tls: true }, { kato: 0, queueSize: 64 }), {
    tls: true,
    queueSize: 64,
  });
  assert.deepEqual(mergedOptions({ kato: 0, ctrlLossTmo: 0 }, {}), { ctrlLossTmo: 0 });
  assert.deepEqual(mergedOptions({ kato: 30 }, { kato: 10 }), { kato: 10 });
  assert.deepEqual(mergedOptions({ kato: 30 }, {}), { kato: 30 });
});

Deno.test("CFG-50, CFG-51: persistence", () => {
  const section = "[Discovery controller connection management]\nzeroconf-connections-persistence=";
  assert.deepEqual(stafd(`${section}-1`).conf.zeroconfPersistence.value, forever);
  const bad = stafd(`${section}3 weeks`);
  assert.deepEqual(bad.conf.zeroconfPersistence.value, hours(72));
  assert.match(bad.said[0] ?? "", /"3 weeks" is not a time span .*; the default, 72 hours, is used$/);
});

Deno.test("a security option that cannot be read rejects the file: never a connection without it", () => {
  for (const line of ["tls = yes", "tls", "concat = 1", "tls-key = NVMeTLSkey-1:01:c2VjcmV0:", "tls ="]) {
    const parsed = parseStacdConf(`[Global]\n${line}\n`, "f");
    assert.equal(parsed.ok, false, line);
    assert.match(say(parsed.findings)[0] ?? "", /^error f:2:\d+: .*the whole file is rejected$/);
  }
  const { conf, said } = stacd("[Global]\ntls=TRUE\nkeyring=.nvme\ntls-key=\n");
  assert.equal(conf.options.tls, true);
  assert.equal(conf.options.keyring, ".nvme");
  assert.deepEqual(said, ['warning f:4:9: [Global] tls-key: "" is empty; it is not set']);
});

Deno.test("older names: honoured where ignoring them would be unsafe, and always reported", () => {
  const both = stafd(
    "[Global]\npersistent-connections=true\n" +
      "[Discovery controller connection management]\npersistent-connections=false\n",
  );
  assert.equal(both.conf.persistentConnections.value, false);
  assert.equal(both.said.length, 1);
  assert.equal(
    originText(stafd("[Global]\npersistent-connections=false\n").conf.persistentConnections.origin),
    "f:2",
  );
  const mixed = stacd("[Controllers]\nblacklist=nqn=a\nexclude=nqn=b\nblacklist=nqn=c\n");
  assert.deepEqual(mixed.conf.excludes.map((line) => line.matches.subsysnqn), ["a", "b", "c"]);
  assert.deepEqual(mixed.said.map((text) => text.slice(0, 24)), [
    "warning f:2:1: blacklist",
    "warning f:4:1: blacklist",
  ]);
  const sticky = stacd("[Global]\nsticky-connections=disabled\nudev-rule=enabled\n");
  assert.match(
    sticky.said[0] ?? "",
    /^error .*disconnect-scope = all-connections-matching-disconnect-trtypes/,
  );
  assert.match(sticky.said[1] ?? "", /^notice .*udev-rule/);
  assert.equal(sticky.conf.disconnectScope.value, "only-stas-connections");
});

Deno.test("effective values can be read back to the same values", () => {
  const text = "[Global]\nkato=0\nip-family=ipv4\ntron=TRUE\npleo=Disabled\nctrl-loss-tmo=-1\n" +
    "[Discovery controller connection management]\nzeroconf-connections-persistence=1 day 30s\n" +
    "[Controllers]\ncontroller = transport = tcp ; traddr=a;kato=3;\nexclude=host-iface=eth0\n";
  const values = effectiveStafd(stafd(text).conf);
  const written = values.flatMap((v) =>
    v.value === undefined ? [] : [`[${v.section}]\n${v.option}=${v.value}\n`]
  );
  const again = effectiveStafd(stafd(written.join("")).conf);
  assert.deepEqual(again.map((v) => [v.option, v.value]), values.map((v) => [v.option, v.value]));
  const origins = new Map(values.map((v) => [v.option, originText(v.origin)]));
  assert.equal(origins.get("kato"), "f:2");
  assert.equal(origins.get("controller"), "f:10");
  assert.equal(origins.get("zeroconf"), "default");
  assert.ok(effectiveStacd(stacd("").conf).some((v) => v.option === "disconnect-scope"));
});
