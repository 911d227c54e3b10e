import assert from "node:assert/strict";
import { type ControllerLine, toTid } from "../../../src/lib/config/controller_line.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import { stacd, stafd } from "./confs.ts";

function only(text: string): ControllerLine {
  const { conf, said } = stafd(`[Controllers]\ncontroller=${text}\n`);
  assert.deepEqual(said, []);
  const line = conf.controllers[0];
  assert.ok(line !== undefined);
  return line;
}

/** What is said of an entry that stafd or stacd drops. */
function dropped(daemon: typeof stafd | typeof stacd, text: string): string {
  const { conf, said } = daemon(`[Controllers]\ncontroller=${text}\n`);
  assert.equal(conf.controllers.length, 0, text);
  return said.join("\n");
}

Deno.test("TST-2, CFG-52: fields as written, spaces around ; and = removed", () => {
  const line = only(" transport = tcp ;; traddr=100.100.100.100 ; host-iface=enp0s8;");
  assert.deepEqual(line.fields, {
    transport: "tcp",
    traddr: "100.100.100.100",
    trsvcid: "",
    subsysnqn: "",
    hostTraddr: "",
    hostIface: "enp0s8",
    hostNqn: undefined,
    hostId: "",
  });
  assert.deepEqual(line.overrides, {});
  assert.equal(line.text, "transport=tcp;traddr=100.100.100.100;host-iface=enp0s8");
  assert.deepEqual(line.origin, { kind: "file", file: "f", line: 2 });
});

Deno.test("TST-3: all overrides, and the secrets", () => {
  const line = only(
    "transport=tcp;traddr=a;hdr-digest=true;data-digest=true;nr-io-queues=8;nr-write-queues=6;nr-poll-queues=4;" +
      "queue-size=400;kato=71;reconnect-delay=13;ctrl-loss-tmo=666;disable-sqflow=true;tls=true;concat=false;" +
      "keyring=.nvme;tls-key=0x1234;dhchap-secret=DHHC-1:00:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYnki0dbq:;dhchap-ctrl-secret=DHHC-1:01:Y29udHJvbGxlci1zZWNyZXQtb2YtMzItYnl0ZXMtb2sqtwVZ:",
  );
  assert.deepEqual(line.overrides, {
    hdrDigest: true,
    dataDigest: true,
    kato: 71,
    queueSize: 400,
    reconnectDelay: 13,
    ctrlLossTmo: 666,
    disableSqflow: true,
    nrIoQueues: 8,
    nrWriteQueues: 6,
    nrPollQueues: 4,
    tls: true,
    concat: false,
    keyring: ".nvme",
    tlsKey: "0x1234",
  });
  assert.equal(line.keys.hostKey?.reveal(), "DHHC-1:00:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYnki0dbq:");
  assert.equal(line.keys.ctrlKey?.reveal(), "DHHC-1:01:Y29udHJvbGxlci1zZWNyZXQtb2YtMzItYnl0ZXMtb2sqtwVZ:");
  assert.ok(!line.text.includes("c2VjcmV0L") && !line.text.includes("Y29udHJvb"), line.text);
});

Deno.test("a secret of the wrong form is kept, and said without being shown", () => {
  const { conf, said } = stafd(
    "[Controllers]\ncontroller=transport=tcp;traddr=a;dhchap-ctrl-secret=super-secret\n",
  );
  assert.equal(conf.controllers[0]?.keys.ctrlKey?.reveal(), "super-secret");
  assert.match(said.join(), /^error f:2:54: dhchap-ctrl-secret is not of the form DHHC-1/);
});

Deno.test("CFG-52, CFG-54: the last duplicate wins, nqn goes before subsysnqn", () => {
  const { conf } = stafd(
    "[Controllers]\ncontroller=transport=fc;transport=tcp;traddr=a;nqn=n1;subsysnqn=n2\n",
  );
  assert.equal(conf.controllers[0]?.fields.transport, "tcp");
  assert.equal(conf.controllers[0]?.fields.subsysnqn, "n1");
});

Deno.test("CFG-53: first '=' splits; a token without one is reported and left out", () => {
  const { conf, said } = stafd(
    "[Controllers]\ncontroller=transport=tcp; noequalsign ;traddr=a;key=val=extra\n",
  );
  assert.deepEqual([...conf.controllers[0]?.extra ?? []], [["key", "val=extra"]]);
  // A line that has something like a key in it is not repeated.
  assert.deepEqual(said, [
    "error f:2:27: a part of the entry is not of the form key=value; it is ignored",
    'warning f:2:49: unknown key "key"; it has no effect',
  ]);
  assert.match(
    stafd("[Controllers]\ncontroller=transport=tcp;noequalsign;traddr=a\n").said.join(),
    /"noequalsign" is not of the form key=value/,
  );
});

