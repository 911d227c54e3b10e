/** Fuzzers of the text formats of the vocabulary. */
import assert from "node:assert/strict";
import { canonicalIp, parseIp, sameAddress } from "../../src/lib/nvme/address.ts";
import { parseAen } from "../../src/lib/nvme/aen.ts";
import { connectFailure } from "../../src/lib/nvme/errno.ts";
import { exclusionOf, parseExclusions } from "../../src/lib/nvme/exclusions.ts";
import { encodeConnect, parseConnectReply } from "../../src/lib/nvme/fabrics_options.ts";
import { uuidFromDeviceTree, uuidFromDmi, uuidFromMachineId } from "../../src/lib/nvme/host_nqn.ts";
import {
  assumedSupport,
  compareVersions,
  kernelSupport,
  parseKernelVersion,
} from "../../src/lib/nvme/kernel_version.ts";
import { identifyService, parseTxt } from "../../src/lib/nvme/mdns_txt.ts";
import { parseDiscoveryUri } from "../../src/lib/nvme/nbft_targets.ts";
import { parseOwner } from "../../src/lib/nvme/registry.ts";
import { kernelCtrlFromSysfs } from "../../src/lib/nvme/sysfs_ctrl.ts";
import {
  isTransport,
  normaliseTid,
  tidFields,
  tidFromFields,
  tidKey,
  tidText,
} from "../../src/lib/nvme/tid.ts";
import { bytesOf, type Fuzzer, kindOf, kindsOf, textFuzzer } from "./fuzzer.ts";
import { checkRefusal, few } from "./oracle.ts";

const defaults = { hostNqn: "nqn.h", ignoreIface: false };
const HOST_ID = "44454c4c-3400-1036-8038-b2c04f313233";

const address = textFuzzer(
  "address",
  ["10.0.0.1", "fe80::1%eth0", "::ffff:10.0.0.1", "1:2:3:4:5:6:7:8", "64:ff9b::192.0.2.33"],
  (text) => {
    const ip = parseIp(text);
    const canonical = canonicalIp(text);
    assert.equal(ip === undefined, canonical === undefined);
    if (ip === undefined || canonical === undefined) return "none";
    assert.equal(canonicalIp(canonical), canonical);
    assert.ok(sameAddress(text, ip.text));
    assert.doesNotMatch(ip.scope, /[\s,%/]/);
    return `${ip.family} ${ip.scope !== ""} ${canonical === text} ${few(canonical.split("::").length)}`;
  },
);

/** Fields separated by bars: transport, traddr, trsvcid, subsysnqn, host-traddr, host-iface, host-nqn. */
const tid = textFuzzer(
  "tid",
  ["tcp|fe80::1%eth0|8009|nqn.s||eth1", "fc|nn-0x1,pn-0x2||nqn.s|nn-0x3:pn-0x4", "rdma|10.0.0.1"],
  (text) => {
    const [transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn] = text.split("|");
    const fields = {
      transport,
      traddr,
      trsvcid,
      subsysnqn,
      "host-traddr": hostTraddr,
      "host-iface": hostIface,
      "host-nqn": hostNqn,
    };
    const one = tidFromFields(fields, defaults);
    if (one === undefined) return `not ${isTransport(transport ?? "")}`;
    const again = tidFromFields(tidFields(one), defaults);
    assert.deepEqual(again, one);
    assert.ok(tidText(one).startsWith(`(${one.transport}, `));
    return `${one.transport} ${tidKey(one).includes(one.traddr)}`;
  },
);

