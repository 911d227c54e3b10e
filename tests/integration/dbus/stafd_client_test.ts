import assert from "node:assert/strict";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAF } from "../../../src/lib/dbus/interfaces.ts";
import { BusKeeper } from "../../../src/lib/dbus/reconnect.ts";
import { publisher, serveStaf, type StafHandlers } from "../../../src/lib/dbus/server.ts";
import { StafdClient } from "../../../src/lib/dbus/stafd_client.ts";
import type { Outcome } from "../../../src/lib/base/failure.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import type { FetchedReport, StafdNews, StafdReport } from "../../../src/lib/ports.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { type PrivateBus, privateBus } from "./private_bus.ts";
import { RawClient } from "./raw_client.ts";
import { Bytes } from "../../unit/dbus/messages.ts";
import { lacks, otherUser } from "../../lacking.ts";
import { pagesInTexts } from "../../../src/lib/dbus/v1_pages.ts";
import { entryFromText } from "../../../src/lib/nvme/entry_text.ts";

const tid: Tid = {
  transport: "tcp",
  traddr: "10.0.0.1",
  trsvcid: "8009",
  subsysnqn: "nqn.2014-08.org.nvmexpress.discovery",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "nqn.2014-08.org.nvmexpress:uuid:01234567-0123-0123-0123-0123456789ab",
};

/** stacd's side, with its events in order. */
class Stacd {
  readonly keeper: BusKeeper;
  readonly client: StafdClient;
  readonly events: StafdNews[] = [];
  #waiting: (() => void)[] = [];
  #wall = 1_000;

