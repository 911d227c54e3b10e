/** Reachability between two machines. */
import assert from "node:assert/strict";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { Told } from "../linux/waiting.ts";
import { Inside, testNetwork } from "./namespace.ts";

interface Answer {
  readonly id: string;
  readonly outcome: {
    readonly ok: boolean;
    readonly value?: string;
    readonly failure?: { readonly errno?: string; readonly message: string };
  };
}

const isAnswer = (line: unknown): line is Answer =>
  typeof line === "object" && line !== null && "outcome" in line;

Deno.test("between two machines: source address, interface, link-local scope, silence, no route", async () => {
  await using net = await testNetwork();
  await net.ip("addr", "add", "10.77.0.7/24", "dev", "near0");
  const seen = new Told<unknown>();
  await using _v4 = new Inside(net.far, "./reach_listen.ts", seen.tell, ["0.0.0.0", "8009"]);
  await using _v6 = new Inside(net.far, "./reach_listen.ts", seen.tell, ["::", "8010"]);
  await seen.until(() => seen.all.length === 2, "both listeners");
  const told = new Told<Answer>();
  await using inside = new Inside(net.near, "./reach_inside.ts", (line) => {
    if (isAnswer(line)) told.tell(line);
  });
  const ask = async (id: string, target: Partial<Tid>, timeout = 5000): Promise<string> => {
    await inside.send({ id, timeout, trsvcid: "8009", ...target });
    const { outcome } = await told.until((answer) => answer.id === id, id);
    return outcome.ok ? "ok" : outcome.failure?.errno ?? outcome.failure?.message ?? "";
  };
  const from = async (address: string): Promise<void> => {
    await seen.until(
      (line) => JSON.stringify(line) === JSON.stringify({ from: address, end: "closed" }),
      `closed connection from ${address}`,
    );
  };

  assert.equal(await ask("plain", { traddr: "10.77.0.2" }), "ok");
  await from("10.77.0.1");
  assert.equal(await ask("source", { traddr: "10.77.0.2", hostTraddr: "10.77.0.7" }), "ok");
  await from("10.77.0.7");
  assert.equal(await ask("interface", { traddr: "10.77.0.2", hostIface: "near0" }), "ok");
  assert.equal(await ask("other interface", { traddr: "10.77.0.2", hostIface: "lo" }, 300) === "ok", false);
  assert.equal(await ask("v6", { traddr: "fd77::2", trsvcid: "8010" }), "ok");
  await from("fd77::1");
  assert.equal(await ask("scope", { traddr: "fe80::2%near0", trsvcid: "8010" }), "ok");
  assert.equal(
    await ask("scope by interface", { traddr: "fe80::2", hostIface: "near0", trsvcid: "8010" }),
    "ok",
  );
  await from("fe80::1");
  // Nobody has this address: silence, until our own time-out.
  assert.equal(await ask("silence", { traddr: "10.77.0.99" }, 200), "ETIMEDOUT");
  assert.equal(await ask("no route", { traddr: "203.0.113.1" }), "ENETUNREACH");
  await net.ip("route", "add", "blackhole", "203.0.113.1");
  assert.equal(await ask("refused by the table", { traddr: "203.0.113.1" }), "EINVAL");
});

Deno.test("RDMA: a route and a neighbour are looked for; what cannot be found out is not tested, and no obstacle", async () => {
  await using net = await testNetwork();
  await net.ip("addr", "add", "10.77.0.7/24", "dev", "near0");
  await net.ip("route", "add", "198.51.100.0/25", "via", "10.77.0.2");
  await net.ip("route", "add", "198.51.100.128/25", "via", "10.77.0.99");
  const told = new Told<Answer>();
  await using inside = new Inside(net.near, "./reach_inside.ts", (line) => {
    if (isAnswer(line)) told.tell(line);
  });
  const ask = async (id: string, target: Partial<Tid>, timeout = 20_000): Promise<string> => {
    await inside.send({ id, timeout, transport: "rdma", trsvcid: "4420", ...target });
    const { outcome } = await told.until((answer) => answer.id === id, id);
    return outcome.ok ? String(outcome.value) : outcome.failure?.message ?? "";
  };
  // With a time-out so long that the tests below would not end in time if it were waited for.
  for (const traddr of ["10.77.0.2", "10.77.0.1", "fd77::2", "fe80::2%near0", "198.51.100.1"]) {
    assert.equal(await ask(traddr, { traddr }, 600_000), "untested");
  }
  assert.equal(await ask("again, known by now", { traddr: "10.77.0.2" }, 600_000), "untested");
  assert.equal(await ask("source", { traddr: "10.77.0.2", hostTraddr: "10.77.0.7" }, 600_000), "untested");
  // The kernel takes no interface for RDMA.
  assert.equal(await ask("interface", { traddr: "10.77.0.2", hostIface: "lo" }, 600_000), "untested");
  assert.match(
    await ask("nobody", { traddr: "10.77.0.98" }),
    /^cannot reach 10\.77\.0\.98:4420: no host on its link has that address \(EHOSTUNREACH\)$/,
  );
  assert.match(await ask("nobody, soon", { traddr: "10.77.0.97" }, 50), /no host on its link/);
  assert.match(await ask("nobody by IPv6", { traddr: "fd77::98" }), /no host on its link/);
  assert.match(
    await ask("no gateway", { traddr: "198.51.100.200" }, 300),
    /its gateway 10\.77\.0\.99 does not answer \(EHOSTUNREACH\)$/,
  );
  assert.match(await ask("no route", { traddr: "203.0.113.1" }), /ENETUNREACH/);
  assert.match(
    await ask("not ours", { traddr: "10.77.0.2", hostTraddr: "10.77.0.8" }),
    /EADDRNOTAVAIL/,
  );
});
