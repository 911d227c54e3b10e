/**
 * The files that the Python implementation shipped from 1.0 to 2.4, as options with the values that stand commented out in
 * them, and public examples: no false alarm.
 */
import assert from "node:assert/strict";
import { foreignFormat } from "../../../src/lib/config/file_format.ts";
import { importFile } from "../../../src/lib/config/import_file.ts";
import { parseNextFile } from "../../../src/lib/config/next_file.ts";
import { parseSysConf } from "../../../src/lib/config/sys_conf.ts";
import { list, record, text, vector } from "../nvme/vectors.ts";
import { say, stacd, stafd } from "./confs.ts";

const UUID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
const shipped = list(vector("shipped-files")).map((one) => {
  const { file, from, to, lines, active } = record(one);
  return {
    file: text(file),
    versions: `${text(from)} to ${text(to)}`,
    lines: list(lines).map(text),
    active: active === undefined ? [] : list(active).map(text),
  };
});

function findings(file: string, source: string): readonly string[] {
  if (file === "stafd.conf") return stafd(source).said;
  if (file === "stacd.conf") return stacd(source).said;
  const files: Readonly<Record<string, string>> = {
    "/etc/nvme/hostnqn": `nqn.2014-08.org.nvmexpress:uuid:${UUID}\n`,
    "/etc/nvme/hostid": `${UUID}\n`,
    "/etc/nvme/hostkey": "DHHC-1:00:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYnki0dbq:\n",
  };
  const parsed = parseSysConf(source, file, (path) => {
    const found = files[path];
    return found === undefined
      ? { ok: false, why: "missing", message: "not there" }
      : { ok: true, text: found };
  });
  assert.ok(parsed.ok, say(parsed.findings).join("\n"));
  return say(parsed.findings);
}

/** Names that older versions had: each is known, and said to be old. */
const OLD =
  /^(?:notice|warning) \S+ (?:persistent-connections|blacklist|udev-rule|duplicate-connect|stype) is a name of older versions/;
/** What its writer wanted under a name that has no meaning any more: it is said what to write. */
const LOST =
  /^error \S+ (?:sticky-connections is a name of older versions; .*use disconnect-scope = |.* no section \[I\/O controller disconnect policy\])/;
/** The section of two release candidates, with nothing in it. */
const UNUSED = /^notice \S+ stacd\.conf has no section \[I\/O controller disconnect policy\]/;
const EMPTY = /^warning \S+ .*(?:is not|names nothing|no symbolic)/;

for (const { file, versions, lines, active } of shipped) {
  Deno.test(`${file} of ${versions} as it was shipped has no finding but for names that are old`, () => {
    const commented = lines.map((line) => line.startsWith("[") ? line : `#${line}`);
    const found = findings(file, `${[...commented, ...active].join("\n")}\n`);
    assert.deepEqual(found.filter((one) => !OLD.test(one) && !UNUSED.test(one)), []);
    const said = found.filter((one) => OLD.test(one));
    assert.equal(said.length, active.filter((line) => !line.startsWith("[")).length);
  });

  Deno.test(`${file} of ${versions} with each option set as its comment shows: no false alarm`, () => {
    const set = lines.filter((line) => line.startsWith("[") || !line.endsWith("="));
    const found = findings(file, `${set.join("\n")}\n`);
    assert.deepEqual(found.filter((one) => !OLD.test(one) && !LOST.test(one)), []);
    // What is empty is at most a warning.
    const all = findings(file, `${lines.join("\n")}\n`);
    assert.deepEqual(all.filter((one) => ![OLD, LOST, EMPTY].some((known) => known.test(one))), []);
  });
}