  constructor(bus: PrivateBus, warn?: (message: string) => void) {
    this.keeper = new BusKeeper(bus.address, undefined, () => {});
    this.client = new StafdClient(this.keeper, () => this.#wall, warn);
    this.client.watch((event) => {
      this.events.push(event);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  later(ms: number): void {
    this.#wall += ms;
  }

  async until(count: number): Promise<readonly StafdNews[]> {
    while (this.events.length < count) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this.events;
  }

  fetch(page?: Tid): Promise<Outcome<FetchedReport>> {
    return new Promise((resolve) => this.client.fetch(resolve, page));
  }
}

async function stafd(bus: PrivateBus, handlers: Partial<StafHandlers>): Promise<Bus> {
  const result = await Bus.connect(bus.address);
  assert.ok(result.ok);
  serveStaf(result.bus, stafHandlers(handlers));
  assert.ok((await result.bus.requestName(STAF.name)).ok);
  return result.bus;
}

/** nvme-stas 1.0.0: all pages in one answer, and no other way. */
async function older(bus: PrivateBus, pages: () => string): Promise<Bus> {
  const result = await Bus.connect(bus.address);
  assert.ok(result.ok);
  result.bus.exportObject(
    STAF.path,
    (call) =>
      call.interface === `${STAF.name}.v1` && call.member === "pages"
        ? { ok: true, signature: "s", body: [pages()] }
        : { ok: false, error: { name: "org.freedesktop.DBus.Error.UnknownMethod", message: "no" } },
  );
  assert.ok((await result.bus.requestName(STAF.name)).ok);
  return result.bus;
}

/** The original: the versioned interface is missing. */
async function original(bus: PrivateBus, pages: () => string): Promise<Bus> {
  const result = await Bus.connect(bus.address);
  assert.ok(result.ok);
  result.bus.exportObject(
    STAF.path,
    (call) =>
      call.member === "get_all_log_pages" && call.body[0] === true
        ? { ok: true, signature: "s", body: [pages()] }
        : { ok: false, error: { name: "org.freedesktop.DBus.Error.UnknownMethod", message: "no" } },
  );
  assert.ok((await result.bus.requestName(STAF.name)).ok);
  return result.bus;
}

const dict = (traddr: string, completed: string): Record<string, string> => ({
  transport: "tcp",
  traddr,
  trsvcid: "8009",
  subsysnqn: tid.subsysnqn,
  "host-traddr": "",
  "host-iface": "",
  "host-nqn": tid.hostNqn,
  device: "nvme0",
  "get log page operation": `{'fail count': 0, 'completed': ${completed}, 'alive': True}`,
});

Deno.test("stafd's coming, going and signals are told, over a restart of stafd and of the bus", async () => {
  await using bus = await privateBus();
  const stacd = new Stacd(bus);
  assert.deepEqual(await stacd.keeper.start(), { ok: true });
  assert.equal(stacd.events.length, 0);
  const first = await stafd(bus, {});
  await stacd.until(1);
  publisher(STAF, () => first).emit({ type: "log-pages-changed", tid, device: "nvme0" });
  await stacd.until(2);
  publisher(STAF, () => first).emit({ type: "dc-removed" });
  await stacd.until(3);
  first.close();
  await stacd.until(4);
  const second = await stafd(bus, {});
  await stacd.until(5);
  await bus.kill();
  await stacd.until(6);
  await bus.start();
  const third = await stafd(bus, {});
  await stacd.until(7);
  assert.deepEqual(stacd.events.slice(1, 3), [
    { type: "stafd-changed", page: tid },
    { type: "stafd-changed" },
  ]);
  assert.deepEqual(stacd.events.map((event) => event.type === "stafd" ? event.present : event.type), [
    true,
    "stafd-changed",
    "stafd-changed",
    false,
    true,
    false,
    true,
  ]);
  stacd.keeper.stop();
  second.close();
  third.close();
});

Deno.test("a report of an older stafd is what pages says; garbled, missing or refused answers are failures, never empty", async () => {
  await using bus = await privateBus();
  const stacd = new Stacd(bus);
  const report: StafdReport = {
    dcs: [{
      tid,
      device: "nvme0",
      page: "read",
      genctr: "7",
      readAt: 5,
      toldAt: 4,
      entries: [entryFromText({ trtype: "tcp" })],
    }],
    retired: [{ tid, why: "no longer configured", at: 6 }],
    unknowns: ["mDNS"],
  };
  const good = JSON.stringify({ schema: 1, ...pagesInTexts(report) });
  let pages = good;
  const early = await stacd.fetch();
  assert.ok(!early.ok);
  await stacd.keeper.start();
  const absent = await stacd.fetch();
  assert.ok(!absent.ok);
  assert.equal(absent.failure.message, "stafd is not running");
  const daemon = await older(bus, () => pages);
  assert.deepEqual(await stacd.fetch(), { ok: true, value: report });
  assert.deepEqual(await stacd.fetch(tid), { ok: true, value: report }, "it has no single pages");
  const garbled = [
    "",
    "[]",
    "{}",
    "null",
    '{"dcs":[]}',
    good.slice(0, -1),
    good.replace('"read"', '"perhaps"'),
    good.replace('"entries":[', '"entries":["x",'),
    good.replace('"tcp","traddr"', '"pcie","traddr"'),
    good.replace('"genctr":"7"', '"genctr":7'),
  ];
  for (const text of garbled) {
    assert.notEqual(text, good);
    pages = text;
    const outcome = await stacd.fetch();
    assert.ok(!outcome.ok, text);
    assert.match(outcome.failure.message, /cannot be understood/);
  }
  stacd.keeper.stop();
  daemon.close();
});

Deno.test("an original stafd: what it read is told from what it only kept, and garbled is a failure", async () => {
  await using bus = await privateBus();
  const stacd = new Stacd(bus);
  await stacd.keeper.start();
  const item = (traddr: string, completed: string, pages: unknown): unknown => ({
    "discovery-controller": dict(traddr, completed),
    "log-pages": pages,
  });
  let answer = "";
  const daemon = await original(bus, () => answer);
  answer = JSON.stringify([
    item("10.0.0.1", "True", [{ trtype: "tcp" }]),
    item("10.0.0.2", "None", [{ trtype: "tcp" }]),
    item("10.0.0.3", "True", []),
  ]);
  const outcome = await stacd.fetch();
  assert.ok(outcome.ok);
  assert.deepEqual(outcome.value.dcs.map((dc) => [dc.tid.traddr, dc.page, dc.genctr, dc.readAt]), [
    ["10.0.0.1", "read", "", 1_000],
    ["10.0.0.2", "cached", "", 1_000],
    ["10.0.0.3", "none", "", 1_000],
  ]);
  assert.deepEqual(outcome.value.dcs[0]?.tid, tid);
  const whole = await stacd.fetch(tid);
  assert.ok(whole.ok);
  assert.deepEqual([whole.value.dcs.length, whole.value.only], [3, undefined], "it has no single pages");
  for (const text of ["", "{}", '[{"log-pages":[]}]', answer.slice(1)]) {
    answer = text;
    assert.ok(!(await stacd.fetch()).ok, text);
  }
  stacd.keeper.stop();
  daemon.close();
});

Deno.test("K6: what an original stafd could not read, in this connection, is its cache", async () => {
  await using bus = await privateBus();
  const stacd = new Stacd(bus);
  await stacd.keeper.start();
  let answer = "";
  const daemon = await original(bus, () => answer);
  const pageOf = async (more: Readonly<Record<string, string>>): Promise<readonly [string, number]> => {
    const { "get log page operation": _none, ...rest } = dict("10.0.0.1", "True");
    answer = JSON.stringify([{
      "discovery-controller": { ...rest, ...more },
      "log-pages": [{ trtype: "tcp" }],
    }]);
    const outcome = await stacd.fetch();
    assert.ok(outcome.ok);
    const [dc] = outcome.value.dcs;
    return [dc?.page ?? "", dc?.readAt ?? 0];
  };
  const operation = (text: string, connected = "True") =>
    pageOf({ "get log page operation": text, connected });
  const good = "{'fail count': 0, 'completed': True, 'alive': True}";
  assert.deepEqual(await operation(good), ["read", 1_000]);
  for (
    const [text, connected] of [
      ["{'fail count': 3, 'completed': True, 'alive': True, 'error': 'nvme-error: no (7)'}", "True"],
      [
        "{'fail count': 0, 'completed': True, 'alive': True, 'retry timer': '10.0s [4.2s]', 'error': 'x: y (1)'}",
        "True",
      ],
      ["{'fail count': 1, 'completed': True, 'alive': True}", "True"],
      ["{'fail count': 0, 'completed': True, 'alive': False}", "True"],
      ["{'fail count': 0, 'completed': False, 'alive': True}", "True"],
      [good, "False"],
      [good, "None"],
    ] as const
  ) assert.equal((await operation(text, connected))[0], "cached", `${text} ${connected}`);
  assert.equal((await pageOf({ connected: "True" }))[0], "cached");
  // It does not say when it read: not again with every look.
  assert.deepEqual(await operation(good), ["read", 1_000]);
  stacd.later(5_000);
  assert.deepEqual(await operation(good), ["read", 1_000]);
  // Nothing listed is nothing known: it may have just been started.
  answer = "[]";
  const empty = await stacd.fetch();
  assert.ok(empty.ok);
  assert.match(empty.value.unknowns.join(), /lists no discovery controller/);
  stacd.keeper.stop();
  daemon.close();
});

Deno.test("an original stafd: only what vanishes after dc_removed of the same process is retired", async () => {
  await using bus = await privateBus();
  const stacd = new Stacd(bus);
  await stacd.keeper.start();
  let listed = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
  const answer = (): string =>
    JSON.stringify(listed.map((traddr) => ({
      "discovery-controller": dict(traddr, "True"),
      "log-pages": [{ trtype: "tcp" }],
    })));
  const retired = async (): Promise<readonly string[]> => {
    const outcome = await stacd.fetch();
    assert.ok(outcome.ok);
    return outcome.value.retired.map((dc) => dc.tid.traddr);
  };
  const daemon = await original(bus, answer);
  await stacd.until(1);
  assert.deepEqual(await retired(), []);
  listed = ["10.0.0.2", "10.0.0.3"];
  assert.deepEqual(await retired(), [], "vanished without a word: nothing follows");
  listed = ["10.0.0.3"];
  publisher(STAF, () => daemon).emit({ type: "dc-removed" });
  await stacd.until(2);
  assert.deepEqual(await retired(), ["10.0.0.2"]);
  assert.deepEqual(await retired(), ["10.0.0.2"], "it is said again, in case it was not acted on");
  listed = ["10.0.0.2", "10.0.0.3"];
  assert.deepEqual(await retired(), [], "back again");
  // Restarted: what the new process does not list, it may only not know yet.
  daemon.close();
  await stacd.until(3);
  listed = [];
  const next = await original(bus, answer);
  await stacd.until(4);
  publisher(STAF, () => next).emit({ type: "dc-removed" });
  await stacd.until(5);
  assert.deepEqual(await retired(), []);
  stacd.keeper.stop();
  next.close();
});

Deno.test("an answer of ours that fails is not asked for again in the original's way", async () => {
  await using bus = await privateBus();
  const stacd = new Stacd(bus);
  await stacd.keeper.start();
  const result = await Bus.connect(bus.address);
  assert.ok(result.ok);
  result.bus.exportObject(
    STAF.path,
    (call) =>
      call.member === "get_all_log_pages"
        ? { ok: true, signature: "s", body: ["[]"] }
        : { ok: false, error: { name: "org.freedesktop.DBus.Error.LimitsExceeded", message: "busy" } },
  );
  assert.ok((await result.bus.requestName(STAF.name)).ok);
  const outcome = await stacd.fetch();
  assert.ok(!outcome.ok);
  assert.equal(outcome.failure.message, "stafd did not answer: busy");
  stacd.keeper.stop();
  result.bus.close();
});

Deno.test("a stafd that takes over from another one without a gap is told as gone and there", async () => {
  await using bus = await privateBus();
  const stacd = new Stacd(bus);
  await stacd.keeper.start();
  const first = await stafd(bus, {});
  await stacd.until(1);
  const second = await Bus.connect(bus.address);
  assert.ok(second.ok);
  // In the queue for the name.
  await second.bus.callBus("RequestName", "su", [STAF.name, 0]);
  first.close();
  await stacd.until(3);
  assert.deepEqual(stacd.events, [
    { type: "stafd", present: true },
    { type: "stafd", present: false },
    { type: "stafd", present: true },
  ]);
  stacd.keeper.stop();
  second.bus.close();
});

Deno.test({
  name: "a stafd of an ordinary user's is not believed, and it is said; root's is",
  ignore: lacks(otherUser),
  fn: async () => {
    await using bus = await privateBus();
    const warnings: string[] = [];
    const warned = Promise.withResolvers<void>();
    const stacd = new Stacd(bus, (message) => {
      warnings.push(message);
      warned.resolve();
    });
    await stacd.keeper.start();
    const liar = await RawClient.connect(bus.address, 65534);
    const dbus = "org.freedesktop.DBus";
    await liar.ask({
      path: "/",
      interface: dbus,
      member: "RequestName",
      destination: dbus,
      signature: "su",
      body: new Bytes().string(STAF.name).u32(4).done,
    });
    await Promise.race([warned.promise, stacd.until(1)]);
    assert.deepEqual(stacd.events, [], "an ordinary user's stafd was taken for stafd");
    assert.match(warnings.join(), /belongs to a process of user 65534, not of root/);
    await liar.send({ type: 4, path: STAF.path, interface: STAF.name, member: "dc_removed" });
    const fetched = stacd.fetch();
    const { head } = await liar.until((received) => received.head.member === "page_index");
    const lie = new Bytes().string(JSON.stringify({ schema: 1, dcs: [], retired: [], unknowns: [] })).done;
    await liar.send({
      type: 2,
      destination: head.sender,
      replySerial: head.serial,
      signature: "s",
      body: lie,
    });
    const outcome = await fetched;
    assert.ok(!outcome.ok, "a lie was believed");
    assert.match(outcome.failure.message, /belongs to a process of user 65534, not of root/);
    assert.deepEqual(stacd.events, []);
    liar.close();
    const daemon = await stafd(bus, {});
    await stacd.until(1);
    assert.deepEqual(stacd.events, [{ type: "stafd", present: true }]);
    stacd.keeper.stop();
    daemon.close();
  },
});
