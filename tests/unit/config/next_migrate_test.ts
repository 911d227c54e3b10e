/** `stasadm migrate --to 3`: what is written means the same when it is read as nvme-stas 3 reads it, or the change is named. */
import assert from "node:assert/strict";
import { withConn } from "../../../src/lib/config/conn_conf.ts";
import type { ControllerLine } from "../../../src/lib/config/controller_line.ts";
import type { DaemonConf } from "../../../src/lib/config/daemon_conf.ts";
import { findingText } from "../../../src/lib/config/finding.ts";
import { type HostParts, type Migration, migration } from "../../../src/lib/config/next_migrate.ts";
import { readNextFiles } from "../../../src/lib/config/next_files.ts";
import { identityOf, type NextConf } from "../../../src/lib/config/next_conf.ts";
import { defaulted } from "../../../src/lib/config/origin.ts";
import { parseStacdConf, type StacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf, type StafdConf } from "../../../src/lib/config/stafd_conf.ts";
import type { FileText } from "../../../src/lib/config/sys_conf.ts";
import { parseExclusions } from "../../../src/lib/nvme/exclusions.ts";
import { CONNECT_OPTIONS, isPassed } from "../../../src/lib/nvme/option_table.ts";
import { Secret } from "../../../src/lib/base/secret.ts";
import { defaultTrsvcid } from "../../../src/lib/nvme/tid.ts";

const KEY = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
const ID = "46ba5037-7ce5-41fa-9452-48477bf00080";
const SYSTEM: HostParts = {
  nqn: undefined,
  id: undefined,
  symname: defaulted(""),
  key: defaulted(undefined),
};

function stafd(text: string): StafdConf {
  const parsed = parseStafdConf(text, "/s/stafd.conf");
  assert.ok(parsed.ok);
  return parsed.conf;
}

function stacd(text: string): StacdConf {
  const parsed = parseStacdConf(text, "/s/stacd.conf");
  assert.ok(parsed.ok);
  return parsed.conf;
}

const textOf = ({ files }: Migration, name: string): string =>
  files.find((file) => file.name === name)?.text ?? "";

/** As nvme-stas 3 reads it: its checks are those of libnvme. */
function readBack(migrated: Migration): NextConf {
  const read = (path: string): FileText => {
    const file = migrated.files.find(({ name }) => `/e/${name}` === path);
    return file === undefined
      ? { ok: false, why: "missing", message: path }
      : { ok: true, text: file.text, mode: file.hasKey ? 0o600 : 0o644 };
  };
  const names = migrated.files.map(({ name }) => name).filter((name) => name.startsWith("nvme-stas.conf.d/"));
  const next = readNextFiles(
    "/e/nvme-stas.conf",
    read,
    () => ({ ok: true, names: names.map((name) => name.slice(name.indexOf("/") + 1)) }),
  );
  assert.ok(next.ok, next.ok ? "" : next.findings.map(findingText).join("\n"));
  return next.conf;
}

/** What a line means, the port included. */
function meaning({ fields, overrides, keys }: ControllerLine): unknown {
  const { transport, trsvcid } = fields;
  const ip = transport === "tcp" || transport === "rdma";
  const passed = CONNECT_OPTIONS.flatMap((option) => {
    const value = overrides[option.key];
    if (value === undefined) return [];
    const isTaken = option.kind === "integer" && typeof value === "number" && !isPassed(option, value);
    return [[option.name, isTaken ? "not passed" : value]];
  });
  return {
    ...fields,
    trsvcid: trsvcid === "" && ip ? defaultTrsvcid(transport) : trsvcid,
    passed,
    keys: [keys.hostKey?.reveal(), keys.ctrlKey?.reveal()],
  };
}

const meanings = (conf: DaemonConf): unknown[] =>
  conf.controllers.map(meaning).map((one) => JSON.stringify(one)).toSorted();

const STAFD = `[Global]
tron = true
kato = 20
hdr-digest = true
ctrl-loss-tmo = -1
reconnect-delay = 0
tls = true
keyring = .nvme
ip-family = ipv4+ipv6
pleo = disabled
[Service Discovery]
zeroconf = disabled
[Discovery controller connection management]
zeroconf-connections-persistence = 1 day
persistent-connections = false
[Controllers]
controller = transport=tcp;traddr=192.0.2.1;tls-key=1234
controller = transport=tcp;traddr=192.0.2.4;tls-key=NVMe1R01 a b
controller = transport=tcp;traddr=192.0.2.2;trsvcid=4420;kato=0;host-iface=eth1;nqn=nqn.2014-08.com.example:dc
controller = transport=tcp;traddr=dc.example.com;dhchap-secret=${KEY};dhchap-ctrl-secret=${KEY}
controller = transport=tcp;traddr=192.0.2.9;host-nqn=nqn.2014-08.com.example:other;host-id=${ID}
exclude = transport=tcp;traddr=192.0.2.99
exclude = traddr=198.51.100.0/24
`;

