/** Connectivity files of nvme-stas 3: the grammar, the checks and the precedence of libnvme 3. */
import assert from "node:assert/strict";
import { withConn } from "../../../src/lib/config/conn_conf.ts";
import type { DaemonConf } from "../../../src/lib/config/daemon_conf.ts";
import { findingText } from "../../../src/lib/config/finding.ts";
import { readNextFiles } from "../../../src/lib/config/next_files.ts";
import { nextConf } from "../../../src/lib/config/next_conf.ts";
import { parseNextFile } from "../../../src/lib/config/next_file.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";

const NQN = "nqn.2014-08.org.nvmexpress";
const ID = "46ba5037-7ce5-41fa-9452-48477bf00080";
const KEY = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
const SUB = `[Subsystem]\nnqn = ${NQN}:s\n`;

interface Merged {
  readonly stafd: DaemonConf;
  readonly stacd: DaemonConf;
  readonly said: readonly string[];
}

function merged(main: string, dropIns: Readonly<Record<string, string>> = {}, own = ""): Merged {
  const next = nextConf(
    parseNextFile(main, "/m"),
    Object.entries(dropIns).map(([name, text]) => parseNextFile(text, name)),
  );
  assert.equal(next.isRejected, false, next.findings.map(findingText).join("\n"));
  const stafd = parseStafdConf(own, "/stafd.conf");
  const stacd = parseStacdConf(own, "/stacd.conf");
  assert.ok(stafd.ok && stacd.ok);
  const [a, b] = [
    withConn(stafd.conf, next, "stafd", undefined),
    withConn(stacd.conf, next, "stacd", undefined),
  ];
  const said = [...a.findings, ...b.findings].map((one) => `${one.severity} ${findingText(one)}`);
  return { stafd: a.conf, stacd: b.conf, said: [...new Set(said)] };
}

const overrides = (conf: DaemonConf) => conf.controllers.map((line) => line.overrides);

Deno.test("what libnvme rejects is rejected, with file, line and the whole configuration", () => {
  const path = "controller = transport=tcp;traddr=192.0.2.1";
  const cases: readonly (readonly [text: string, says: string])[] = [
    ["[Host]\n[Host]\n", "2:1: this is the second [Host] section"],
    ["ctrl-loss-tmo = 5\n", '1:1: "ctrl-loss-tmo" comes before any section'],
    ["[Discovery Controller Defaults]\nhostnqn = x\n", "2:1: hostnqn is not valid in this section"],
    ["[I/O Controller Defaults]\nnqn = x\n", "2:1: nqn is not valid in this section"],
    [`[Host]\n${path}\n`, "2:1: controller is not valid in this section"],
    [`${SUB}${path};tls-key=k\n`, '3:45: "tls-key" does not belong on a controller line'],
    [`${SUB}${path};tsl=true\n`, '3:45: "tsl" does not belong on a controller line'],
    [`${SUB}${path};bogus=1\n`, '3:45: "bogus" does not belong on a controller line'],
    [`${SUB}${path};nqn=x\n`, '3:45: "nqn" does not belong on a controller line'],
    [`${SUB}controller = transport=tcp\n`, "3:14: a controller line needs transport and traddr"],
    [`${SUB}${path};traddr=192.0.2.2\n`, "3:45: traddr is given more than once"],
    [`${SUB}${path};trsvcid=\n`, "3:45: trsvcid is empty"],
    [`${SUB}${path};what\n`, '3:45: "what" is not of the form key=value'],
    ["[Subsystem]\nnqn =\n", "2:6: nqn is not an NQN"],
    [
      "[Discovery Controller Defaults]\nwhat is this\n",
      '2:1: "what is this" is neither a section nor key = value',
    ],
    [
      `[Host]\n; hostid = x y\n; old\n`,
      '3:1: "; old" is neither a section nor key = value (a comment begins with #)',
    ],
    ["[Subsystem\n", '1:1: "[Subsystem" is not a section line'],
    [`[Subsystem]\n${path}\n`, "1:1: [Subsystem] has no nqn"],
    ["[Discovery Controller Defaults]\nctrl-loss-tmo = ten\n", '2:17: ctrl-loss-tmo "ten" is not an integer'],
    [`${SUB}tls = maybe\n`, '3:7: tls "maybe" is neither true nor false'],
    ["[Subsystem]\nnqn = not-an-nqn\n", '2:7: nqn "not-an-nqn" is not an NQN'],
    ["[Subsystem]\nnqn = nqn.2014-13.org.nvmexpress:test\n", "is not an NQN"],
    ["[Host]\nhostnqn = not-an-nqn\n", '2:11: hostnqn "not-an-nqn" is not an NQN'],
    ["[Host]\nhostid = 00000000-0000-0000-0000-000000000000\n", "is all zeros"],
    ["[Host]\nhostid = not-a-uuid\n", '2:10: hostid "not-a-uuid" is not a UUID'],
    ["[Discovery Controller]\npersistent = perhaps\n", '2:14: persistent "perhaps" is not no, auto or force'],
  ];
  for (const [text, says] of cases) {
    const parsed = parseNextFile(text, "f");
    assert.equal(parsed.isRejected, true, text);
    const said = parsed.findings.map(findingText).join("\n");
    assert.ok(said.includes(says), `${text}: ${said}`);
    assert.match(said, /the whole file is rejected/);
  }
});

