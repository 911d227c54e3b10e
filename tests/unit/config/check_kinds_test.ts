/** What `check` says, kind by kind (K5, K7, and files of which it said "good" although nothing could work). */
import assert from "node:assert/strict";
import { FINDING_KINDS } from "../../../src/lib/config/finding_kind.ts";
import { hostFindings } from "../../../src/lib/config/host_check.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { type ReadFile, readSysConf } from "../../../src/lib/config/sys_conf.ts";
import { parseSupported } from "../../../src/lib/nvme/kernel_version.ts";
import { Secret } from "../../../src/lib/base/secret.ts";
import { say, stacd, stafd } from "./confs.ts";

const NQN = "nqn.2014-08.org.example:host";
const ID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
const KEY = new Secret("DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:");

/** All that is said of a file on a host. */
function told(
  daemon: "stafd" | "stacd",
  text: string,
  host: Partial<Parameters<typeof hostFindings>[2]> = {},
): string {
  const read: ReadFile = () => ({ ok: true, text, mode: 0o100644 });
  const parsed = daemon === "stafd" ? parseStafdConf(text, "f", read) : parseStacdConf(text, "f");
  if (!parsed.ok) return say(parsed.findings).join("\n");
  const facts = { nqn: NQN, id: ID, key: undefined, support: undefined, ...host };
  return say([...parsed.findings, ...hostFindings(parsed.conf, daemon, facts, parsed.findings)]).join("\n");
}

const line = (entry: string): string => `[Controllers]\ncontroller = ${entry}\n`;

for (const [kind, { severity, example }] of Object.entries(FINDING_KINDS)) {
  Deno.test(`the example of the kind "${kind}" has such a finding, at its last line`, () => {
    const text = `${example.lines.join("\n")}\n`;
    const parts = readSysConf(text, "f", () => ({ ok: false, why: "missing", message: "" }));
    const said = example.file === "sys.conf"
      ? parts.ok ? say(parts.parts.findings).join("\n") : ""
      : told(example.file === "stafd.conf" ? "stafd" : "stacd", text);
    const found = said.split("\n").find((one) => one.includes(example.says));
    assert.ok(found !== undefined, said);
    assert.ok(found.startsWith(`${severity} `), found);
    if (kind !== "note") assert.match(found, new RegExp(`^\\w+ f:${example.lines.length}:`));
  });
}

Deno.test("K5: negative numbers are left out, also against [Global]; large ones pass", () => {
  for (const option of ["kato", "nr-io-queues", "nr-write-queues", "nr-poll-queues", "reconnect-delay"]) {
    const said = told("stacd", `[Global]\n${option} = -5\n`);
    assert.match(
      said,
      /^warning f:2:\d+: .* is less than 0; it is left out, and the kernel decides$/,
      option,
    );
  }
  assert.match(told("stacd", "[Global]\nctrl-loss-tmo = -2\n"), /is less than -1; it is left out/);
  assert.equal(told("stacd", "[Global]\nctrl-loss-tmo = -1\nkato = 3000000\nnr-io-queues = 70000\n"), "");
});

const LINE = "transport=tcp;traddr=192.0.2.1;trsvcid=4420;nqn=nqn.2014-08.com.example:s";

Deno.test("entries that cannot be connected are errors, with the reason", () => {
  const cases: readonly (readonly ["stafd" | "stacd", string, RegExp])[] = [
    ["stacd", line(`${LINE};dhchap-ctrl-secret=${KEY.reveal()}`), /without a host secret/],
    ["stacd", line(`${LINE};concat=true`), /concat needs a host secret/],
    [
      "stacd",
      `[Global]\ntls=true\n${line(LINE.replace("tcp", "rdma"))}`,
      /tls of \[Global\] is not supported on rdma/,
    ],
    ["stacd", line(`${LINE.replace("tcp", "rdma")};tls=true`), /tls is not supported on rdma/],
    ["stacd", line(`${LINE.replace("tcp", "rdma")};hdr-digest=true`), /hdr-digest has no effect on rdma/],
    ["stacd", line(`${LINE.replace("tcp", "rdma")};host-iface=ib0`), /host-iface has no effect on rdma/],
    [
      "stacd",
      line("transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.org.nvmexpress.discovery"),
      /discovery controllers/,
    ],
    [
      "stafd",
      line("transport=tcp;traddr=192.0.2.1;host-traddr=eth0"),
      /host-traddr "eth0" is not an IP address/,
    ],
    ["stafd", line("transport=tcp;traddr=192.0.2.1;host-iface=eth 0"), /cannot be the name of an interface/],
    ["stafd", line("transport=tcp;traddr=192.0.2.1;host-traddr=2001:db8::1"), /different address families/],
    ["stafd", line("transport=tcp;traddr=0.0.0.0"), /is the address of no machine/],
    ["stafd", line("transport=tcp;traddr=::"), /is the address of no machine/],
    ["stafd", line("transport=tcp;traddr=239.1.1.1"), /multicast/],
    ["stafd", line("transport=tcp;traddr=fe80::1"), /needs an interface/],
    [
      "stafd",
      `[Global]\nignore-iface=true\n${line("transport=tcp;traddr=fe80::1;host-iface=eth0")}`,
      /needs an interface/,
    ],
    ["stafd", line("transport=fc;traddr=192.0.2.1;host-traddr=192.0.2.2"), /is not an FC address/],
    ["stafd", line("transport=tcp;traddr=192.0.2.1;host-nqn=nqn.a;host-id=x"), /host-id "x" is not a UUID/],
    ["stafd", line(`transport=tcp;traddr=192.0.2.1;host-id=${ID}`), /needs a host-nqn as well/],
    [
      "stafd",
      line("transport=tcp;traddr=192.0.2.1") +
      "controller = transport=tcp;traddr=192.0.2.1;host-nqn=nqn.other\n",
      /same host ID, but another host NQN/,
    ],
  ];
  for (const [daemon, text, says] of cases) {
    const said = told(daemon, text);
    assert.match(said, says, text);
    assert.match(said, /^error /, text);
    assert.equal(said.split("\n").filter((one) => one.startsWith("error")).length >= 1, true);
  }
});