Deno.test("CFG-4: a comment behind the value is cut off", () => {
  const { conf, said } = stafd("[Controllers]\ncontroller=transport=tcp;traddr=a#b\t# c;d=e\n");
  assert.equal(conf.controllers[0]?.fields.traddr, "a#b");
  assert.deepEqual(said.map((text) => text.slice(0, 14)), ["error f:2:33: ", "notice f:2:37:"]);
  const nothing = stafd("[Controllers]\ncontroller=# nothing\n");
  assert.deepEqual(nothing.conf.controllers, []);
  assert.deepEqual(nothing.findings.map((f) => [f.severity, f.column]), [["notice", 12]]);
});

Deno.test("CFG-55: unknown keys are kept, with what may have been meant", () => {
  const { conf, said } = stafd(
    "[Controllers]\ncontroller=transport=tcp;traddr=a;host_iface=eth0;Kato=3;foo=bar\n",
  );
  assert.deepEqual([...conf.controllers[0]?.extra ?? []], [["host_iface", "eth0"], ["Kato", "3"], [
    "foo",
    "bar",
  ]]);
  assert.deepEqual(said, [
    'error f:2:35: unknown key "host_iface" (did you mean "host-iface"?); it has no effect',
    'error f:2:51: unknown key "Kato" (did you mean "kato"?); it has no effect',
    'warning f:2:58: unknown key "foo"; it has no effect',
  ]);
});

Deno.test("CFG-58: what is mandatory, by transport and daemon", () => {
  assert.match(
    dropped(stafd, "traddr=a"),
    /f:2:12: transport is missing .*; this controller entry is ignored$/,
  );
  assert.match(
    dropped(stafd, "transport=TCP;traddr=a"),
    /f:2:22: transport "TCP" is not .*\(did you mean "tcp"\?\)/,
  );
  assert.match(dropped(stafd, "transport=pcie;traddr=a"), /transport "pcie" is not/);
  assert.match(dropped(stafd, "transport=tcp"), /traddr is missing/);
  assert.match(dropped(stafd, "transport=fc;traddr=nn-0x1:pn-0x2"), /host-traddr is missing/);
  assert.match(dropped(stacd, "transport=tcp;traddr=a"), /nqn is missing/);
  assert.equal(dropped(stafd, ""), "");
  assert.equal(only("transport=loop").fields.transport, "loop");
  assert.equal(only("transport=fc;traddr=nn-0x1:pn-0x2;host-traddr=nn-0x3,pn-0x4").fields.transport, "fc");
  assert.equal(
    stacd("[Controllers]\ncontroller=transport=rdma;traddr=1.2.3.4;nqn=n\n").conf.controllers.length,
    1,
  );
});

Deno.test("CFG-59: literal addresses of a disabled family are dropped; names, fc and mapped addresses follow their rule", () => {
  const text = (family: string): string =>
    `[Controllers]\ncontroller=transport=tcp;traddr=1.2.3.4\ncontroller=transport=rdma;traddr=fe80::1%eth0\n` +
    `controller=transport=tcp;traddr=::ffff:1.2.3.4\ncontroller=transport=tcp;traddr=host\n` +
    `controller=transport=loop;traddr=1.1.1.1\n[Global]\nip-family=${family}\n`;
  const addresses = (family: string): readonly string[] =>
    stafd(text(family)).conf.controllers.map((line) => line.fields.traddr);
  assert.deepEqual(addresses("ipv4"), ["1.2.3.4", "::ffff:1.2.3.4", "host", "1.1.1.1"]);
  assert.deepEqual(addresses("ipv6"), ["fe80::1%eth0", "host", "1.1.1.1"]);
  assert.deepEqual(stafd(text("ipv6")).conf.disabled.map(({ traddr }) => traddr), [
    "1.2.3.4",
    "::ffff:1.2.3.4",
  ]);
  assert.equal(addresses("ipv4+ipv6").length, 5);
  assert.equal(
    stafd(text("ipv6")).said[0],
    "error f:2:33: traddr 1.2.3.4 is ipv4, which ip-family disables; this controller entry is ignored",
  );
});

Deno.test("a security option that cannot be read drops the entry: never a connection without it", () => {
  assert.match(
    dropped(stafd, "transport=tcp;traddr=a;tls=yes"),
    /^error f:2:39: tls: "yes" is not true or false/,
  );
  assert.match(
    dropped(stafd, "transport=tcp;traddr=a;tls-key=NVMeTLSkey-1:01:abc:"),
    /^error .*tls-key: "\*\*\*\*\*"/,
  );
});