Deno.test("what libnvme only warns of is no reason to reject", () => {
  const text = "[Discovery Controller Defaults]\nunknown-knob = 7\n[SomeFutureSection]\nwhatever = x\n" +
    "[Discovery Controller Defaults]\nreconnect-delay = 20\n[Host]\nhostid =\n";
  const { stafd, said } = merged(text);
  assert.equal(stafd.options.reconnectDelay, 20);
  assert.deepEqual(said, [
    'warning /m:2:1: "unknown-knob" is not known; it is ignored',
    'warning /m:3:1: section "[SomeFutureSection]" is ignored',
    "warning /m:5:1: [Discovery Controller Defaults] is given more than once",
  ]);
});

Deno.test("precedence: controller line, section, [Host], drop-in, main file; an empty value leaves it to the kernel", () => {
  const { stafd, stacd, said } = merged(
    "[Discovery Controller Defaults]\nkeep-alive-tmo = 30\nctrl-loss-tmo = 600\n" +
      "[I/O Controller Defaults]\nkeep-alive-tmo = 5\nctrl-loss-tmo = 600\nreconnect-delay = 10\n" +
      `${SUB}controller = transport=tcp;traddr=192.0.2.1;trsvcid=4420\n`,
    {
      "/m.d/10-prod.conf":
        `[Host]\nhostnqn = ${NQN}:prod\nhostid = ${ID}\nkxchap-secret = ${KEY}\nqueue-size = 0x40\n` +
        "[I/O Controller Defaults]\nqueue-size = 32\nnr-io-queues = 010\n" +
        "[Discovery Controller]\ncontroller = transport=tcp;traddr=10.0.0.5;trsvcid=8009\n" +
        `[Subsystem]\nnqn = ${NQN}:v\nctrl-loss-tmo = 1800\nreconnect-delay =\ntls = Y\n` +
        "controller = transport=tcp;traddr=10.0.0.9;keep-alive-tmo=99\n" +
        "controller = transport=tcp;traddr=10.0.0.10\n",
    },
  );
  assert.equal(stafd.options.kato, 30);
  assert.deepEqual([stacd.options.kato, stacd.options.reconnectDelay], [5, 10]);
  const prod = { queueSize: 64, nrIoQueues: 8, ctrlLossTmo: 1800, reconnectDelay: 0, tls: true };
  assert.deepEqual(overrides(stacd), [{}, { ...prod, kato: 99 }, prod]);
  assert.deepEqual(
    stacd.controllers.map(({ origin }) => origin.kind === "file" ? `${origin.file}:${origin.line}` : ""),
    ["/m:10", "/m.d/10-prod.conf:16", "/m.d/10-prod.conf:17"],
  );
  const [dc] = stafd.controllers;
  assert.deepEqual([dc?.fields.hostNqn, dc?.fields.hostId, dc?.fields.subsysnqn], [`${NQN}:prod`, ID, ""]);
  assert.equal(dc?.keys.hostKey?.reveal(), KEY);
  assert.ok(!JSON.stringify([said, stafd, stacd]).includes(KEY), "S8");
  assert.deepEqual(said.filter((one) => one.startsWith("error")), []);
});

Deno.test("identities: one host NQN, one file, one host ID", () => {
  const host = (nqn: string, id: string | undefined): string =>
    `[Host]\n${nqn === "" ? "" : `hostnqn = ${NQN}:${nqn}\n`}${id === undefined ? "" : `hostid = ${id}\n`}`;
  const other = ID.replace("46", "47");
  const rejected: readonly (readonly [main: string, ...dropIns: string[]])[] = [
    ["", host("", ID)],
    ["", host("a", ID), host("b", ID.toUpperCase())],
    ["", host("a", ID), host("a", other)],
    ["", host("a", ID), host("a", undefined)],
    [host("a", undefined), host("a", undefined)],
  ];
  for (const [main, ...dropIns] of rejected) {
    const conf = nextConf(parseNextFile(main, "m"), dropIns.map((text, n) => parseNextFile(text, `d${n}`)));
    assert.equal(conf.isRejected, true, JSON.stringify(dropIns));
    assert.match(conf.findings.map(findingText).join(), /d\d:\d+:\d+: .*the whole configuration is rejected/);
  }
  const good = nextConf(parseNextFile(host("a", ID), "m"), [parseNextFile(host("b", other), "d")]);
  assert.deepEqual([good.isRejected, good.findings], [false, []]);
  assert.match(merged(host("a", undefined)).said.join(), /warning \/m:2:1: hostnqn without hostid/);
});

