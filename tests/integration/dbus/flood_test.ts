/** What any user of the host may send us: it is counted what of it was read, never how long it took. */
import assert from "node:assert/strict";
import { Bus, BusErrors } from "../../../src/lib/dbus/bus.ts";
import { INTROSPECTABLE, PEER, PROPERTIES, STAF } from "../../../src/lib/dbus/interfaces.ts";
import { serveStaf, type StafHandlers } from "../../../src/lib/dbus/server.ts";
import { Bytes, message, type Parts, variants } from "../../unit/dbus/messages.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { type PrivateBus, privateBus } from "./private_bus.ts";
import { RawClient } from "./raw_client.ts";
import { lacks, otherUser } from "../../lacking.ts";

const MIB = 1024 * 1024;
const NOBODY = 65534;
/** The flag of a call whose caller wants no answer. */
const NO_REPLY = 1;
/** Also an ordinary user, whom every system has: the bus wants to know its groups. */
const OTHER = 1;
/** Of each of the users that flood: together more calls than may wait of one user. */
const CONNECTIONS = 40;
const CALLS = 30;
/** 31 MB: the largest that a system bus passes on is 32. */
const HUGE = variants(31 * MIB / 4);

interface Served {
  readonly bus: PrivateBus;
  readonly daemon: Bus;
  readonly hostile: RawClient;
  /** What was read, skipped and kept since the last look. */
  readonly traffic: () => {
    readonly takenBytes: number;
    readonly skippedBytes: number;
    readonly mostKept: number;
  };
}

async function withStaf(
  test: (served: Served) => Promise<void>,
  handlers: Partial<StafHandlers> = {},
): Promise<void> {
  await using bus = await privateBus();
  const connected = await Bus.connect(bus.address);
  assert.ok(connected.ok);
  const daemon = connected.bus;
  serveStaf(daemon, stafHandlers(handlers));
  assert.ok((await daemon.requestName(STAF.name)).ok);
  const hostile = await RawClient.connect(bus.address);
  const traffic: Served["traffic"] = () => daemon.traffic ?? assert.fail();
  await test({ bus, daemon, hostile, traffic });
  hostile.close();
  daemon.close();
}

const call = (parts: Parts): Parts => ({ path: STAF.path, destination: STAF.name, ...parts });

Deno.test("31 MB of variants are answered with an error, whatever they are sent to, and nothing of them is read", () =>
  withStaf(async ({ hostile, traffic }) => {
    const targets: readonly (readonly [Parts, string])[] = [
      [{ interface: STAF.name, member: "none" }, BusErrors.unknownMethod],
      [{ interface: "org.example.none", member: "x" }, BusErrors.unknownInterface],
      [{ path: "/none", interface: STAF.name, member: "list_controllers" }, BusErrors.unknownObject],
      [{ interface: STAF.name, member: "list_controllers" }, BusErrors.invalidArgs],
      [{ interface: `${STAF.name}.v1`, member: "plan" }, BusErrors.invalidArgs],
      [{ interface: PROPERTIES, member: "Get" }, BusErrors.invalidArgs],
      [{ interface: INTROSPECTABLE, member: "Introspect" }, BusErrors.invalidArgs],
      [{ interface: PEER, member: "Ping" }, BusErrors.invalidArgs],
      [{ member: "list_controllers" }, BusErrors.invalidArgs],
    ];
    for (const [n, [target, error]] of targets.entries()) {
      const before = traffic();
      // The bus itself takes seconds for the largest ones.
      const body = n === 0 || n === 3 ? HUGE : variants(MIB);
      const { head } = await hostile.ask(call({ ...target, signature: "av", body }));
      assert.equal(head.errorName, error, JSON.stringify(target));
      const after = traffic();
      assert.ok(after.skippedBytes - before.skippedBytes >= body.length);
      // The answer to the question for the caller's user is read, once.
      assert.ok(after.takenBytes - before.takenBytes < 100);
    }
    assert.ok(traffic().mostKept < 4096, `${traffic().mostKept} bytes of one message were kept`);
  }));

