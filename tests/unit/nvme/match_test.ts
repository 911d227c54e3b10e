import assert from "node:assert/strict";
import {
  classify,
  interfaceOf,
  interfaceOfMac,
  isUnfinished,
  isUntold,
  kernelTid,
  matches,
  matchIndexKey,
} from "../../../src/lib/nvme/match.ts";
import {
  normaliseTid,
  tidFromFields,
  type TidParts,
  WELL_KNOWN_DISC_NQN,
} from "../../../src/lib/nvme/tid.ts";
import { interfaceTable, kernelCtrl } from "./samples.ts";
import { list, record, text, texts, vector } from "./vectors.ts";

const make = (parts: TidParts) => normaliseTid(parts, { hostNqn: "nqn.host", ignoreIface: false });
const file = record(vector("tid-match"));
const table = interfaceTable(Object.fromEntries(
  Object.entries(record(file["interfaces"])).map(([name, row]) => {
    const families = record(row);
    return [name, { v4: list(families["4"]).map(text), v6: list(families["6"]).map(text) }];
  }),
));

for (const row of list(file["cases"]).map(record)) {
  Deno.test(`vector tid-match: ${text(row["name"])}`, () => {
    const cid = texts(row["cid"]);
    const tid = tidFromFields(texts(row["tid"]), {
      hostNqn: text(file["host_nqn_of_sysconf"]),
      ignoreIface: false,
    });
    const ctrl = kernelCtrl({
      transport: cid["transport"] ?? "",
      traddr: cid["traddr"] ?? "",
      trsvcid: cid["trsvcid"] ?? "",
      subsysnqn: cid["subsysnqn"] ?? "",
      hostNqn: cid["host-nqn"] ?? "",
      hostTraddr: cid["host-traddr"] ?? "",
      hostIface: cid["host-iface"] ?? "",
      srcAddr: cid["src-addr"] ?? "",
    });
    const expected = row["recommended"] ?? (row["expect"] === true);
    assert.equal(tid !== undefined && matches(tid, ctrl, table), expected);
    if (tid !== undefined && expected === true) assert.equal(matchIndexKey(tid), matchIndexKey(ctrl));
  });
}

Deno.test("TST-50 to 55: for each local address, with src-addr and without", () => {
  for (const [name, { v4, v6 }] of table) {
    for (const source of [...v4, ...v6]) {
      for (const srcAddr of [source, ""]) {
        const target = source.includes(":") ? "fe80::AAAA:BBBB:cccc:dddd" : "10.0.0.99";
        const ctrl = kernelCtrl({
          traddr: target,
          subsysnqn: "hello",
          hostTraddr: source,
          hostIface: name,
          srcAddr,
        });
        const base: TidParts = {
          transport: "tcp",
          traddr: target.replace("fe80", "FE80").replace("BBBB", "bbbb"),
          subsysnqn: "hello",
          hostTraddr: source,
          hostIface: name,
        };
        const match = (change: Partial<TidParts>) => matches(make({ ...base, ...change }), ctrl, table);
        assert.ok(match({}));
        assert.ok(match({ hostTraddr: "" }));
        assert.ok(match({ hostIface: "" }));
        assert.ok(match({ hostTraddr: "", hostIface: "" }));
        assert.ok(!match({ transport: "rdma" }));
        assert.ok(!match({ traddr: "10.0.0.98" }));
        assert.ok(!match({ trsvcid: "8010" }));
        assert.ok(!match({ subsysnqn: "bob" }));
        assert.ok(!match({ hostTraddr: "255.255.255.255" }));
        assert.ok(!match({ hostIface: "blah" }));
      }
    }
  }
});

Deno.test("TID-18: the scope of an address is its interface", () => {
  const ctrl = kernelCtrl({ traddr: "fe80::1", srcAddr: "fe80::6" });
  const scoped = (traddr: string) =>
    matches(make({ transport: "tcp", traddr, subsysnqn: "nqn.s" }), ctrl, table);
  assert.ok(scoped("fe80::1"));
  assert.ok(scoped("fe80::1%eth1"));
  assert.ok(scoped("fe80::1%3"), "eth1 has index 3");
  assert.ok(!scoped("fe80::1%eth0"));
  assert.ok(!scoped("fe80::1%2"));
  const legacy = kernelCtrl({ traddr: "fe80::1%eth1" });
  const wanted = make({ transport: "tcp", traddr: "fe80::1", subsysnqn: "nqn.s", hostIface: "eth0" });
  assert.ok(!matches(wanted, legacy, table), "the kernel's own scope counts as well");
});

