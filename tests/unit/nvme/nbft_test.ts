import assert from "node:assert/strict";
import { decodeNbft, type Nbft } from "../../../src/lib/nvme/nbft.ts";
import { nbftTargets, parseDiscoveryUri } from "../../../src/lib/nvme/nbft_targets.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import { buildNbft, SAMPLE, sealed, type TableParts } from "./nbft_builder.ts";
import { interfaceTable } from "./samples.ts";

function decode(bytes: Uint8Array): Nbft {
  const nbft = decodeNbft(bytes);
  assert.ok(nbft.ok, JSON.stringify(nbft));
  return nbft.value;
}

function patched(
  change: (view: DataView, bytes: Uint8Array) => void,
  parts: TableParts = SAMPLE,
): Uint8Array {
  const bytes = buildNbft(parts);
  change(new DataView(bytes.buffer), bytes);
  return sealed(bytes);
}

Deno.test("TST-120: a table", () => {
  const nbft = decode(buildNbft(SAMPLE));
  assert.deepEqual(nbft.warnings, []);
  assert.deepEqual(nbft.host, {
    hostId: SAMPLE.hostId,
    nqn: SAMPLE.hostNqn,
    idConfigured: true,
    nqnConfigured: true,
    primary: 0,
  });
  assert.equal(nbft.hfis.length, 1);
  const [hfi] = nbft.hfis;
  assert.ok(hfi !== undefined);
  assert.deepEqual(
    [hfi.mac, hfi.ip, hfi.prefix, hfi.gateway, hfi.dns1, hfi.dhcpServer, hfi.vlan, hfi.defaultRoute],
    ["b0:26:28:e8:7c:0e", "100.71.245.232", 24, "100.71.245.254", "100.64.0.5", "100.71.245.254", 0, true],
  );
  assert.deepEqual(nbft.discovery, [{
    index: 1,
    hfiIndex: 1,
    securityIndex: 0,
    uri: "nvme+tcp://100.71.103.50:8009/",
    nqn: WELL_KNOWN_DISC_NQN,
  }]);
  assert.deepEqual(nbft.subsystems.map(({ traddr }) => traddr), ["100.71.103.48", "100.71.103.49"]);
  assert.deepEqual(nbft.subsystems.map(({ controllerId }) => controllerId), [5, 4166]);
  assert.deepEqual(nbft.subsystems.map(({ asqsz }) => asqsz), [0, 0]);
  assert.deepEqual(nbft.subsystems.map(({ hdrDigest, dataDigest }) => [hdrDigest, dataDigest]), [
    [true, false],
    [true, false],
  ]);
  assert.ok(nbft.subsystems.every(({ discovered, unavailable }) => discovered && !unavailable));
  assert.deepEqual(nbft.security.map(({ keyPath }) => keyPath), ["redfish://bmc.example/keys"]);
});

Deno.test("indexes refer, positions do not: lists with gaps and in any order (KRN-60)", () => {
  const hfi = (index: number) => ({ index, mac: [2, 0, 0, 0, 0, index], ip: `10.0.0.${index}` });
  const nbft = decode(buildNbft({
    ...SAMPLE,
    hfis: [hfi(7), hfi(3)],
    subsystems: [{
      index: 9,
      traddr: "fd00::1",
      trsvcid: "4420",
      nqn: "nqn.s",
      hfi: 7,
      moreHfis: [3, 0, 7, 5],
      flags: 0x111,
      asqsz: 31,
    }],
  }));
  assert.deepEqual(nbft.hfis.map(({ index }) => index), [3, 7]);
  assert.deepEqual(nbft.subsystems[0]?.hfiIndexes, [7, 3]);
  assert.equal(nbft.subsystems[0]?.unavailable, true);
  assert.equal(nbft.subsystems[0]?.asqsz, 31);
  assert.match(nbft.warnings.join(), /HFI 5, which does not exist/);
});