Deno.test("S2: lines that may mean a controller are known, so that nothing is taken for gone", () => {
  const unreadable = (text: string): readonly number[] => stafd(text).conf.unreadable;
  const good = "controller=transport=tcp;traddr=1.1.1.1\n";
  assert.deepEqual(
    unreadable(`[Controllers]\n${good}controller=\ncontroller=#c\n\nexclude=nqn=a\nblacklist=nqn=b\n`),
    [],
  );
  assert.deepEqual(unreadable(`[Controllers]\ncontroller=transport=TCP;traddr=a\n${good}controller=junk\n`), [
    2,
    4,
  ]);
  assert.deepEqual(unreadable(`[Controllers]\ncontroler=transport=tcp;traddr=a\nx=1\ncontroller: a\n`), [
    2,
    3,
    4,
  ]);
  assert.deepEqual(unreadable(`[controllers]\n${good}[Global]\ncontroler=a\nfoo=1\n`), [2, 4]);
  assert.deepEqual(unreadable("[Controllers]\nexclude=nqn=a\n  controller = transport=tcp;traddr=a\n"), [3]);
  const family = "[Global]\nip-family=ipv6\n[Controllers]\n";
  assert.deepEqual(unreadable(family + good), [], "a disabled family is clear, not unreadable");
});

Deno.test("security options that contradict each other are said, together with [Global]", () => {
  const conflict = (global: string, entry: string): string =>
    stafd(`[Global]\n${global}\n[Controllers]\ncontroller=transport=tcp;traddr=a;${entry}\n`).said.join("\n");
  assert.match(conflict("tls=true", "concat=true"), /^error f:4:12: concat cannot be combined with tls/);
  assert.match(
    conflict("", "tls-key=0x1"),
    /^error f:4:12: a keyring or tls-key is given, but tls is not true/,
  );
  assert.match(conflict("keyring=.nvme", "tls=true"), /^error f:2:9: a keyring .* is given[^\n]*$/);
  assert.match(
    conflict("", "concat=true;tls-key=0x1"),
    /^error f:4:12: concat cannot be combined with tls or tls-key/,
  );
  assert.equal(conflict("", "concat=true;keyring=.nvme"), "");
  assert.equal(conflict("tls=true", "keyring=.nvme"), "");
  assert.equal(conflict("tls=true", "tls=false;concat=true"), "");
});

Deno.test("what can be seen to fail is said, and the entry kept", () => {
  const { conf, said } = stafd(
    "[Controllers]\ncontroller=transport=tcp;traddr=[fe80::1];trsvcid=70000;nqn=nqn.a,b\ncontroller=transport=tcp;traddr=a;kato=-1\n",
  );
  assert.equal(conf.controllers.length, 2);
  assert.deepEqual(said, [
    'error f:2:33: traddr "[fe80::1]" is neither an IP address nor a host name: write it without the brackets, and the port as trsvcid; connecting will fail',
    'error f:2:51: trsvcid "70000" is not a port number (1 to 65535); connecting will fail',
    'error f:2:61: nqn "nqn.a,b" contains a comma, which the kernel cannot accept in an option; connecting will fail',
    'warning f:3:40: kato: "-1" is less than 0; it is left out, and the kernel decides',
  ]);
});

Deno.test("the transport id of a line", () => {
  const defaults = { hostNqn: "nqn.host", ignoreIface: false };
  const line = only("transport=tcp;traddr=a;host-iface=eth0");
  assert.deepEqual(toTid(line, defaults), {
    transport: "tcp",
    traddr: "a",
    trsvcid: "8009",
    subsysnqn: WELL_KNOWN_DISC_NQN,
    hostTraddr: "",
    hostIface: "eth0",
    hostNqn: "nqn.host",
  });
  assert.equal(toTid(line, { ...defaults, ignoreIface: true }).hostIface, "");
  const other = toTid(only("transport=rdma;traddr=a;nqn=nqn.s;host-nqn=nqn.other"), defaults);
  assert.deepEqual([other.trsvcid, other.subsysnqn, other.hostNqn], ["4420", "nqn.s", "nqn.other"]);
});

Deno.test("an NQN that Linux does not take, though it is short enough, is named: of the subsystem and of the host", () => {
  for (const key of ["nqn", "subsysnqn", "host-nqn"]) {
    const of = (bytes: number): readonly string[] => {
      const nqn = `nqn.${"\u00e9".repeat(9)}${"x".repeat(bytes - 22)}`;
      return stafd(`[Controllers]\ncontroller=transport=tcp;traddr=10.0.0.1;${key}=${nqn}\n`).said;
    };
    assert.deepEqual(of(222), [], key);
    assert.match(
      of(223).join(),
      new RegExp(`error .*${key} .* has 223 bytes: .* Linux takes no more than 222`),
    );
    assert.match(
      of(224).join(),
      new RegExp(`error .*${key} .* is longer than 223 bytes; connecting will fail`),
    );
  }
});
