import assert from "node:assert/strict";
import { Reach } from "../../../src/lib/linux/reach.ts";
import { Reactor } from "../../../src/lib/linux/reactor.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { milliseconds, seconds } from "../../../src/lib/nvme/time.ts";
import "./waiting.ts";

const tid = (traddr: string, port: number | string, more: Partial<Tid> = {}): Tid => ({
  transport: "tcp",
  traddr,
  trsvcid: String(port),
  subsysnqn: "",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "",
  ...more,
});

async function withReach(work: (reach: Reach) => Promise<void>): Promise<void> {
  const reactor = new Reactor();
  await work(new Reach(reactor));
  await reactor.close();
}

function portOf(listener: Deno.TcpListener): number {
  return listener.addr.port;
}

Deno.test("an address that listens is reachable, by IPv4 and IPv6, and a closed one says why it is not", async () => {
  await withReach(async (reach) => {
    for (const hostname of ["127.0.0.1", "::1"]) {
      const listener = Deno.listen({ hostname, port: 0 });
      const port = portOf(listener);
      assert.deepEqual(await reach.test(tid(hostname, port), seconds(5)), { ok: true, value: undefined });
      listener.close();
      const refused = await reach.test(tid(hostname, port), seconds(5));
      assert.equal(refused.ok, false);
      if (refused.ok) return;
      assert.equal(refused.failure.errno, "ECONNREFUSED");
      assert.equal(refused.failure.kind, "transient");
      assert.match(refused.failure.message, new RegExp(`:${port}: connection refused \\(ECONNREFUSED\\)$`));
    }
  });
});

Deno.test("what cannot be an address, a port, a source or an interface is refused with a reason", async () => {
  await withReach(async (reach) => {
    const cases: readonly (readonly [Tid, string, string])[] = [
      [tid("storage.example", 8009), "EINVAL", "permanent"],
      [tid("127.0.0.1", "none"), "EINVAL", "permanent"],
      [tid("127.0.0.1", 65536), "EINVAL", "permanent"],
      [tid("127.0.0.1", 8009, { hostTraddr: "::1" }), "EINVAL", "permanent"],
      [tid("127.0.0.1", 8009, { hostTraddr: "198.51.100.7" }), "EADDRNOTAVAIL", "transient"],
      [tid("127.0.0.1", 8009, { hostIface: "nope0" }), "ENODEV", "transient"],
      [tid("fe80::1", 8009), "EINVAL", "transient"],
    ];
    for (const [target, errno, kind] of cases) {
      const outcome = await reach.test(target, seconds(5));
      assert.ok(!outcome.ok);
      assert.deepEqual([outcome.failure.errno, outcome.failure.kind], [errno, kind], outcome.failure.message);
    }
  });
});

Deno.test("other transports have nothing to test", async () => {
  await withReach(async (reach) => {
    const outcome = await reach.test(tid("nn-0x1:pn-0x2", "", { transport: "fc" }), seconds(1));
    assert.equal(outcome.ok, true);
  });
});

Deno.test("many at once all get their own answer, and no descriptor is left open", async () => {
  await withReach(async (reach) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = portOf(listener);
    const open = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
    const before = open();
    const outcomes = await Promise.all(
      Array.from(
        { length: 500 },
        (_, i) => reach.test(tid(`127.0.${i % 250}.1`, i % 2 === 0 ? port : 1), seconds(5)),
      ),
    );
    outcomes.forEach((outcome, i) => {
      // Only 127.0.0.1 listens there.
      assert.equal(outcome.ok, i % 250 === 0 && i % 2 === 0, `number ${i}`);
    });
    assert.equal(open(), before);
    listener.close();
  });
});

Deno.test("what is asked many times at once is tested once, and asked later is tested again", async () => {
  await withReach(async (reach) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    let accepted = 0;
    const accepting = (async () => {
      for await (const connection of listener) {
        accepted++;
        connection.close();
      }
    })();
    const port = portOf(listener);
    for (const round of [1, 2]) {
      const outcomes = await Promise.all(
        Array.from(
          { length: 200 },
          (_, i) => reach.test(tid("127.0.0.1", port, { subsysnqn: `s${i}` }), seconds(5)),
        ),
      );
      assert.ok(outcomes.every(({ ok }) => ok));
      // One that asks from elsewhere asks something else.
      assert.equal((await reach.test(tid("127.0.0.1", port, { hostIface: "lo" }), seconds(5))).ok, true);
      while (accepted < 2 * round) await new Promise((resolve) => setTimeout(resolve, 1));
      assert.equal(accepted, 2 * round);
    }
    listener.close();
    await accepting;
  });
});

Deno.test("an answer that this process was too busy to see in time is an answer", async () => {
  await withReach(async (reach) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    for (let round = 0; round < 20; round++) {
      const testing = reach.test(tid("127.0.0.1", portOf(listener)), milliseconds(1));
      const until = performance.now() + 5;
      while (performance.now() < until);
      assert.deepEqual(await testing, { ok: true, value: undefined });
    }
    listener.close();
    for (const round of [1, 2, 3]) {
      const testing = reach.test(tid("127.0.0.1", 1), milliseconds(1));
      const until = performance.now() + 5;
      while (performance.now() < until);
      const refused = await testing;
      assert.ok(!refused.ok && refused.failure.errno === "ECONNREFUSED", `round ${round}`);
    }
  });
});