Deno.test("what is right has no finding", () => {
  for (
    const text of [
      line(LINE),
      line(
        `${LINE};dhchap-secret=${KEY.reveal()};dhchap-ctrl-secret=${KEY.reveal()};tls=true;host-iface=eth0`,
      ),
      line("transport=fc;traddr=nn-0x1:pn-0x2;host-traddr=nn-0x3:pn-0x4;nqn=nqn.s"),
      line("transport=rdma;traddr=fe80::1%ib0;nqn=nqn.s"),
      line("transport=tcp;traddr=fe80::1;host-iface=eth0;nqn=nqn.s"),
      line(`${LINE};host-nqn=nqn.other;host-id=2b4e28ba-2fa1-41d2-883f-0016d3cca427`),
      `[Global]\nhdr-digest=true\n${line(LINE.replace("tcp", "rdma"))}`,
      line("transport=loop;nqn=nqn.s"),
    ]
  ) assert.equal(told("stacd", text), "", text);
  assert.equal(told("stacd", line(`${LINE};dhchap-ctrl-secret=${KEY.reveal()}`), { key: KEY }), "");
  assert.equal(told("stacd", line(`${LINE};dhchap-ctrl-secret=${KEY.reveal()}`), { key: "unknown" }), "");
});

Deno.test("what the kernel of this host does not take is said", () => {
  const support = parseSupported(
    "transport=%s,traddr=%s,trsvcid=%s,nqn=%s,hostnqn=%s,host_traddr=%s,hostid=%s\n",
  );
  assert.match(
    told("stacd", line(`${LINE};tls=true`), { support }),
    /error .*this kernel does not support tls/,
  );
  assert.match(
    told("stacd", line(`${LINE};host-iface=eth0`), { support }),
    /error .*this kernel does not support host_iface/,
  );
});

Deno.test("host-iface=none and host-traddr=none mean that there is none", () => {
  const { conf, said } = stafd(line("transport=tcp;traddr=192.0.2.1;host-iface=none;host-traddr=NONE"));
  assert.deepEqual(said, []);
  assert.deepEqual([conf.controllers[0]?.fields.hostIface, conf.controllers[0]?.fields.hostTraddr], ["", ""]);
});

Deno.test("what a resolver would take for another address is refused, and no absence follows", () => {
  for (
    const traddr of [
      "010.0.0.1",
      "10.0.0.01",
      "10.1",
      "127.1",
      "0x7f.0.0.1",
      "2130706433",
      "10.0.0.256",
      "1.2.3.4.5",
    ]
  ) {
    const { conf, said } = stafd(line(`transport=tcp;traddr=${traddr}`));
    assert.equal(conf.controllers.length, 0, traddr);
    assert.deepEqual(conf.unreadable, [2]);
    assert.match(said[0] ?? "", /^error f:2:\d+: traddr ".*" is not an IPv4 address/, traddr);
  }
  for (const traddr of ["10.0.0.1", "a1.example.com", "1e100.net", "0xcafe.example"]) {
    assert.equal(stafd(line(`transport=tcp;traddr=${traddr}`)).conf.controllers.length, 1, traddr);
  }
});

Deno.test("excludes that can match nothing are errors; patterns are explained", () => {
  const of = (entry: string, daemon: typeof stafd | typeof stacd = stacd) =>
    daemon(`[Controllers]\nexclude = ${entry}\n`).said.join("\n");
  for (
    const entry of [
      "traddr=10.0.0.0/33",
      "traddr=10.0.0/24",
      "traddr=10.0.0.*",
      "traddr=010.0.0.1",
      "traddr=",
      "transport=tcp;nqn=",
      "trsvcid=http",
      "trsvcid=04420",
      "transport=fc;trsvcid=4420",
      "transport=fc;traddr=10.0.0.1",
      "host-iface=eth 0",
      `nqn=${"n".repeat(224)}`,
      "host-nqn=nqn.*",
    ]
  ) assert.match(of(entry), /^error .*excludes nothing$/, entry);
  for (const entry of ["traddr=10.0.0.0/24", "nqn=nqn.2019-08.*", "transport=tcp;nqn=*sub*"]) {
    assert.match(of(entry), /^notice .*the Python implementation takes them as plain text/, entry);
  }
  for (const entry of ["nqn=*", "traddr=0.0.0.0/0", "traddr=::/0"]) {
    assert.match(of(entry), /^error .*every controller; it is ignored/);
  }
  for (
    const entry of [
      "traddr=fe80::1%eth0",
      "transport=loop;traddr=",
      "traddr=nn-0x1:pn-0x2",
      "traddr=host.example",
      "trsvcid=4420",
    ]
  ) {
    assert.equal(of(entry), "", entry);
  }
  // K7: of stafd's lines some have no nqn.
  assert.equal(of("transport=tcp;nqn=", stafd), "");
});

