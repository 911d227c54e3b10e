import assert from "node:assert/strict";
import { Reach } from "../../../src/lib/linux/reach.ts";
import { Reactor } from "../../../src/lib/linux/reactor.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { milliseconds, seconds } from "../../../src/lib/base/time.ts";
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

Deno.test("loop has nothing to wait for", async () => {
  await withReach(async (reach) => {
    const outcome = await reach.test(tid("", "", { transport: "loop" }), seconds(1));
    assert.deepEqual(outcome, { ok: true, value: undefined });
  });
});

/** `class/NAME/PORT` with node, port and state; what is not a port has other files. */
function fcClass(sys: string, name: string, ports: Readonly<Record<string, readonly string[]>>): void {
  for (const [port, [node = "", wwpn = "", state]] of Object.entries(ports)) {
    const folder = `${sys}/class/${name}/${port}`;
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeTextFileSync(`${folder}/node_name`, `${node}\n`);
    Deno.writeTextFileSync(`${folder}/port_name`, `${wwpn}\n`);
    if (state !== undefined) Deno.writeTextFileSync(`${folder}/port_state`, `${state}\n`);
  }
}

Deno.test("FC: the state of the remote port of this host port; where the driver lists none, nothing is known", async () => {
  const reactor = new Reactor();
  const root = await Deno.makeTempDir();
  const ask = async (sys: string, traddr: string, hostTraddr: string): Promise<string> => {
    const target = tid(traddr, "", { transport: "fc", hostTraddr });
    const outcome = await new Reach(reactor, sys).test(target, seconds(5));
    return outcome.ok ? String(outcome.value) : outcome.failure.message;
  };
  const [host3, host4] = ["nn-0x10:pn-0x13", "nn-0x10:pn-0x14"];
  assert.equal(await ask(`${root}/none`, "nn-0x1:pn-0x2", host3), "untested", "no such class at all");

  const adapter = `${root}/adapter`;
  fcClass(adapter, "fc_host", { host3: ["0x10", "0x13", "Online"], host4: ["0x10", "0x14", "Online"] });
  assert.equal(
    await ask(adapter, "nn-0x1:pn-0x2", host3),
    `nn-0x1:pn-0x2 is not logged in: ${host3} sees no such remote port`,
  );
  fcClass(adapter, "fc_remote_ports", {
    "rport-3:0-0": ["0x1", "0x2", "Online"],
    "rport-3:0-1": ["0x1", "0x3", "Blocked"],
    "rport-4:0-0": ["0x1", "0x3", "Online"],
    "rport-4:0-1": ["0xa", "0xb", "Not Present"],
  });
  assert.equal(await ask(adapter, "nn-0x1:pn-0x2", host3), "untested");
  // Targets write it so, too.
  assert.equal(await ask(adapter, "nn-0x1,pn-0x2", "NN-0x10:PN-0x13"), "untested");
  assert.match(await ask(adapter, "nn-0x1:pn-0x2", host4), /sees no such remote port$/);
  assert.match(await ask(adapter, "nn-0x1:pn-0x3", host3), /: the remote port is Blocked$/);
  assert.equal(await ask(adapter, "nn-0x1:pn-0x3", host4), "untested");
  assert.match(await ask(adapter, "nn-0xA:pn-0xB", host4), /: the remote port is Not Present$/);
  assert.equal(
    await ask(adapter, "nn-0x1:pn-0x9", "nn-0x77:pn-0x77"),
    "untested",
    "another driver's host port",
  );

  const bare = `${root}/bare`;
  fcClass(bare, "fc_remote_ports", { "rport-3:0-0": ["0x1", "0x2", "Online"] });
  assert.equal(await ask(bare, "nn-0x1:pn-0x2", host3), "untested");
  assert.match(await ask(bare, "nn-0x1:pn-0x9", host3), /sees no such remote port$/);
  await Deno.remove(root, { recursive: true });
  await reactor.close();
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

/** A server that does this with whoever connects, and what it was sent. */
function server(
  answers: (conn: Deno.TcpConn, asked: Uint8Array) => Promise<void> | void,
): { port: number; asked: string[]; ends: string[]; [Symbol.asyncDispose](): Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked: string[] = [];
  const ends: string[] = [];
  const open = new Set<Deno.TcpConn>();
  const serve = async (conn: Deno.TcpConn): Promise<void> => {
    open.add(conn);
    const buffer = new Uint8Array(1024);
    try {
      const length = await conn.read(buffer);
      const request = buffer.subarray(0, length ?? 0);
      asked.push(request.toHex());
      await answers(conn, request);
      ends.push(await conn.read(buffer) === null ? "FIN" : "more");
    } catch (error) {
      ends.push(error instanceof Deno.errors.ConnectionReset ? "RST" : String(error));
    }
  };
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) serving.push(serve(conn));
  })();
  return {
    port: portOf(listener),
    asked,
    ends,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await accepting;
      await Promise.all(serving);
      for (const conn of open) {
        try {
          conn.close();
        } catch (error) {
          if (!(error instanceof Deno.errors.BadResource)) throw error;
        }
      }
    },
  };
}