/** The connect text of a tid from anywhere: no option but those asked for. */
const connect = textFuzzer(
  "connect-text",
  [
    "tcp|10.0.0.1|8009|nqn.s|10.0.0.5|eth0|nqn.h",
    "loop|||nqn.s",
    "tcp|fe80::1%eth0|4420|nqn.2014-08",
  ],
  (text) => {
    const [transport = "", traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn, hostId] = text.split(
      "|",
    );
    if (!isTransport(transport)) return "transport";
    const wanted = normaliseTid(
      { transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn },
      defaults,
    );
    const encoded = encodeConnect({
      tid: wanted,
      hostId: hostId ?? HOST_ID,
      discovery: true,
      options: { kato: 30 },
      keys: {},
    }, assumedSupport("6.1"));
    if (!encoded.ok) return kindOf(encoded.failure.message);
    const names = encoded.text.split(/[,\n]/).map((item) => item.split("=", 1)[0] ?? "");
    const allowed = [
      "nqn",
      "transport",
      "traddr",
      "host_traddr",
      "host_iface",
      "trsvcid",
      "hostnqn",
      "hostid",
      "discovery",
      "keep_alive_tmo",
    ];
    assert.deepEqual(names, allowed.filter((name) => names.includes(name)));
    assert.ok(encoded.text.startsWith(`nqn=${wanted.subsysnqn},transport=${transport}`));
    return `ok ${names.join()} ${encoded.dropped.join()}`;
  },
);

const reply = textFuzzer(
  "connect-reply",
  ["instance=3,cntlid=7\n", "instance=%d,cntlid=%d,transport=%s"],
  (text) => {
    const parsed = parseConnectReply(text);
    if (!parsed.ok) {
      checkRefusal(parsed, text.length);
      return "refused";
    }
    assert.equal(
      text.trimEnd(),
      `instance=${text.match(/\d+/)?.[0]},cntlid=${text.match(/\d+\s*$/)?.[0].trim()}`,
    );
    assert.ok(Number.isSafeInteger(parsed.value.instance) && parsed.value.cntlid >= 0);
    return "ok";
  },
);

const support = textFuzzer(
  "fabrics-support",
  ["5.14.0-rc1\ninstance=-1,cntlid=-1,transport=%s,traddr=%s,nqn=%s,discovery,tls\n", "6.1\nhost_iface=%s"],
  (text) => {
    const [release = "", ...list] = text.split("\n");
    const version = parseKernelVersion(release);
    assert.equal(compareVersions(version, version), 0);
    const names = kernelSupport(release, list.join("\n"));
    for (const name of names) assert.match(name, /^[a-z0-9_]+$/);
    assert.ok(names.has("nqn") && names.has("transport") && names.has("traddr"));
    return kindsOf(
      `version ${few(version.length)}`,
      ...["tls", "discovery", "hostnqn"].map((name) => `${name} ${names.has(name)}`),
    );
  },
);

/** The first line is the `address` attribute, the second the NQN, the rest the uevent file. */
const sysfs = textFuzzer(
  "sysfs-ctrl",
  [
    "traddr=10.0.0.1,trsvcid=8009,src_addr=10.0.0.5\nnqn.s\nNVME_TRTYPE=tcp\nNVME_TRADDR=10.0.0.1\nNVME_HOST_IFACE=none\n",
    "traddr=nn-0x1,pn-0x2,host_traddr=x\nnone\n",
  ],
  (text) => {
    const [attribute = "", subsysnqn = "", ...uevent] = text.split("\n");
    const ctrl = kernelCtrlFromSysfs({
      device: "nvme0",
      incarnation: 1,
      uevent: uevent.join("\n"),
      attributes: { address: attribute, subsysnqn },
      hasChildren: false,
      namespaces: [],
      owner: "",
    });
    for (const value of [ctrl.transport, ctrl.traddr, ctrl.trsvcid, ctrl.subsysnqn, ctrl.srcAddr]) {
      assert.equal(value, value.trim());
      assert.doesNotMatch(value, /^none$/i);
    }
    return [ctrl.transport, ctrl.traddr, ctrl.srcAddr, ctrl.hostIface].map((value) => value !== "").join();
  },
);