Deno.test("security: the stricter of two defaults, an identity as a key's description, names that only look like one", () => {
  const { stacd, said } = merged(
    `[I/O Controller Defaults]\ntls = no\nkeep-alive-tmo = 9\n${SUB}tls = true\ntls-key-identity = NVMe1R02 x y\n` +
      "controller = transport=tcp;traddr=192.0.2.1\n" +
      `[Subsystem]\nnqn = ${NQN}:k\ntls = true\ntls-key = NVMeTLSkey-1:01:AAAA:\ncontroller = transport=tcp;traddr=192.0.2.2\n` +
      "[Future]\ntls = true\n",
    {},
    "[Global]\ntls = true\nkato = 3\n",
  );
  assert.deepEqual([stacd.options.tls, stacd.options.kato], [true, 9]);
  assert.equal(stacd.controllers[0]?.overrides.tlsKey, "NVMe1R02 x y");
  assert.equal(stacd.unusable.length, 1, "a key is no reference to one");
  assert.match(stacd.unusable[0]?.why ?? "", /^\/m:12:11: tls-key: .*belongs in the keyring/);
  assert.deepEqual(stacd.unreadSecurity.map(({ option }) => option), ["tls"]);
  assert.match(
    said.join("\n"),
    /warning \/m:2:1: tls is given in \/stacd\.conf:2, too: the stricter one, that one, counts/,
  );
  assert.match(
    said.join("\n"),
    /warning \/m:3:1: keep-alive-tmo is given in \/stacd\.conf:3, too: this one counts/,
  );
  assert.ok(!said.join().includes("AAAA"), "S8");
});

Deno.test("what this version does not do is said; a line of both files is one controller, with both places", () => {
  const line = "transport=tcp;traddr=192.0.2.1;trsvcid=4420";
  const { stacd, said } = merged(
    `[Discovery Controller]\npersistent = no\ncontroller = transport=tcp;traddr=192.0.2.9\n` +
      `${SUB}tos = 3 # marks\nfast-io-fail-tmo = 1\npersistent = force\ncontroller = ${line};hdr-digest=on\n`,
    {},
    `[Controllers]\ncontroller = ${line};nqn=${NQN}:s\n`,
  );
  const text = said.join("\n");
  assert.match(text, /error \/m:2:1: persistent = no has no effect/);
  assert.match(text, /error \/m:6:1: tos has no effect/);
  assert.match(text, /notice \/m:6:9: a comment after a value is cut off here/);
  assert.match(text, /error \/m:7:1: fast-io-fail-tmo has no effect/);
  assert.match(text, /error \/m:8:1: persistent applies to discovery controllers only/);
  assert.match(
    text,
    /warning \/m:9:\d+: \/m:9 means the same controller as \/stacd\.conf:2: \/stacd\.conf:2 counts/,
  );
  assert.equal(stacd.controllers.length, 2);
});

Deno.test("files: drop-ins by name, in order; a missing main file leaves them; an unreadable one is not an empty one", () => {
  const files: Readonly<Record<string, string>> = {
    "/m.d/b.conf": `${SUB}controller = transport=tcp;traddr=192.0.2.2\n`,
    "/m.d/a.conf": `${SUB}controller = transport=tcp;traddr=192.0.2.1\n`,
    "/m.d/.hidden.conf": "x",
    "/m.d/README": "x",
  };
  const missing = { ok: false, why: "missing", message: "not there" } as const;
  const read = (path: string) => {
    const text = files[path];
    return text === undefined ? missing : { ok: true, text } as const;
  };
  const names = ["b.conf", "README", ".hidden.conf", "a.conf"];
  const found = readNextFiles("/m", read, () => ({ ok: true, names }));
  assert.ok(found.ok && !found.isMissing);
  assert.deepEqual(found.conf.files, ["/m", "/m.d/a.conf", "/m.d/b.conf"]);
  assert.equal(found.conf.connections.length, 2);
  const nothing = readNextFiles("/m", () => missing, () => ({ ok: true, names: [] }));
  assert.ok(nothing.ok && nothing.isMissing && nothing.conf.connections.length === 0);
  const io = { ok: false, why: "unreadable", message: "input/output error" } as const;
  for (
    const broken of [
      readNextFiles("/m", (path) => path === "/m" ? io : missing, () => ({ ok: true, names: [] })),
      readNextFiles("/m", (path) => path === "/m" ? missing : io, () => ({ ok: true, names })),
      readNextFiles("/m", read, () => ({ ok: false, message: "input/output error" })),
    ]
  ) assert.deepEqual([broken.ok, broken.ok ? "" : broken.why], [false, "absent"]);
});