/** From manuals, installers, test suites and blogs; the file, and what there is to say. */
const PUBLIC: readonly (readonly ["stafd.conf" | "stacd.conf", string, readonly RegExp[]])[] = [
  [
    "stafd.conf",
    "# This file was created by curtin.\n\n[Controllers]\ncontroller = transport=tcp;traddr=172.16.82.77;trsvcid=4420\n",
    [],
  ],
  ["stafd.conf", "[Controllers]\ncontroller = transport=tcp;traddr=localhost;trsvcid=8009\n", []],
  ["stafd.conf", "[Controllers]\ncontroller=transport=tcp;traddr=localhost\n", []],
  ["stafd.conf", "[Controllers]\ncontroller = transport = tcp ; traddr = localhost ; ; ;\n", []],
  [
    "stafd.conf",
    "[Controllers]\ncontroller = transport=tcp;traddr=2001:db8::370:7334;host-iface=enp0s8\n",
    [],
  ],
  ["stafd.conf", "[Controllers]\ncontroller=transport=tcp;traddr=::1;trsvcid=8009\n", []],
  [
    "stafd.conf",
    "[Global]\ntron=false\nip-family=ipv4\nignore-iface=true\n\n[Service Discovery]\nzeroconf=disabled\n\n" +
    "[Discovery controller connection management]\npersistent-connections=true\n\n[Controllers]\n" +
    "controller=transport=tcp;traddr=192.168.122.78;trsvcid=8009\n",
    [],
  ],
  [
    "stacd.conf",
    "[Global]\ntron=false\nhdr-digest=false\ndata-digest=false\nip-family=ipv4\n\n" +
    "[I/O controller connection management]\ndisconnect-scope=only-stas-connections\ndisconnect-trtypes=tcp\n" +
    "connect-attempts-on-ncc=0\n\n[Controllers]\n",
    [],
  ],
  [
    "stacd.conf",
    "[I/O controller connection management]\ndisconnect-scope=all-connections-matching-disconnect-trtypes\n" +
    "disconnect-trtypes=tcp+rdma+fc\nconnect-attempts-on-ncc=2\n",
    [],
  ],
  [
    "stacd.conf",
    "[Controllers]\ncontroller = transport=tcp;traddr=localhost;" +
    "nqn=nqn.1988-11.com.dell:PowerSANxxx:01:20210225100113-454f73093ceb4847a7bdfc6e34ae8e28\n",
    [],
  ],
  [
    "stafd.conf",
    "[Controllers]\nexclude = transport=tcp;traddr=fe80::2c6e:dee7:857:26bb # Eliminate a specific address\n" +
    "exclude = host-iface=enp0s8                             # Eliminate everything on this interface\n",
    [/^notice f:2:.* comment/, /^notice f:3:.* comment/],
  ],
  [
    "stafd.conf",
    "[Controllers]\nblacklist=transport=tcp;traddr=10.10.10.10\n",
    [/^warning f:2:1: blacklist is a name of older versions/],
  ],
  // These cannot work, and never did.
  [
    "stafd.conf",
    "[Controllers]\ncontroller = transport=tcp;traddr=[2001:db8::370:7334];host-iface=enp0s8\n",
    [/^error f:2:\d+: traddr .* without the brackets/],
  ],
  [
    "stafd.conf",
    "[Controllers]\ncontroller = transport=fc;traddr=nn-0x204600a098cbcac6:pn-0x204700a098cbcac6\n",
    [/^error f:2:\d+: host-traddr is missing \(fc needs it\)/],
  ],
  [
    "stacd.conf",
    "[I/O controller connection management]\ndisconnect-scope=only-stas-connections;disconnect-trtypes=tcp\n",
    [/^error f:2:\d+: .*disconnect-scope: .* is not only-stas-connections/],
  ],
];

Deno.test("public examples: what is said of each, and nothing else", () => {
  for (const [file, source, expected] of PUBLIC) {
    const found = findings(file, source);
    assert.equal(found.length, expected.length, `${source}${found.join("\n")}`);
    expected.forEach((pattern, n) => assert.match(found[n] ?? "", pattern));
  }
});