const icReq = "0000800080000000".padEnd(256, "0");
const icResp = (change: (pdu: Uint8Array) => void = () => {}): Uint8Array => {
  const pdu = new Uint8Array(128);
  pdu[0] = 1;
  pdu[2] = pdu[4] = 128;
  pdu[13] = 0x10;
  change(pdu);
  return pdu;
};

Deno.test("V6: who answers ICReq with ICResp is a target, asked once for all its subsystems, and left with a FIN", async () => {
  await using target = server(async (conn) => {
    // In two pieces.
    await conn.write(icResp().subarray(0, 50));
    await conn.write(icResp().subarray(50));
  });
  await withReach(async (reach) => {
    const ask = (nqn: string) =>
      reach.test(tid("127.0.0.1", target.port, { subsysnqn: nqn }), seconds(5), true);
    const outcomes = await Promise.all(["nqn.a", "nqn.b", "nqn.c"].map(ask));
    assert.ok(outcomes.every(({ ok }) => ok), JSON.stringify(outcomes));
    assert.deepEqual(target.asked, [icReq]);
    assert.ok((await ask("nqn.d")).ok);
    assert.deepEqual(target.asked.filter((text) => text !== ""), [icReq], "not asked again at once");
  });
  while (target.ends.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(target.ends[0], "FIN");
});

Deno.test("V6: silence, an end, and answers that are none are no target, each in words; without asking all are reached", async () => {
  const cases: readonly (readonly [(conn: Deno.TcpConn) => Promise<void> | void, RegExp])[] = [
    [() => {}, /no answer within 0\.3 s/],
    [(conn) => conn.closeWrite(), /closed after 0 bytes/],
    [async (conn) => void await conn.write(icResp().subarray(0, 100)), /no answer within 0\.3 s/],
    [async (conn) => void await conn.write(icResp((pdu) => pdu[0] = 0x15)), /PDU of type 0x15/],
    [async (conn) => void await conn.write(icResp((pdu) => pdu[8] = 1)), /PDU format 1/],
    [async (conn) => void await conn.write(icResp((pdu) => pdu[4] = 127)), /lengths 128 and 127/],
    [
      async (conn) =>
        void await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n".repeat(8))),
      /PDU of type 0x48/,
    ],
  ];
  for (const [answers, expected] of cases) {
    await using target = server(answers);
    await withReach(async (reach) => {
      const one = tid("127.0.0.1", target.port);
      const outcome = await reach.test(one, milliseconds(300), true);
      assert.ok(!outcome.ok, String(expected));
      assert.equal(outcome.failure.errno, "EPROTO");
      assert.match(outcome.failure.message, expected);
      assert.match(outcome.failure.message, /does not answer as an NVMe\/TCP target/);
      assert.ok((await reach.test(one, seconds(5))).ok);
    });
  }
});