/** Keys and values by turns, separated by bars. */
/** Records separated by line ends, as bytes: they need not be text. */
const mdnsTxt: Fuzzer = {
  name: "mdns-txt",
  seeds: ["NqN=nqn.x\np=tcp", "p=roce\n=\nblah\na=b=c", "nqn= nqn.x \np="].map(bytesOf),
  run: (input) => {
    const records: Uint8Array[] = [];
    let start = 0;
    for (let end = input.indexOf(10); end >= 0; end = input.indexOf(10, start)) {
      records.push(input.subarray(start, end));
      start = end + 1;
    }
    records.push(input.subarray(start));
    for (const [key, value] of parseTxt(records)) {
      assert.equal(key, key.toLowerCase());
      assert.doesNotMatch(key + value, /[=\p{Cc}]/u);
    }
    const found = identifyService(records, "_nvme-disc._tcp");
    if (!found.ok) {
      assert.doesNotMatch(found.problem, /\p{Cc}/u);
      return kindOf(found.problem);
    }
    assert.ok(found.nqn !== "" && !found.nqn.includes(",") && found.nqn.length <= 223);
    return `${found.transport} ${found.notice !== undefined} ${found.nqn.startsWith("nqn.2014-08")}`;
  },
};

const exclusions = textFuzzer(
  "exclusions",
  [
    "[exclusions]\nexclusion = transport=tcp;traddr=10.0.0.1\n",
    "# c\n[exclusions]\nexclusion=nqn=x\nexclusion=a=b\n",
  ],
  (text) => {
    const { entries, problems } = parseExclusions(text, "file");
    const lines = text.split("\n").length;
    for (const { line, column, message } of problems) {
      assert.ok(line >= 1 && line <= lines && column >= 1);
      assert.ok(message.startsWith(`file:${line}:${column}: `));
      assert.doesNotMatch(message, /\p{Cc}/u);
    }
    assert.ok(
      entries.every(({ fields }) => fields.size > 0),
      "an entry without fields would exclude everything",
    );
    const one = normaliseTid({ transport: "tcp", traddr: "10.0.0.1", subsysnqn: "x" }, defaults);
    const hit = exclusionOf(one, HOST_ID, entries);
    return kindsOf(
      `entries ${few(entries.length)}`,
      `hit ${hit !== undefined}`,
      ...problems.map(({ message }) => kindOf(message)),
    );
  },
);

const owners = textFuzzer("owner-file", ["stas\n", "nbft", "12345\n"], (text) => {
  const owner = parseOwner(text);
  assert.match(owner, /^[!-~]{0,64}$/);
  return String(owner !== "");
});

const uri = textFuzzer(
  "discovery-uri",
  ["nvme+tcp://10.0.0.1:8009/", "nvme+tcp://[fe80::1%25eth0]/x", "nvme+rdma://host"],
  (text) => {
    const found = parseDiscoveryUri(text);
    if (found === undefined) return "none";
    assert.ok(found.host !== "" && found.host === found.host.toLowerCase());
    assert.doesNotMatch(found.host, /[[\]\s/@]/);
    assert.ok(found.port === "" || Number(found.port) >= 1 && Number(found.port) <= 65_535);
    return `${found.transport} ${found.port !== ""} ${parseIp(found.host)?.family}`;
  },
);

const hostNqn = textFuzzer(
  "host-nqn",
  ["0123456789abcdef0123456789abcdef\n", HOST_ID, "nqn.2014-08.org.nvmexpress:uuid:x"],
  (text) => {
    const zeros = () => new Uint8Array(32);
    const uuids = [uuidFromMachineId(text, zeros), uuidFromDmi(text), uuidFromDeviceTree(text)];
    for (const uuid of uuids) {
      if (uuid !== undefined) assert.match(uuid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
    }
    return uuids.map((uuid) => uuid !== undefined).join();
  },
);

const kernelLine = textFuzzer("kernel-line", ["nvme nvme1: Connect ... ret=16772", "x ret=-5"], (text) => {
  const failure = connectFailure("EIO", text.split("\n"));
  assert.doesNotMatch(failure.message, /\p{Cc}/u);
  assert.ok(failure.status === undefined || failure.status > 0 && failure.status <= 0x7fff);
  const aen = parseAen(text);
  assert.ok(aen === undefined || aen >= 0 && aen <= 0xffff_ffff);
  return `${failure.kind} ${failure.status !== undefined} ${aen !== undefined}`;
});

export const fuzzers: readonly Fuzzer[] = [
  address,
  tid,
  connect,
  reply,
  support,
  sysfs,
  mdnsTxt,
  exclusions,
  owners,
  uri,
  hostNqn,
  kernelLine,
];
