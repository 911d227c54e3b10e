import assert from "node:assert/strict";
import {
  defaultTrsvcid,
  isTransport,
  normaliseTid,
  type Tid,
  tidFields,
  tidFromFields,
  tidKey,
  type TidParts,
  tidText,
  WELL_KNOWN_DISC_NQN,
} from "../../../src/lib/nvme/tid.ts";

const make = (parts: TidParts): Tid => normaliseTid(parts, { hostNqn: "nqn.host", ignoreIface: false });

Deno.test("TID-1 to TID-4: defaults", () => {
  assert.deepEqual(make({ transport: "tcp" }), {
    transport: "tcp",
    traddr: "",
    trsvcid: "8009",
    subsysnqn: "",
    hostTraddr: "",
    hostIface: "",
    hostNqn: "nqn.host",
  });
  assert.equal(make({ transport: "rdma", trsvcid: "" }).trsvcid, "4420");
  assert.equal(make({ transport: "fc", trsvcid: "8009" }).trsvcid, "");
  assert.equal(make({ transport: "loop", trsvcid: "1" }).trsvcid, "");
  assert.equal(make({ transport: "tcp", hostNqn: "" }).hostNqn, "", "an explicitly empty one stays empty");
  const ignoring = { hostNqn: "", ignoreIface: true };
  assert.equal(normaliseTid({ transport: "tcp", hostIface: "eth0" }, ignoring).hostIface, "");
  assert.equal(make({ transport: "tcp", traddr: "FE80::1" }).traddr, "FE80::1", "kept as written");
});

Deno.test("TID-11: text", () => {
  const full = {
    transport: "tcp" as const,
    traddr: "10.10.10.10",
    trsvcid: "8009",
    subsysnqn: "nqn.1988-11.com.dell:SFSS:2:20220208134025e8",
    hostIface: "wlp0s20f3",
    hostTraddr: "1.2.3.4",
  };
  assert.equal(
    tidText(make(full)),
    "(tcp, 10.10.10.10, 8009, nqn.1988-11.com.dell:SFSS:2:20220208134025e8, wlp0s20f3, 1.2.3.4)",
  );
  assert.equal(
    tidText(make({ transport: "rdma", traddr: "127.0.0.1", subsysnqn: WELL_KNOWN_DISC_NQN })),
    "(rdma, 127.0.0.1, 4420, nqn.2014-08.org.nvmexpress.discovery)",
  );
  assert.equal(tidText(make({ transport: "tcp", traddr: "1.1.1.1" })), "(tcp, 1.1.1.1, 8009)");
  assert.equal(
    tidText(make({ transport: "fc", traddr: "nn-0x1:pn-0x2", subsysnqn: "n" })),
    "(fc, nn-0x1:pn-0x2, , n)",
  );
});

Deno.test("identity compares addresses in canonical form (DEC-11, TID-18)", () => {
  const same: readonly (readonly [TidParts, TidParts])[] = [
    [{ transport: "tcp", traddr: "FE80::1" }, { transport: "tcp", traddr: "fe80:0::1" }],
    [{ transport: "rdma", traddr: "::ffff:10.0.0.1" }, { transport: "rdma", traddr: "10.0.0.1" }],
    [{ transport: "tcp", traddr: "fe80::1%eth0" }, {
      transport: "tcp",
      traddr: "fe80::1",
      hostIface: "eth0",
    }],
    [{ transport: "tcp", hostTraddr: "::ffff:1.2.3.4" }, { transport: "tcp", hostTraddr: "1.2.3.4" }],
    [{ transport: "fc", traddr: "NN-0xA,PN-0xB" }, { transport: "fc", traddr: "nn-0xa:pn-0xb" }],
    [{ transport: "tcp", trsvcid: "8009" }, { transport: "tcp" }],
  ];
  for (const [a, b] of same) assert.equal(tidKey(make(a)), tidKey(make(b)));
});

Deno.test("identity: every field counts (TID-7)", () => {
  const base: TidParts = {
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: "8009",
    subsysnqn: "nqn.s",
    hostTraddr: "10.0.0.5",
    hostIface: "eth0",
    hostNqn: "nqn.h",
  };
  const others: readonly TidParts[] = [
    { ...base, transport: "rdma" },
    { ...base, traddr: "10.0.0.2" },
    { ...base, trsvcid: "4420" },
    { ...base, subsysnqn: "nqn.S" },
    { ...base, hostTraddr: "10.0.0.6" },
    { ...base, hostTraddr: "" },
    { ...base, hostIface: "eth1" },
    { ...base, hostIface: "" },
    { ...base, hostNqn: "nqn.H" },
    { ...base, hostNqn: "" },
  ];
  const keys = new Set([base, ...others].map((parts) => tidKey(make(parts))));
  assert.equal(keys.size, others.length + 1);
  // A text from a peer cannot imitate a boundary between two fields.
  const a = make({ transport: "tcp", subsysnqn: 'x","y', hostTraddr: "" });
  const b = make({ transport: "tcp", subsysnqn: "x", hostTraddr: "y" });
  assert.notEqual(tidKey(a), tidKey(b));
});

Deno.test("TID-12: dictionary form", () => {
  const tid = make({ transport: "tcp", traddr: "1.1.1.1", hostIface: "eth0" });
  assert.deepEqual(Object.entries(tidFields(tid)), [
    ["traddr", "1.1.1.1"],
    ["trsvcid", "8009"],
    ["transport", "tcp"],
    ["subsysnqn", ""],
    ["host-iface", "eth0"],
    ["host-traddr", ""],
    ["host-nqn", "nqn.host"],
  ]);
  assert.deepEqual(tidFromFields(tidFields(tid)), tid);
  assert.equal(tidFromFields({ transport: "TCP" }), undefined);
  assert.equal(tidFromFields({}), undefined);
  assert.equal(tidFromFields({ transport: "tcp" }, { hostNqn: "h", ignoreIface: false })?.hostNqn, "h");
});

Deno.test("transports and their ports", () => {
  assert.deepEqual(["tcp", "rdma", "fc", "loop"].filter(isTransport).map(defaultTrsvcid), [
    "8009",
    "4420",
    "",
    "",
  ]);
  for (const other of ["pcie", "TCP", "", "tcp "]) assert.ok(!isTransport(other));
});
