/** Reachability between two machines. */
import assert from "node:assert/strict";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { Told } from "../linux/waiting.ts";
import { Inside, testNetwork } from "./namespace.ts";

interface Answer {
  readonly id: string;
  readonly outcome: {
    readonly ok: boolean;
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