Deno.test("tables that lie are refused, with the place", () => {
  const bad: readonly (readonly [Uint8Array, number, RegExp])[] = [
    [new Uint8Array(0), 0, /0 bytes/],
    [new Uint8Array(127), 127, /127 bytes/],
    [new Uint8Array(2_000_000), 2_000_000, /2000000 bytes/],
    [patched((view) => view.setUint8(0, 0x4d)), 0, /signature/],
    [patched((view) => view.setUint8(8, 2)), 8, /revision 2/],
    [patched((view) => view.setUint32(4, 0xffff, true)), 4, /length 65535/],
    [patched((view) => view.setUint32(4, 100, true)), 4, /length 100/],
    [patched((view) => view.setUint32(40, 0xffff_ffff, true)), 36, /heap/],
    [patched((view) => view.setUint32(36, 10, true)), 36, /heap/],
    [patched((view) => view.setUint8(64, 9)), 64, /no control/],
    [patched((view) => view.setUint8(65, 2)), 64, /no control/],
    [patched((view) => view.setUint16(68, 63, true)), 64, /no control/],
    [patched((view) => view.setUint32(72, 0xffff_fff0, true)), 72, /host descriptor/],
    [patched((view) => view.setUint16(76, 31, true)), 72, /host descriptor/],
    [patched((view) => view.setUint32(80, 0xffff_fff0, true)), 80, /hfi/],
    [patched((view) => view.setUint16(92, 127, true)), 88, /subsystem/],
    [patched((view) => view.setUint8(95, 255)), 88, /subsystem/],
    [patched((view) => view.setUint32(104, 0, true)), 104, /discovery/],
  ];
  for (const [bytes, at, words] of bad) {
    const nbft = decodeNbft(bytes);
    assert.ok(!nbft.ok);
    assert.match(nbft.problem, words);
    assert.equal(nbft.at, at, nbft.problem);
  }
  const unsealed = buildNbft(SAMPLE);
  unsealed[9] = ((unsealed[9] ?? 0) + 1) % 256;
  const nbft = decodeNbft(unsealed);
  assert.ok(!nbft.ok && /checksum/.test(nbft.problem));
});

Deno.test("a single descriptor that lies is left out, with a warning", () => {
  const subsystemAt = 192;
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [patched((view) => view.setUint8(subsystemAt, 9)), /id 9 instead of 4/],
    [patched((view) => view.setUint8(subsystemAt + 5, 2)), /transport 2/],
    [patched((view) => view.setUint32(subsystemAt + 10, 0xffff_0000, true)), /not in the heap/],
    [patched((view) => view.setUint16(subsystemAt + 14, 4, true)), /4 bytes, not 16/],
    [patched((view) => view.setUint32(subsystemAt + 54, 64, true)), /NQN of subsystem 1.*not in the heap/],
    [
      patched((view, bytes) => bytes.set([0xff], view.getUint32(subsystemAt + 54, true))),
      /not text/,
    ],
  ];
  for (const [bytes, words] of cases) {
    const nbft = decode(bytes);
    assert.match(nbft.warnings.join("\n"), words);
    assert.ok(nbft.subsystems.length < 2);
  }
  const invalid = decode(patched((view) => view.setUint16(subsystemAt + 3, 0, true)));
  assert.deepEqual([invalid.subsystems.length, invalid.warnings], [1, []], "not valid is no lie");
  const noInfo = decode(patched((view) => view.setUint16(160 + 20, 64, true)));
  assert.equal(noInfo.hfis.length, 0);
  assert.equal(noInfo.subsystems.length, 2, "what the host runs from is still protected");
  const otherHfi = decode(patched((view) => view.setUint8(view.getUint32(160 + 16, true) + 4, 2)));
  assert.equal(otherHfi.hfis.length, 0, "information of another HFI");
  assert.match(otherHfi.warnings.join(), /of another HFI/);
  const smallHeap = decode(patched((view) => view.setUint32(40, 8, true)));
  assert.deepEqual([smallHeap.hfis, smallHeap.subsystems, smallHeap.discovery], [[], [], []]);
  assert.equal(smallHeap.host, undefined, "its NQN begins in the heap and ends behind it");
  assert.match(smallHeap.warnings.join(), /address of subsystem 1: 16 bytes at \d+ are not in the heap/);
  const voided = decode(patched((view) => view.setUint8(70, 0)));
  assert.deepEqual([voided.subsystems, voided.discovery], [[], []]);
  const noHost = decode(patched((view) => view.setUint8(128, 9)));
  assert.equal(noHost.host, undefined);
  assert.equal(noHost.subsystems.length, 2);
});

const links = interfaceTable({
  lo: { mac: "00:00:00:00:00:00" },
  eth0: { mac: "b0:26:28:e8:7c:0e" },
  "eth0.5": { mac: "b0:26:28:e8:7c:0e", vlan: 5 },
});

