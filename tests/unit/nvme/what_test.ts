import assert from "node:assert/strict";
import { type Tid, tidText } from "../../../src/lib/nvme/tid.ts";
import { matcherOf, type Nameable, named } from "../../../src/lib/nvme/what.ts";

const NQN = "nqn.1992-08.com.example:array7:finance-lun-0001";

function one(over: Partial<Tid>, more: Partial<Nameable> = {}): Nameable {
  const tid: Tid = {
    transport: "tcp",
    traddr: "192.168.10.25",
    trsvcid: "4420",
    subsysnqn: NQN,
    hostTraddr: "",
    hostIface: "",
    hostNqn: "nqn.host",
    ...over,
  };
  return { tid, text: tidText(tid), device: "nvme3", namespaces: ["nvme0n1"], hosts: [], ...more };
}

const v4 = one({});
const v6 = one(
  { traddr: "2001:db8::7", subsysnqn: `${NQN}0`, hostIface: "eth1" },
  { device: "nvme4", namespaces: ["nvme0n1", "nvme0n11"] },
);
const local = one({ traddr: "fe80::1%eth0", trsvcid: "8009", subsysnqn: "nqn.dc" }, {
  device: "nvme5",
  namespaces: [],
  hosts: ["Storage.example"],
});
const fc = one(
  { transport: "fc", traddr: "nn-0x20:pn-0xAB", trsvcid: "", subsysnqn: "nqn.fc" },
  { device: "", namespaces: [] },
);
const all = [v4, v6, local, fc];

const found = (what: string): readonly Nameable[] => named(matcherOf(what), all, (nameable) => nameable);

Deno.test("every form that a tool prints, or that a person has at hand, names its controller and no other", () => {
  const forms: readonly (readonly [Nameable, readonly string[]])[] = [
    [v4, [
      "192.168.10.25",
      "192.168.10.25:4420",
      "::ffff:192.168.10.25",
      "[::ffff:192.168.10.25]:4420",
      "tcp 192.168.10.25:4420",
      "tcp 192.168.10.25 4420",
      "tcp 192.168.10.25",
      "nvme3",
      "/dev/nvme3",
      "nvme0c3n1",
      "/dev/nvme0c3n1",
      NQN,
      v4.text,
      "(tcp, 192.168.10.25, 4420",
      "(tcp,192.168.10.25,4420)",
      "  nvme3 ",
    ]],
    [v6, [
      "2001:DB8:0::7",
      "[2001:db8::7]",
      "[2001:db8::7]:4420",
      "tcp [2001:db8::7]:4420",
      "nvme0n11",
      "/dev/nvme0n11p2",
      "lun-00010",
      "(tcp, 2001:db8:0::7, 4420, eth1)",
    ]],
    [local, [
      "fe80::1",
      "[fe80::1%eth0]:8009",
      "storage.example",
      "storage.example:8009",
      "tcp STORAGE.example",
    ]],
    [fc, ["nn-0x20:pn-0xab", "fc nn-0x20,pn-0xAB", fc.text, "pn-0xAB"]],
  ];
  for (const [wanted, texts] of forms) {
    for (const text of texts) assert.deepEqual(found(text), [wanted], text);
  }
});

Deno.test("what several have in common names all of them, and an empty question everything", () => {
  assert.deepEqual(found("finance-lun"), [v4, v6]);
  assert.deepEqual(found("nvme0n1"), [v4, v6]);
  assert.deepEqual(found("/dev/nvme0n1p3"), [v4, v6]);
  assert.deepEqual(found(""), all);
});

Deno.test("a certain form is not a part: neighbours are not named", () => {
  for (
    const text of [
      "192.168.10.2",
      "192.168.10.25:442",
      "192.168.10.25:8009",
      "rdma 192.168.10.25:4420",
      "[2001:db8::7]:8009",
      "fe80::1%eth1",
      "nvme",
      "/dev/nvme",
      "nvme33",
      "nvme0n2",
      "nvme3c0n1",
      "storage.example:4420",
      "(tcp, 192.168.10.25, 8009)",
      "(tcp, 192.168.10.25, 4420, nqn.other)",
      `${NQN}9`,
      "[2001:db8::7",
      "no such thing",
    ]
  ) assert.deepEqual(found(text), [], text);
});