Deno.test("K7: in sys.conf the last value counts, also when it is empty", () => {
  const parsed = readSysConf(`[Host]\nnqn=${NQN}\nid=${ID}\nkey=${KEY.reveal()}\nkey=\n`, "f", () => ({
    ok: false,
    why: "missing",
    message: "",
  }));
  assert.ok(parsed.ok);
  assert.equal(parsed.parts.key.value, undefined);
  assert.equal(parsed.parts.keyProblem, undefined);
});

Deno.test("a host NQN and a host ID that cannot be right, and a symbolic name that does not fit", () => {
  const of = (text: string): string => {
    const parsed = readSysConf(`[Host]\n${text}\n`, "f", () => ({ ok: false, why: "missing", message: "" }));
    assert.ok(parsed.ok);
    return say(parsed.parts.findings).join("\n");
  };
  assert.match(of("nqn=nqn.2014-08.org.nvmexpress.discovery"), /error .*is that of discovery controllers/);
  assert.match(
    of("nqn=nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-000000000000"),
    /error .*all zeros/,
  );
  assert.match(of("id=FFFFFFFF-ffff-ffff-ffff-ffffffffffff"), /error .*all ones/);
  assert.match(of(`symname=${"\u00e9".repeat(129)}`), /error .*has 258 bytes, but only 256 fit/);
  assert.equal(of(`symname=${"\u00e9".repeat(128)}`), "");
});

Deno.test("a key may stand in a file of its own; one that cannot be read is no permission to connect without", () => {
  const files = new Map([["/etc/nvme/k", { text: `${KEY.reveal()}\n`, mode: 0o100600 }], ["/k", {
    text: KEY.reveal(),
    mode: 0o100644,
  }], ["/empty", { text: "\n", mode: 0o100600 }]]);
  const read: ReadFile = (path) => {
    const found = files.get(path);
    return found === undefined
      ? { ok: false, why: "missing", message: "no such file" }
      : { ok: true, ...found };
  };
  const of = (value: string) => {
    const parsed = parseStacdConf(line(`${LINE};dhchap-secret=${value}`), "f", read);
    assert.ok(parsed.ok);
    const [controller] = parsed.conf.controllers;
    return {
      said: say(parsed.findings).join("\n"),
      key: controller?.keys.hostKey?.reveal(),
      unusable: parsed.conf.unusable,
    };
  };
  assert.deepEqual(of("file:///etc/nvme/k"), { said: "", key: KEY.reveal(), unusable: [] });
  const open = of("file:///k");
  assert.match(open.said, /^warning f:2:\d+: dhchap-secret: every user of this host may read \/k/);
  assert.equal(open.key, KEY.reveal());
  for (const bad of ["file:///none", "file:///empty", "file://relative", "file://"]) {
    const { said, key, unusable } = of(bad);
    assert.match(said, /^error .*its controller is not connected until this is corrected$/, bad);
    assert.equal(key, undefined);
    assert.equal(unusable.length, 1);
  }
});

Deno.test("keys are checked by length and checksum, and nothing of them is shown", () => {
  const of = (key: string): string => stacd(line(`${LINE};dhchap-secret=${key}`)).said.join("\n");
  const good = KEY.reveal();
  assert.equal(of(good), "");
  assert.match(of(good.replace("ia6z", "ia6y")), /^error .*dhchap-secret has a wrong checksum/);
  assert.match(of(good.replace("DHHC-1:00", "DHHC-1:02")), /has 32 bytes; with the hash 02 there must be 48/);
  assert.match(of(good.replace("DHHC-1:00", "DHHC-1:07")), /has the hash 07/);
  assert.match(of("DHHC-1:00:c2VjcmV0:"), /has 2 bytes/);
  for (const key of [good.replace("ia6z", "ia6y"), "DHHC-1:00:c2VjcmV0:"]) {
    assert.ok(!of(key).includes(key.slice(10, 16)));
  }
});

Deno.test("bytes that are no UTF-8 are said (CFG-12)", () => {
  const text = new TextDecoder().decode(
    new Uint8Array([...new TextEncoder().encode("[Controllers]\nexclude = nqn=nqn.caf"), 0xe9, 10]),
  );
  assert.match(stafd(text).said.join(), /error f:2:\d+: this line contains bytes that are not UTF-8/);
});