Deno.test("arguments of the right type and the wrong size are refused before they are kept", () =>
  withStaf(async ({ hostile, traffic }) => {
    const text = (size: number): Uint8Array => {
      const body = new Uint8Array(4 + size + 1).fill(0x78);
      new DataView(body.buffer).setUint32(0, size, true);
      body[body.length - 1] = 0;
      return body;
    };
    const sent = async (parts: Parts): Promise<string> => {
      const { head, body } = await hostile.ask(call(parts));
      return `${head.errorName.split(".").at(-1)}: ${String(body[0])}`;
    };
    const v1 = `${STAF.name}.v1`;
    assert.equal(
      await sent({ interface: v1, member: "explain", signature: "s", body: text(20 * MIB) }),
      "InvalidArgs: the text is longer than 4096 characters",
    );
    assert.equal(
      await sent({ interface: v1, member: "plan", signature: "s", body: text(20 * MIB) }),
      "InvalidArgs: the text is longer than 1048576 characters",
    );
    const seven =
      new Bytes().string("tcp").string("10.0.0.1").string("").string("").string("").string("").done;
    const tid = new Uint8Array(Math.ceil(seven.length / 4) * 4 + text(2 * MIB).length);
    tid.set(seven);
    tid.set(text(2 * MIB), Math.ceil(seven.length / 4) * 4);
    assert.equal(
      await sent({ interface: STAF.name, member: "get_log_pages", signature: "sssssss", body: tid }),
      `InvalidArgs: get_log_pages takes at most ${MIB} bytes of arguments, not ${tid.length}`,
    );
    assert.ok(traffic().mostKept < 4096, `${traffic().mostKept} bytes of one message were kept`);
    // What fits is read, and what is wrong in it is said.
    const wrong = new Bytes().string(`${STAF.name}.debug`).string("tron").signature("h").u32(0).done;
    assert.equal(
      await sent({ interface: PROPERTIES, member: "Set", signature: "ssv", body: wrong }),
      "InvalidArgs: the arguments of Set cannot be read: a value of type h cannot be read",
    );
  }));

/** The most calls that are answered in one turn of the event loop, of many that come together, with such answers. */
async function mostOfOneTurn(answer: string, flags: number): Promise<number> {
  let [most, now] = [0, 0];
  const explain = (): string => {
    if (now++ === 0) setTimeout(() => [most, now] = [Math.max(most, now), 0], 0);
    return answer;
  };
  await withStaf(async ({ hostile }) => {
    const body = new Bytes().string("all").done;
    const parts = call({ interface: `${STAF.name}.v1`, member: "explain", signature: "s", body });
    await hostile.write(
      new Uint8Array(
        Array.from({ length: 30 }, (_, n) => [...message({ ...parts, flags, serial: 1000 + n })]).flat(),
      ),
    );
    await hostile.ask(
      call({
        interface: STAF.name,
        member: "list_controllers",
        signature: "b",
        body: new Bytes().u32(1).done,
      }),
    );
  }, { explain });
  return most;
}

Deno.test("S11: calls with long answers do not fill a turn of the event loop, wanted or not", async () => {
  assert.ok(await mostOfOneTurn("short", 0) > 8);
  for (const flags of [0, NO_REPLY]) {
    const most = await mostOfOneTurn("x".repeat(MIB), flags);
    assert.ok(most <= 2, `${most} calls in one turn`);
  }
});

Deno.test("a call that wants no answer gets none, and signals of strangers are not read, however large", () =>
  withStaf(async ({ daemon, hostile, traffic }) => {
    const before = traffic().takenBytes;
    // One subscription is to somebody else, who may say the same.
    assert.ok(
      (await daemon.addMatch({ sender: "org.freedesktop.Avahi" }, () => assert.fail("a stranger's"))).ok,
    );
    const start = traffic().takenBytes;
    assert.ok(start > before);
    await hostile.send(
      call({ interface: STAF.name, member: "none", flags: NO_REPLY, signature: "av", body: HUGE }),
    );
    const unicast = {
      type: 4,
      path: "/",
      interface: "org.freedesktop.Avahi.ServiceBrowser",
      member: "ItemNew",
    };
    const body = variants(11 * MIB / 4);
    await hostile.send({ ...unicast, destination: STAF.name, signature: "av", body });
    // A reply and an error that nobody has asked for.
    for (const type of [2, 3]) {
      const forged = { type, replySerial: 1, destination: STAF.name, signature: "av", body };
      await hostile.send(type === 3 ? { ...forged, errorName: "org.example.Error" } : forged);
    }
    await hostile.ask(call({ interface: PEER, member: "Ping" }));
    assert.ok(traffic().takenBytes - start < 100, `${traffic().takenBytes - start} bytes were read`);
    assert.ok(traffic().skippedBytes > HUGE.length + 3 * body.length);
    assert.ok(traffic().mostKept < 4096);
  }));