const STACD = `[Global]
nr-io-queues = 4
queue-size = 64
[I/O controller connection management]
disconnect-scope = no-disconnect
connect-attempts-on-ncc = 3
young-page-soak = 5 minutes
[Controllers]
controller = transport=tcp;traddr=192.0.2.1;trsvcid=4420;nqn=nqn.2014-08.com.example:a
controller = transport=tcp;traddr=192.0.2.2;nqn=nqn.2014-08.com.example:a;ctrl-loss-tmo=9;data-digest=true
controller = transport=tcp;traddr=192.0.2.1;trsvcid=4420;nqn=nqn.2014-08.com.example:b;concat=true;tls=false
controller = transport=rdma;traddr=2001:db8::1;host-traddr=2001:db8::2;nqn=nqn.2014-08.com.example:r
controller = transport=fc;traddr=nn-0x1:pn-0x2;host-traddr=nn-0x3:pn-0x4;nqn=nqn.2014-08.com.example:c
controller = transport=tcp;traddr=192.0.2.9;nqn=nqn.2014-08.com.example:d;host-nqn=nqn.2014-08.com.example:other;host-id=${ID}
exclude = nqn=nqn.2014-08.com.example:scratch
`;

Deno.test("migrate: read back as nvme-stas 3 reads it, every line, option and key means the same", () => {
  const [dcs, iocs] = [stafd(STAFD), stacd(STACD)];
  const migrated = migration(dcs, iocs, SYSTEM);
  const next = readBack(migrated);
  // The default port of nvme-stas 3 depends on the section: it is written.
  assert.match(
    textOf(migrated, "nvme-stas.conf"),
    /^controller = transport=tcp;traddr=192\.0\.2\.2;trsvcid=8009;data-digest=true;ctrl-loss-tmo=9$/m,
  );
  for (const [daemon, before, empty] of [["stafd", dcs, stafd("")], ["stacd", iocs, stacd("")]] as const) {
    const { conf, findings } = withConn<DaemonConf>(empty, next, daemon, undefined);
    assert.deepEqual(meanings(conf), meanings(before), daemon);
    assert.deepEqual(conf.unusable, []);
    for (const option of CONNECT_OPTIONS) {
      const [was, is] = [before.options[option.key], conf.options[option.key]];
      const isTaken = option.kind === "integer" && typeof was === "number" && !isPassed(option, was);
      assert.equal(is, isTaken ? undefined : was, `${daemon}: ${option.name}`);
    }
    assert.deepEqual(findings.filter(({ severity }) => severity === "error").map(findingText), []);
  }
});

Deno.test("migrate: what the daemons do stays in their files, under its new name", () => {
  const migrated = migration(stafd(STAFD), stacd(STACD), SYSTEM);
  assert.equal(
    textOf(migrated, "stafd.conf"),
    "[Global]\ntron = true\nip-family = ipv4+ipv6\npleo = disabled\n\n[Service Discovery]\nzeroconf = disabled\n\n" +
      "[Discovery controller connection management]\ndc-giveup-timeout = 86400s\n",
  );
  assert.equal(
    textOf(migrated, "stacd.conf"),
    "[I/O controller connection management]\nhonor-fabric-zoning = no\nconnect-attempts-on-ncc = 3\n",
  );
  // Names of the next generation that this version takes, too.
  assert.equal(stafd(textOf(migrated, "stafd.conf")).zeroconfPersistence.value.ms, 86_400_000);
  assert.equal(stacd(textOf(migrated, "stacd.conf")).disconnectScope.value, "no-disconnect");
  const endless = migration(
    stafd("[Discovery controller connection management]\nzeroconf-connections-persistence = -1\n"),
    stacd(""),
    SYSTEM,
  );
  assert.match(textOf(endless, "stafd.conf"), /^dc-giveup-timeout = infinity$/m);
});

Deno.test("migrate: exclusions are libnvme's; a pattern has no counterpart, and that is said", () => {
  const migrated = migration(stafd(STAFD), stacd(STACD), SYSTEM);
  const { entries, problems } = parseExclusions(textOf(migrated, "exclusions.conf.d/nvme-stas-2.conf"), "x");
  assert.deepEqual(problems, []);
  assert.deepEqual(entries.map(({ fields }) => [...fields]), [
    [["transport", "tcp"], ["traddr", "192.0.2.99"]],
    [["nqn", "nqn.2014-08.com.example:scratch"]],
  ]);
  const lost = migrated.changes.find(({ text }) => text.includes("198.51.100.0/24"));
  assert.equal(lost?.kind, "dropped");
  assert.match(lost?.text ?? "", /WOULD BE CONNECTED/);
  assert.equal(lost?.where, "/s/stafd.conf:23");
});