Deno.test("requirements 20: targets", () => {
  const targets = nbftTargets(decode(buildNbft(SAMPLE)), links, "nqn.system");
  assert.deepEqual(targets.warnings, []);
  assert.deepEqual(targets.discovery, [{
    tid: {
      transport: "tcp",
      traddr: "100.71.103.50",
      trsvcid: "8009",
      subsysnqn: WELL_KNOWN_DISC_NQN,
      hostTraddr: "",
      hostIface: "eth0",
      hostNqn: SAMPLE.hostNqn,
    },
    hostId: SAMPLE.hostId,
  }]);
  assert.deepEqual(targets.boot.map(({ tid, hdrDigest }) => [tid.traddr, tid.hostIface, hdrDigest]), [
    ["100.71.103.48", "eth0", true],
    ["100.71.103.49", "eth0", true],
  ]);
});

Deno.test("host NQN and Host ID go together; VLAN and unknown interfaces", () => {
  const of = (change: Partial<TableParts>) => {
    const [dc] = nbftTargets(decode(buildNbft({ ...SAMPLE, ...change })), links, "nqn.system").discovery;
    assert.ok(dc !== undefined);
    return [dc.tid.hostNqn, dc.hostId, dc.tid.hostIface];
  };
  const mac = [0xb0, 0x26, 0x28, 0xe8, 0x7c, 0x0e];
  assert.deepEqual(of({ hostFlags: 3 }), ["nqn.system", "", "eth0"], "a Host ID without its NQN is not used");
  assert.deepEqual(of({ hostFlags: 5 }), [SAMPLE.hostNqn, "", "eth0"]);
  assert.equal(of({ hfis: [{ index: 1, mac, ip: "10.0.0.1", vlan: 5 }] })[2], "eth0.5");
  assert.equal(of({ hfis: [{ index: 1, mac: [0, 0, 0, 0, 0, 0], ip: "10.0.0.1" }] })[2], "");
  assert.equal(of({ hfis: [] })[2], "");
});

Deno.test("discovery URIs", () => {
  const ok: readonly (readonly [string, string])[] = [
    ["nvme+tcp://100.71.103.50:8009/", "tcp 100.71.103.50 8009"],
    ["nvme+tcp://[4321:BBBB::1]:4420/", "tcp 4321:bbbb::1 4420"],
    ["NVME+TCP://Host.Example", "tcp host.example "],
    ["nvme+rdma://10.0.0.1:/x?y#z", "rdma 10.0.0.1 "],
    ["nvme+tcp://[fe80::1%25eth0]/", "tcp fe80::1%eth0 "],
  ];
  for (const [uri, expected] of ok) {
    const found = parseDiscoveryUri(uri);
    assert.equal(`${found?.transport} ${found?.host} ${found?.port}`, expected);
  }
  const bad = [
    "",
    "http://10.0.0.1/",
    "nvme+pcie://x/",
    "nvme+tcp://",
    "nvme+tcp://:8009/",
    "nvme+tcp://u@h/",
    "nvme+tcp://h:99999/",
    "nvme+tcp://h:0/",
    "nvme+tcp://h:8009:1/",
    "nvme+tcp://[::1/",
    "nvme+tcp://h /",
    " nvme+tcp://h/",
  ];
  for (const uri of bad) assert.equal(parseDiscoveryUri(uri), undefined, uri);
  const entries = [{ index: 1, hfi: 1, uri: "" }, { index: 2, hfi: 1, uri: "nvme+tcp://10.0.0.1/" }];
  const targets = nbftTargets(decode(buildNbft({ ...SAMPLE, discovery: entries })), links, "nqn.system");
  assert.equal(targets.discovery.length, 1);
  assert.equal(targets.discovery[0]?.tid.trsvcid, "8009");
  assert.match(targets.warnings.join(), /entry 1 is skipped/);
});

Deno.test("the flags of an interface, and what only the second revision of its information has", () => {
  const hfi = (flags: number, revision: number) => {
    const bytes = patched((view) => {
      const info = view.getUint32(view.getUint32(80, true) + 16, true);
      view.setUint8(info + 3, revision);
      view.setUint8(info + 6, flags);
      view.setUint8(info + 116, 7);
    });
    const [only] = decode(bytes).hfis;
    assert.ok(only !== undefined);
    return [only.defaultRoute, only.dhcpOverride, only.dhcpServer, only.pcieSegment];
  };
  assert.deepEqual(hfi(1, 1), [false, false, "", 0]);
  assert.deepEqual(hfi(1 | 2, 1), [true, false, "", 0]);
  assert.deepEqual(hfi(1 | 4, 1), [false, true, "100.71.245.254", 0]);
  assert.deepEqual(hfi(1 | 8, 2), [false, false, "", 7]);
});
