import assert from "node:assert/strict";
import { excludedBy } from "../../../src/lib/config/exclude.ts";
import { normaliseTid, type Tid, type TidParts } from "../../../src/lib/nvme/tid.ts";
import { stacd, stafd } from "./confs.ts";

const tid = (parts: TidParts): Tid => normaliseTid(parts, { hostNqn: "nqn.host", ignoreIface: false });
const TCP = tid({ transport: "tcp", traddr: "10.0.0.1", subsysnqn: "nqn.x", hostIface: "eth0" });

/** Is it excluded by these entries? */
function excluded(target: Tid, ...entries: readonly string[]): boolean {
  const { conf } = stafd("[Controllers]\n" + entries.map((entry) => `exclude=${entry}\n`).join(""));
  return excludedBy(target, conf.excludes) !== undefined;
}

Deno.test("CFG-45, CFG-46: all that is named must be equal, after the defaults of transport ids", () => {
  for (
    const entry of [
      "transport=tcp",
      "traddr=10.0.0.1",
      "trsvcid=8009",
      "nqn=nqn.x",
      "subsysnqn=nqn.x",
      "host-iface=eth0",
      "host-nqn=nqn.host",
      "transport=tcp;traddr=10.0.0.1;trsvcid=8009;nqn=nqn.x;host-iface=eth0;host-nqn=nqn.host",
      "traddr=10.0.0.1;host-traddr=9.9.9.9",
      "traddr=10.0.0.1 # a comment",
    ]
  ) assert.ok(excluded(TCP, entry), entry);
  for (
    const entry of [
      "transport=rdma",
      "transport=TCP",
      "traddr=10.0.0.2",
      "trsvcid=4420",
      "nqn=nqn.X",
      "host-iface=eth1",
      "host-nqn=nqn.other",
      "traddr=10.0.0.1;nqn=nqn.y",
      "traddr=10.0.0.1;kato=30",
      "traddr=",
    ]
  ) assert.ok(!excluded(TCP, entry), entry);
  assert.ok(excluded(TCP, "nqn=other", "traddr=10.0.0.1"));
});

Deno.test("CFG-46: what would exclude everything is ignored, and said", () => {
  for (const entry of ["", ";;", "host-traddr=1.2.3.4", "junk", "# comment"]) {
    const { conf, findings } = stafd(`[Controllers]\nexclude=${entry}\n`);
    assert.deepEqual(conf.excludes, [], entry);
    assert.ok(findings.some((f) => f.severity !== "notice" && f.message.includes("it is ignored")), entry);
  }
  const { conf, findings } = stafd("[Controllers]\nexclude=nqn=a\n\nexclude=nqn=b\n\n\n");
  assert.equal(conf.excludes.length, 2);
  assert.deepEqual(findings, []);
});

Deno.test("an entry that lost what narrowed it does not exclude more than was meant", () => {
  const { conf, said } = stafd("[Controllers]\nexclude=transport=tcp;traddr 10.0.0.1\n");
  assert.deepEqual(conf.excludes, []);
  assert.match(said.join("\n"), /error f:2:9: .*far more than intended; the whole entry is ignored/);
  assert.ok(excluded(TCP, "transport=tcp;junk;traddr=10.0.0.1"));
});

Deno.test("entries that exclude nothing are said to", () => {
  const said = (entry: string, global = ""): string =>
    stafd(`[Global]\n${global}\n[Controllers]\nexclude=${entry}\n`).said.join("\n");
  assert.match(
    said("traddr=a;hostnqn=b"),
    /by "hostnqn" \(did you mean "host-nqn"\?\); the whole entry excludes/,
  );
  assert.match(said("transport=TCP"), /no controller has transport "TCP" \(did you mean "tcp"\?\)/);
  assert.match(said("host-iface=eth0", "ignore-iface=true"), /ignore-iface = true/);
  for (const trsvcid of ["0", "65536", "08009", "80.5", "-1", "1e3", "https"]) {
    assert.match(said(`transport=tcp;trsvcid=${trsvcid}`), /trsvcid .* is not a port number/, trsvcid);
  }
  for (const trsvcid of ["1", "65535"]) assert.equal(said(`transport=tcp;trsvcid=${trsvcid}`), "", trsvcid);
  assert.match(said("traddr=a;host-traddr=b"), /^notice .*host-traddr is not compared/);
});

Deno.test("CFG-49: addresses are compared as addresses, names as names", () => {
  const v6 = tid({ transport: "tcp", traddr: "fe80::1" });
  assert.ok(excluded(v6, "traddr=FE80:0::0001"));
  assert.ok(excluded(TCP, "traddr=::ffff:10.0.0.1"));
  const fc = tid({ transport: "fc", traddr: "nn-0xAB:pn-0x1", hostTraddr: "nn-0x1:pn-0x2" });
  assert.ok(excluded(fc, "traddr=nn-0xab:pn-0x1"));
  const name = tid({ transport: "tcp", traddr: "cdc.example.com" });
  assert.ok(excluded(name, "traddr=cdc.example.com"));
  assert.ok(!excluded(name, "traddr=cdc2.example.com"));
});

Deno.test("TID-18: a scope asks for its interface", () => {
  const scoped = tid({ transport: "tcp", traddr: "fe80::1%eth0" });
  const bound = tid({ transport: "tcp", traddr: "fe80::1", hostIface: "eth0" });
  for (const target of [scoped, bound]) {
    assert.ok(excluded(target, "traddr=fe80::1"));
    assert.ok(excluded(target, "traddr=FE80::1%eth0"));
    assert.ok(!excluded(target, "traddr=FE80::1%eth1"));
    assert.ok(excluded(target, "host-iface=eth0"));
    assert.ok(!excluded(target, "host-iface=eth1"));
  }
});

Deno.test("tokens that are not understood: as in the original, x=y=z falls away and =5 matches nothing", () => {
  const matches = (entry: string): boolean => excluded(TCP, entry);
  assert.equal(matches("traddr=10.0.0.1;x=y=z"), true);
  assert.equal(matches("traddr=10.0.0.1;x=y"), false);
  assert.equal(matches("traddr=10.0.0.1; =5"), false);
  assert.equal(matches("transport=tcp;x=y=z"), false, "what is left would exclude far too much");
});

Deno.test("CFG-54: nqn counts also when it is empty", () => {
  const line = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.1;nqn=;subsysnqn=nqn.x\n";
  assert.equal(stafd(line).conf.controllers[0]?.fields.subsysnqn, "");
  assert.match(stacd(line).said.join(), /error f:2:\d+: nqn is missing/);
});