Deno.test("TID-44 overruled: what the kernel was told matches before the source address is asked", () => {
  const links = interfaceTable({
    lo: { v4: ["127.0.0.1", "10.9.9.9"] },
    fab0: { v4: ["10.0.0.5"], v6: ["fe80::5"] },
    "fab0.7": { v4: ["10.0.7.5"], v6: ["fe80::5"] },
    fab1: { v4: ["10.1.0.5"] },
  });
  const wanted = (hostIface: string, more: Partial<TidParts> = {}) =>
    make({ transport: "tcp", traddr: "10.0.0.1", subsysnqn: "nqn.s", hostIface, ...more });
  const is = (tid: ReturnType<typeof wanted>, ctrl: Parameters<typeof kernelCtrl>[0]) =>
    matches(tid, kernelCtrl(ctrl), links);
  // An altname, a VRF, and an address of `lo`: the source address belongs to another name.
  for (
    const [hostIface = "", srcAddr = ""] of [["enp1s0np0", "10.0.0.5"], ["blue", "10.0.0.5"], [
      "fab1",
      "10.9.9.9",
    ]]
  ) {
    assert.ok(is(wanted(hostIface), { hostIface, srcAddr }), hostIface);
  }
  // Found by mDNS on the interface itself: the source address still tells.
  assert.ok(is(wanted("fab0"), { hostIface: "enp1s0np0", srcAddr: "10.0.0.5" }));
  assert.ok(is(wanted("fab0"), { srcAddr: "10.0.0.5" }));
  assert.ok(!is(wanted("fab1"), { hostIface: "fab0", srcAddr: "10.9.9.9" }), "sent from lo, but by fab0");
  // One fe80:: address on a VLAN and its parent: the other one's connection is not ours.
  for (const [one, other] of [["fab0", "fab0.7"], ["fab0.7", "fab0"]]) {
    assert.ok(is(wanted(one ?? ""), { hostIface: one ?? "", srcAddr: "fe80::5" }), one);
    assert.ok(!is(wanted(other ?? ""), { hostIface: one ?? "", srcAddr: "fe80::5" }), one);
  }
  // The same for the source address that the kernel was told, and each of the two is looked at by itself.
  assert.ok(is(wanted("", { hostTraddr: "10.9.9.9" }), { hostTraddr: "10.9.9.9", srcAddr: "10.0.0.5" }));
  assert.ok(
    !is(wanted("fab0", { hostTraddr: "10.1.0.5" }), { hostIface: "fab0", srcAddr: "10.0.0.5" }),
  );
  assert.ok(
    !is(wanted("fab1", { hostTraddr: "10.0.0.5" }), { hostTraddr: "10.0.0.5", srcAddr: "10.0.0.5" }),
  );
});

Deno.test("TID-49: a source address that is none matches nothing", () => {
  const candidate = make({ transport: "tcp", traddr: "10.0.0.1", subsysnqn: "nqn.s", hostTraddr: "x" });
  for (const ctrl of [kernelCtrl(), kernelCtrl({ srcAddr: "10.0.0.5" }), kernelCtrl({ hostIface: "eth0" })]) {
    assert.ok(!matches(candidate, ctrl, table));
  }
});

Deno.test("fc and loop", () => {
  const fc = kernelCtrl({
    transport: "fc",
    traddr: "nn-0xab:pn-0xcd",
    trsvcid: "",
    hostTraddr: "nn-0x1:pn-0x2",
  });
  const parts: TidParts = {
    transport: "fc",
    traddr: "NN-0xAB,pn-0xcd",
    subsysnqn: "nqn.s",
    hostTraddr: "nn-0x1:PN-0x2",
  };
  assert.ok(matches(make(parts), fc, table));
  assert.ok(!matches(make({ ...parts, hostTraddr: "nn-0x1:pn-0x3" }), fc, table));
  const loop = kernelCtrl({ transport: "loop", traddr: "", trsvcid: "" });
  assert.ok(matches(make({ transport: "loop", subsysnqn: "nqn.s" }), loop, table));
  assert.ok(!matches(make({ transport: "loop", traddr: "x", subsysnqn: "nqn.s" }), loop, table));
});