Deno.test("an answer counts when the connection sent it that the call went to; a forged one is not read", async () => {
  await using bus = await privateBus();
  const connected = await Bus.connect(bus.address);
  assert.ok(connected.ok);
  const client = connected.bus;
  const [owner, liar] = await Promise.all([RawClient.connect(bus.address), RawClient.connect(bus.address)]);
  const body = (text: string): Pick<Parts, "signature" | "body"> => ({
    signature: "s",
    body: new Bytes().string(text).done,
  });
  await owner.ask({ ...toName("org.example.a") });
  for (const destination of ["org.example.a", owner.uniqueName]) {
    const reply = client.call({
      destination,
      path: "/",
      interface: "org.example.a",
      member: "Ask",
      gives: "s",
    });
    const asked = await owner.until(({ head }) => head.member === "Ask");
    const to = { destination: client.uniqueName, replySerial: asked.head.serial };
    const skipped = client.traffic?.skippedBytes ?? assert.fail();
    for (let n = 0; n < 20; n++) {
      await liar.send({ type: 2, ...to, ...body("a lie") });
      await liar.send({ type: 3, errorName: "org.example.Lie", ...to, ...body("a lie") });
    }
    await liar.send({ type: 2, ...to, signature: "av", body: HUGE });
    await liar.ask(toBusId());
    await owner.send({ type: 2, ...to, ...body("the truth") });
    const answer = await reply;
    assert.ok(answer.ok);
    assert.deepEqual(answer.body, ["the truth"]);
    assert.equal(answer.sender, owner.uniqueName);
    assert.ok((client.traffic?.skippedBytes ?? 0) - skipped > HUGE.length);
  }
  // Of the wrong type, also the right sender's is not read.
  const reply = client.call({
    destination: "org.example.a",
    path: "/",
    interface: "org.example.a",
    member: "Ask",
    gives: "s",
    maxReply: 1000,
  });
  const asked = await owner.until(({ head }) => head.member === "Ask");
  const taken = client.traffic?.takenBytes;
  await owner.send({
    type: 2,
    destination: client.uniqueName,
    replySerial: asked.head.serial,
    signature: "av",
    body: HUGE,
  });
  const answer = await reply;
  assert.ok(!answer.ok && answer.error.name === BusErrors.invalidSignature);
  assert.equal(client.traffic?.takenBytes, taken);
  for (const one of [owner, liar, client]) one.close();
});

const toName = (name: string): Parts => ({
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
  member: "RequestName",
  destination: "org.freedesktop.DBus",
  signature: "su",
  body: new Bytes().string(name).u32(4).done,
});
const toBusId = (): Parts => ({
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
  member: "GetId",
  destination: "org.freedesktop.DBus",
});

Deno.test({
  name:
    "two users flood with slow calls from many connections: the call of a third user is begun among the next",
  ignore: lacks(otherUser),
  fn: async () => {
    const order: string[] = [];
    const answers: (() => void)[] = [];
    let inWork = 0;
    const explain = async (what: string): Promise<string> => {
      order.push(what);
      inWork += 1;
      assert.ok(inWork <= 8, `${inWork} calls are worked on at once`);
      await new Promise<void>((resolve) => answers.push(resolve));
      inWork -= 1;
      return "";
    };
    await withStaf(async ({ bus, hostile }) => {
      const flooders: RawClient[] = [];
      for (const uid of [NOBODY, OTHER]) {
        for (let n = 0; n < CONNECTIONS; n++) flooders.push(await RawClient.connect(bus.address, uid));
      }
      const ask = (what: string): Parts =>
        call({
          interface: `${STAF.name}.v1`,
          member: "explain",
          signature: "s",
          body: new Bytes().string(what).done,
        });
      for (const [n, flooder] of flooders.entries()) {
        for (let calls = 0; calls < CALLS; calls++) await flooder.send(ask(`flood ${n}`));
      }
      // Both have more waiting than anybody may have.
      for (const last of [flooders[CONNECTIONS - 1], flooders.at(-1)]) {
        await last?.until(({ head }) => head.errorName === BusErrors.limitsExceeded);
      }
      const before = order.length;
      const asked = hostile.ask(ask("rightful"));
      while (!order.includes("rightful")) {
        answers.shift()?.();
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      // Not behind two thousand others, and not behind one of each of their connections: users take turns.
      const first = order.indexOf("rightful") - before;
      assert.ok(first < CONNECTIONS / 2, `${first} calls of others were begun first`);
      while (answers.length > 0) {
        answers.shift()?.();
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      const { head } = await asked;
      assert.equal(head.errorName, "");
      for (const flooder of flooders) flooder.close();
    }, { explain });
  },
});