/** Of each kind of value that gets lost or changes: it is named, with its place. */
const SAID: readonly (readonly [conf: "stafd" | "stacd", text: string, kind: string, says: RegExp])[] = [
  ["stafd", STAFD, "dropped", /^\/s\/stafd\.conf:15: persistent-connections: /],
  ["stacd", STACD, "dropped", /^\/s\/stacd\.conf:7: young-page-soak: /],
  [
    "stacd",
    "[I/O controller connection management]\ndisconnect-in-use = always\n",
    "dropped",
    /:2: disconnect-in-use/,
  ],
  ["stacd", "[I/O controller connection management]\nin-use-window = 5\n", "dropped", /:2: in-use-window/],
  [
    "stacd",
    "[I/O controller connection management]\ndisconnect-trtypes = tcp+fc\n",
    "dropped",
    /:2: disconnect-trtypes/,
  ],
  [
    "stacd",
    "[I/O controller connection management]\ndisconnect-scope = all-connections-matching-disconnect-trtypes\n",
    "differs",
    /:2: connections of other programs are no longer disconnected/,
  ],
  ["stacd", "", "differs", /^namespaces|^: a connection whose namespaces are in use/],
  [
    "stacd",
    "[Controllers]\ncontroller = transport=tcp;traddr=\n",
    "dropped",
    /:2: the line is not understood/,
  ],
  [
    "stacd",
    "[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.1;nqn=not-one\n",
    "dropped",
    /:2: controller = .*reject the whole file for it: nqn "not-one" is not an NQN/,
  ],
  [
    "stacd",
    "[Controllers]\ncontroller = transport=loop;nqn=nqn.2014-08.com.example:a\n",
    "dropped",
    /:2: controller = .*needs transport and traddr/,
  ],
  [
    "stacd",
    "[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.com.example:a;colour=red\n",
    "dropped",
    /:2: colour has no effect now/,
  ],
  [
    "stacd",
    "[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.com.example:a;tls=perhaps\n",
    "dropped",
    /:2: the line is not connected now/,
  ],
  [
    "stacd",
    "[Global]\nip-family = ipv6\n[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.com.example:a\n",
    "dropped",
    /:2: the line of "192\.0\.2\.1", which ip-family excludes/,
  ],
  [
    "stacd",
    "[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.1;nqn=nqn.2014-08.com.example:a;host-nqn=nqn.2014-08.com.example:o\n",
    "differs",
    /:2: host-nqn without host-id/,
  ],
];

for (const [conf, text, kind, says] of SAID) {
  Deno.test(`migrate: ${kind} is said: ${says.source}`, () => {
    const migrated = conf === "stafd"
      ? migration(stafd(text), stacd(""), SYSTEM)
      : migration(stafd(""), stacd(text), SYSTEM);
    const said = migrated.changes.filter((one) => one.kind === kind).map((one) =>
      `${one.where}: ${one.text}`
    );
    assert.ok(said.some((one) => says.test(one)), said.join("\n"));
    // One line that it would reject takes no other with it.
    readBack(migrated);
  });
}

Deno.test("migrate: identity and keys of the host are in [Host], and such a file is readable by root only", () => {
  const host: HostParts = {
    nqn: defaulted("nqn.2014-08.com.example:h"),
    id: defaulted(ID),
    symname: defaulted("Rack 7"),
    key: defaulted(new Secret(KEY)),
  };
  const migrated = migration(stafd(""), stacd(""), host);
  assert.deepEqual(identityOf(readBack(migrated)), {
    nqn: "nqn.2014-08.com.example:h",
    id: ID,
    symname: "Rack 7",
    key: KEY,
  });
  assert.deepEqual(migrated.files.map(({ name, hasKey }) => [name, hasKey]), [["nvme-stas.conf", true]]);
  assert.ok(!JSON.stringify(migrated.changes).includes(KEY));
});

Deno.test("migrate: of the shipped files only that discovery controllers stay connected", () => {
  const shipped = (name: string): string => Deno.readTextFileSync(`etc/stas/${name}.conf`);
  const { files } = migration(stafd(shipped("stafd")), stacd(shipped("stacd")), SYSTEM);
  assert.deepEqual(files.map(({ name, text }) => [name, text]), [[
    "nvme-stas.conf",
    "[Discovery Controller Defaults]\npersistent = force\n",
  ]]);
});