Deno.test("classification of devices (TID-30, TID-31)", () => {
  const of = (subsysnqn: string, cntrltype: string, hasChildren: boolean, queues?: number) =>
    classify({ subsysnqn, cntrltype, hasChildren, queues });
  const dc = { isDc: true, isIoc: false };
  const io = { isDc: false, isIoc: true };
  const untold = { isDc: false, isIoc: false };
  assert.deepEqual(of("", "", true), io);
  assert.deepEqual(of(WELL_KNOWN_DISC_NQN, "", true), { isDc: true, isIoc: true });
  assert.deepEqual(of("", "discovery", true), { isDc: true, isIoc: true });
  // No children, no type: it may be an I/O controller without namespaces (TID-30 (c) would call it a discovery controller).
  assert.deepEqual(of("", "", false), untold);
  assert.deepEqual(of("nqn.io", "", false, 1), untold);
  assert.deepEqual(of("", "io", false), io);
  // While it is being set up, and for good where the controller does not tell its type.
  assert.deepEqual(of("", "reserved", false), untold);
  assert.deepEqual(of("", "reserved", true), io);
  // More than the one queue for administration.
  assert.deepEqual([of("nqn.io", "", false, 2), of("nqn.io", "reserved", false, 9)], [io, io]);
  assert.deepEqual([of("nqn.dc", "discovery", false, 9), of("nqn.a", "admin", false, 9)], [dc, untold]);
  // The type goes before the NQN, the NQN before nothing.
  assert.deepEqual(of(WELL_KNOWN_DISC_NQN, "io", false), io);
  assert.deepEqual([of(WELL_KNOWN_DISC_NQN, "", false), of(WELL_KNOWN_DISC_NQN, "reserved", false, 1)], [
    dc,
    dc,
  ]);
});

Deno.test("untold: a fabrics controller of which neither type nor NQN nor queues say what it is", () => {
  const ctrl = kernelCtrl({ transport: "tcp", cntrltype: "", isDc: false, isIoc: false });
  assert.ok(isUntold(ctrl) && isUntold({ ...ctrl, cntrltype: "reserved" }));
  for (const told of [{ isDc: true }, { isIoc: true }, { cntrltype: "admin" }, { transport: "pcie" }]) {
    assert.ok(!isUntold({ ...ctrl, ...told }), JSON.stringify(told));
  }
});

Deno.test("unfinished: a fabrics controller without a subsystem that is neither live nor being deleted", () => {
  const ctrl = kernelCtrl({ transport: "fc", subsysnqn: "", state: "connecting" });
  assert.ok(isUnfinished(ctrl) && isUnfinished({ ...ctrl, state: "new" }));
  const over = [
    { subsysnqn: "nqn.a" },
    { state: "live" },
    { state: "deleting (no IO)" },
    { transport: "pcie" },
  ] as const;
  for (const done of over) {
    assert.ok(!isUnfinished({ ...ctrl, ...done }), JSON.stringify(done));
  }
});

Deno.test("TID-24, TID-25: interface of an address and of a MAC", () => {
  assert.equal(interfaceOf("::ffff:10.0.0.6", table), "eth0");
  assert.equal(interfaceOf("FD00:0::5", table), "eth0");
  for (const none of ["255.255.255.255", "", "eth0"]) assert.equal(interfaceOf(none, table), "");
  const links = interfaceTable({
    eth0: { mac: "AA:bb:cc:dd:ee:ff" },
    "eth0.7": { mac: "aa:bb:cc:dd:ee:ff", vlan: 7 },
    "eth0.8": { mac: "aa:bb:cc:dd:ee:ff", vlan: 8 },
  });
  assert.equal(interfaceOfMac("aa:bb:cc:dd:ee:FF", 0, links), "eth0");
  assert.equal(interfaceOfMac("aa:bb:cc:dd:ee:ff", 8, links), "eth0.8");
  assert.equal(interfaceOfMac("aa:bb:cc:dd:ee:ff", 9, links), "eth0");
  assert.equal(interfaceOfMac("00:bb:cc:dd:ee:ff", 0, links), "");
});

Deno.test("TID-55, TID-56: tids of connections", () => {
  const ctrl = kernelCtrl({ srcAddr: "10.1.0.5" });
  assert.equal(kernelTid(ctrl, table)?.hostIface, "eth1");
  assert.equal(kernelTid({ ...ctrl, hostIface: "eth7" }, table)?.hostIface, "eth7");
  assert.equal(kernelTid({ ...ctrl, transport: "rdma" }, table)?.hostIface, "");
  assert.equal(kernelTid({ ...ctrl, transport: "pcie" }, table), undefined);
  assert.equal(kernelTid({ ...ctrl, hostNqn: "" }, table)?.hostNqn, "");
});