/** Connectivity files as nvme-stas 3, nvme-cli 3 and their documents have them: connections for stafd and for stacd. */
const NEXT: readonly (readonly [source: string, stafd: number, stacd: number])[] = [
  [
    "[Discovery Controller Defaults]\nkeep-alive-tmo = 30\nctrl-loss-tmo  = 600\n\n[I/O Controller Defaults]\n" +
    "ctrl-loss-tmo  = 600\n\n[Host]\nhostsymname = lab-host-01\n\n[Discovery Controller]\n" +
    "controller = transport=tcp;traddr=192.168.1.10;trsvcid=8009\n\n[Subsystem]\nnqn = nqn.2024-01.com.example:vol1\n" +
    "ctrl-loss-tmo = 1800\ncontroller    = transport=tcp;traddr=192.168.1.20;trsvcid=4420;host-iface=eth0\n" +
    "controller    = transport=tcp;traddr=192.168.1.21;trsvcid=4420;host-iface=eth1\n",
    1,
    2,
  ],
  [
    "[Discovery Controller Defaults]\nkeep-alive-tmo = 30                  # DC keep-alive default\n\n[Host]\n" +
    "# hostnqn omitted\nhostsymname = lab-host-01\n\n[Discovery Controller]\n# nqn omitted\n" +
    "controller = transport=tcp;traddr=10.0.0.6;trsvcid=8009\n\n[Discovery Controller]\nnqn        = nqn.2014-08.org.example:cdc.main\n" +
    "persistent = force\ncontroller = transport=tcp;traddr=192.168.1.11;trsvcid=8009\n\n[Subsystem]\n" +
    "nqn           = nqn.2024-01.com.example:data.vol2\n" +
    "ctrl-loss-tmo = 1800            # override the default for this subsystem\n" +
    "controller    = transport=tcp;traddr=192.168.1.21;trsvcid=4420\n",
    2,
    1,
  ],
  [
    "[Discovery Controller Defaults]\nctrl-loss-tmo = -1\n\n[Discovery Controller]\n" +
    "controller = transport=tcp;traddr=192.0.2.1;trsvcid=4420;host-traddr=192.0.2.100\n" +
    "controller = transport=tcp;traddr=192.0.2.2;trsvcid=4420;host-traddr=192.0.2.100\n",
    2,
    0,
  ],
  [
    "[Subsystem]\nnqn           = nqn.2024-01.com.example:secure.vol1\ntls           = true\n" +
    "tls-key-identity = NVMe1R01 nqn.h nqn.s\nkeyring = .nvme\ncontroller    = transport=tcp;traddr=192.168.1.30;trsvcid=4420\n",
    0,
    1,
  ],
  [
    "[Subsystem]\nnqn = nqn.2014-08.org.nvmexpress:vol1\ncontroller = transport=tcp;traddr=storage.example.com;trsvcid=4420\n",
    0,
    1,
  ],
];

Deno.test("examples of the next generation are understood, and named as what they are", () => {
  for (const [source, dcs, iocs] of NEXT) {
    assert.equal(foreignFormat(source), "nvme-stas 3", source);
    const parsed = parseNextFile(source, "f");
    assert.deepEqual(say(parsed.findings).filter((one) => !one.startsWith("notice")), []);
    const found = importFile(source);
    assert.deepEqual([found?.stafd.length, found?.stacd.length, found?.lost], [dcs, iocs, []]);
  }
});

Deno.test("the daemons' own files of nvme-stas 3: each option is known, and what has another name has its advice", () => {
  const next = stafd(
    "[Global]\ntron=false\nignore-iface=false\nip-family=ipv4+ipv6\npleo=enabled\n[Service Discovery]\nzeroconf=enabled\n" +
      "[Discovery controller connection management]\nepcsd-poll-interval-minutes=15\ndc-giveup-timeout=72hours\n",
  );
  assert.equal(next.conf.zeroconfPersistence.value.ms, 72 * 3_600_000);
  assert.deepEqual(
    next.said.map((one) => /^(\w+ f:\d+:1: [a-z-]+ is a name of nvme-stas 3)/.exec(one)?.[1]),
    [
      "error f:9:1: epcsd-poll-interval-minutes is a name of nvme-stas 3",
      "warning f:10:1: dc-giveup-timeout is a name of nvme-stas 3",
    ],
  );
  const other = stacd(
    "[Global]\ntron=false\n[I/O controller connection management]\nhonor-fabric-zoning=yes\nconnect-attempts-on-ncc=0\n",
  );
  assert.equal(other.conf.disconnectScope.value, "only-stas-connections");
  assert.match(
    other.said.join("\n"),
    /^warning f:4:1: honor-fabric-zoning is a name of nvme-stas 3[^\n]*$/,
  );
});
