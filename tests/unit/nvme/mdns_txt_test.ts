import assert from "node:assert/strict";
import { identifyService, parseTxt, withoutNqn } from "../../../src/lib/nvme/mdns_txt.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";

const records = (...texts: string[]) => texts.map((text) => new TextEncoder().encode(text));
const parsed = (...texts: string[]) => Object.fromEntries(parseTxt(records(...texts)));

Deno.test("STAF-35, TST-90: TXT records", () => {
  assert.deepEqual(parsed("NqN=Starfleet", "p=tcp"), { nqn: "Starfleet", p: "tcp" });
  assert.deepEqual(parsed("Nqn=Starfleet", "p=", "blah", "="), { nqn: "Starfleet", p: "" });
  assert.deepEqual(parsed("q=b=c", "=x", "a\u0001=b", "k\u00a0=v", "", "A=1", "a=2"), { a: "2" });
  assert.deepEqual([...parseTxt([Uint8Array.of(0xff, 0x3d, 0x61)])], []);
  assert.deepEqual(parsed("name=\u00c5sa Berg"), { name: "\u00c5sa Berg" });
  assert.equal(parseTxt(records(...Array.from({ length: 1000 }, (_, i) => `k${i}=v`))).size, 256);
});

Deno.test("STAF-36, STAF-37: transport and NQN", () => {
  const of = (...texts: string[]) => identifyService(records(...texts), "_nvme-disc._tcp");
  for (const p of ["tcp", "TCP", " tcp "]) {
    assert.deepEqual(of(`p=${p}`), { ok: true, transport: "tcp", nqn: WELL_KNOWN_DISC_NQN });
  }
  for (const p of ["roce", "RoCE", "iwarp", "rdma"]) {
    assert.deepEqual(of(`P=${p}`, "nqn= nqn.x "), { ok: true, transport: "rdma", nqn: "nqn.x" });
  }
  for (const p of ["walmart", "", "tcp4"]) {
    const found = of(`p=${p}`);
    assert.ok(!found.ok && found.problem.includes(JSON.stringify(p)));
  }
  assert.ok(!of("p=tcp", "nqn=nqn.x,tls").ok);
  assert.ok(!of("p=tcp", `nqn=${"n".repeat(224)}`).ok);
});

Deno.test("STAF-37: a kernel that cannot connect to another NQN gets the well-known one", () => {
  const kept = withoutNqn(records("p=rdma", "NQN=nqn.x", "nqn", "x=nqn="));
  assert.deepEqual(kept, records("p=rdma", "nqn", "x=nqn="));
  const found = identifyService(kept, "_nvme-disc._tcp");
  assert.ok(found.ok && found.nqn === WELL_KNOWN_DISC_NQN && found.transport === "rdma");
});

Deno.test("[C] a tcp service without p is tcp, as in older versions; another one is not", () => {
  const tcp = identifyService(records("nqn=nqn.x"), "_nvme-disc._tcp");
  assert.ok(tcp.ok && tcp.transport === "tcp" && tcp.notice !== undefined);
  assert.ok(!identifyService([], "_nvme-disc._udp").ok);
});
