/** V4: between the daemons, one page per call. What is too long is unknown, and harms nobody else. */
import assert from "node:assert/strict";
import type { AskedTid } from "../../../src/lib/dbus/server.ts";
import type { Reply } from "../../../src/lib/dbus/bus.ts";
import {
  type AskStafd,
  type Fetched,
  MAX_PAGE_REPLY,
  MAX_REPORT,
  StafdPages,
} from "../../../src/lib/dbus/stafd_pages.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import type { ReportedDc } from "../../../src/lib/ports.ts";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAF } from "../../../src/lib/dbus/interfaces.ts";
import { serveStaf } from "../../../src/lib/dbus/server.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { pageInFields, pageInTexts } from "../../../src/lib/dbus/v1_pages.ts";
import { entryFromText } from "../../../src/lib/nvme/entry_text.ts";
import type { PageEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import { discoveryEntry } from "../../unit/nvme/samples.ts";
import { privateBus } from "./private_bus.ts";

const tidOf = (n: number): Tid => ({
  transport: "tcp",
  traddr: `10.0.0.${n}`,
  trsvcid: "8009",
  subsysnqn: "nqn.2014-08.org.nvmexpress.discovery",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "nqn.2014-08.org.nvmexpress:uuid:01234567-0123-0123-0123-0123456789ab",
});

const entry = (name: string): PageEntry => discoveryEntry({ subnqn: name });

class FakeStafd {
  dcs: ReportedDc[] = [];
  /** What is said of the length of a page, if not the truth. */
  readonly bytes = new Map<string, number>();
  readonly asked: string[] = [];
  readonly errors = new Map<string, string>();
  sender = ":1.7";
  /** It has no `page_entries`. */
  isOld = false;

  add(n: number, names: readonly string[], more: Partial<ReportedDc> = {}): void {
    this.dcs.push({
      tid: tidOf(n),
      device: `nvme${n}`,
      page: "read",
      genctr: "1",
      readAt: n,
      toldAt: null,
      entries: names.map(entry),
      current: true,
      young: null,
      ...more,
    });
  }

  index(): string {
    const dcs = this.dcs.map(({ entries, ...dc }) => ({
      ...dc,
      count: entries.length,
      bytes: this.bytes.get(dc.tid.traddr) ?? JSON.stringify(entries).length,
    }));
    return JSON.stringify({ schema: 1, dcs, retired: [], unknowns: ["u"] });
  }

  page(traddr: string): string {
    return JSON.stringify(pageInTexts(this.#dc(traddr)));
  }

  entries(traddr: string): string {
    return JSON.stringify(pageInFields(this.#dc(traddr)));
  }

  #dc(traddr: string): ReportedDc | undefined {
    return this.dcs.find(({ tid }) => tid.traddr === traddr);
  }

  #answer(member: string, traddr: string): string | undefined {
    if (member === "page_index") return this.index();
    if (member === "page") return this.page(traddr);
    return this.isOld ? undefined : this.entries(traddr);
  }

  readonly ask: AskStafd = ({ member, args = [] }): Promise<Reply> => {
    const traddr = String(args[1] ?? "");
    this.asked.push(`${member} ${traddr}`.trim());
    const text = this.#answer(member, traddr);
    const name = this.errors.get(traddr) ?? (text === undefined ? "UnknownMethod" : undefined);
    return Promise.resolve(
      name === undefined
        ? { ok: true, sender: this.sender, signature: "s", body: [text] }
        : { ok: false, error: { name: `org.freedesktop.DBus.Error.${name}`, message: name } },
    );
  };
}

const listed = (fetched: Fetched): readonly string[] => {
  assert.ok(fetched.is === "report", JSON.stringify(fetched));
  return fetched.report.dcs.map(({ tid, page, entries, current }) =>
    `${tid.traddr} ${page} ${current} ${entries.map((one) => one.subnqn).join()}`.trim()
  );
};

Deno.test("each page is asked for by itself, and once until it changes", async () => {
  const stafd = new FakeStafd();
  stafd.add(1, ["a", "b"]);
  stafd.add(2, ["c"], { page: "cached", current: false });
  stafd.add(3, [], { page: "none" });
  const pages = new StafdPages();
  const expected = ["10.0.0.1 read true a,b", "10.0.0.2 cached false c", "10.0.0.3 none true"];
  assert.deepEqual(listed(await pages.fetch(stafd.ask)), expected);
  assert.deepEqual(stafd.asked.splice(0), ["page_index", "page_entries 10.0.0.2", "page_entries 10.0.0.1"]);
  assert.deepEqual(listed(await pages.fetch(stafd.ask)), expected);
  assert.deepEqual(stafd.asked.splice(0), ["page_index"]);
  // Whether it is evidence now is in the index.
  stafd.dcs = stafd.dcs.map((dc) => ({ ...dc, current: false }));
  assert.deepEqual(listed(await pages.fetch(stafd.ask))[0], "10.0.0.1 read false a,b");
  assert.deepEqual(stafd.asked.splice(0), ["page_index"]);
  stafd.dcs = stafd.dcs.slice(1);
  stafd.add(1, ["d"], { readAt: 9 });
  assert.deepEqual(listed(await pages.fetch(stafd.ask)).at(-1), "10.0.0.1 read true d");
  assert.deepEqual(stafd.asked.splice(0), ["page_index", "page_entries 10.0.0.1"]);
  stafd.sender = ":1.8";
  await pages.fetch(stafd.ask);
  assert.deepEqual(
    stafd.asked,
    ["page_index", "page_entries 10.0.0.2", "page_entries 10.0.0.1"],
    "another stafd's are others",
  );
});

Deno.test("a page that changed is asked for by its name, without the index, and is then known", async () => {
  const stafd = new FakeStafd();
  stafd.add(1, ["a"]);
  stafd.add(2, ["b"]);
  const pages = new StafdPages();
  await pages.fetch(stafd.ask);
  stafd.dcs = stafd.dcs.slice(1);
  stafd.add(1, ["c", "d"], { readAt: 9, genctr: "2" });
  stafd.asked.splice(0);
  const one = await pages.fetchOnly(stafd.ask, tidOf(1));
  assert.deepEqual(listed(one), ["10.0.0.1 read true c,d"]);
  assert.ok(one.is === "report" && one.report.only === true);
  assert.deepEqual(stafd.asked.splice(0), ["page_entries 10.0.0.1"]);
  assert.deepEqual(listed(await pages.fetch(stafd.ask)), ["10.0.0.2 read true b", "10.0.0.1 read true c,d"]);
  assert.deepEqual(stafd.asked.splice(0), ["page_index"]);
  // What cannot be had is nothing, not an empty page.
  assert.deepEqual(listed(await pages.fetchOnly(stafd.ask, tidOf(3))), []);
  stafd.errors.set("10.0.0.1", "LimitsExceeded");
  assert.deepEqual(listed(await pages.fetchOnly(stafd.ask, tidOf(1))), []);
  stafd.errors.set("10.0.0.1", "NoReply");
  assert.equal((await pages.fetchOnly(stafd.ask, tidOf(1))).is, "failed");
  stafd.errors.set("10.0.0.1", "UnknownMethod");
  assert.equal((await pages.fetchOnly(stafd.ask, tidOf(1))).is, "older");
  stafd.errors.clear();
  stafd.sender = ":1.8";
  stafd.asked.splice(0);
  const all = await pages.fetchOnly(stafd.ask, tidOf(1));
  assert.ok(all.is === "report" && all.report.only === undefined, "another stafd may know other things");
  assert.deepEqual(stafd.asked, [
    "page 10.0.0.1",
    "page_index",
    "page_entries 10.0.0.2",
    "page_entries 10.0.0.1",
  ]);
});

Deno.test("a stafd without page_entries is asked for texts, which say the same, until another one comes", async () => {
  const stafd = new FakeStafd();
  stafd.add(1, ["a", "b"]);
  stafd.add(2, ["c"]);
  stafd.add(3, ["d"], { entries: [entryFromText({ trtype: "strange", subnqn: "d" })] });
  const wanted = await new StafdPages().fetch(stafd.ask);
  assert.deepEqual(listed(wanted), [
    "10.0.0.1 read true a,b",
    "10.0.0.2 read true c",
    "10.0.0.3 read true d",
  ]);
  stafd.isOld = true;
  stafd.asked.splice(0);
  const pages = new StafdPages();
  assert.deepEqual(await pages.fetch(stafd.ask), wanted);
  assert.deepEqual(stafd.asked.splice(0), [
    "page_index",
    "page_entries 10.0.0.3",
    "page 10.0.0.3",
    "page 10.0.0.2",
    "page 10.0.0.1",
  ]);
  assert.deepEqual(listed(await pages.fetchOnly(stafd.ask, tidOf(2))), ["10.0.0.2 read true c"]);
  assert.deepEqual(stafd.asked.splice(0), ["page 10.0.0.2"]);
  // Upgraded: another owner of the name.
  stafd.isOld = false;
  stafd.sender = ":1.8";
  assert.deepEqual(listed(await pages.fetchOnly(stafd.ask, tidOf(2))), listed(wanted));
  assert.deepEqual(stafd.asked.splice(0), [
    "page 10.0.0.2",
    "page_index",
    "page_entries 10.0.0.3",
    "page_entries 10.0.0.2",
    "page_entries 10.0.0.1",
  ]);
  // And back again.
  stafd.isOld = true;
  stafd.sender = ":1.9";
  assert.deepEqual(listed(await pages.fetchOnly(stafd.ask, tidOf(2))), listed(wanted));
});

Deno.test("a page with one entry that is none is garbled as a whole: nothing is missing from it (S2)", async () => {
  const stafd = new FakeStafd();
  stafd.add(1, ["a", "b"]);
  const pages = new StafdPages();
  assert.equal((await pages.fetch(stafd.ask)).is, "report");
  stafd.dcs = [];
  stafd.add(1, ["a", "b"], { readAt: 9 });
  const ask: AskStafd = async (question) => {
    const reply = await stafd.ask(question);
    const [text] = reply.ok ? reply.body : [];
    return reply.ok ? { ...reply, body: [String(text).replace('"trtype":3', '"trtype":"tcp"')] } : reply;
  };
  for (const fetched of [await pages.fetch(ask), await pages.fetchOnly(ask, tidOf(1))]) {
    assert.deepEqual(fetched, { is: "garbled", message: "page_entries.dc.entries[0]: not an entry" });
  }
});

Deno.test("a page that cannot be had for its own sake is unknown, and the others come whole", async () => {
  const stafd = new FakeStafd();
  for (const n of [1, 2, 3, 4]) stafd.add(n, ["a"]);
  stafd.errors.set("10.0.0.1", "LimitsExceeded");
  stafd.errors.set("10.0.0.2", "Failed");
  stafd.bytes.set("10.0.0.3", MAX_REPORT + 1);
  assert.deepEqual(listed(await new StafdPages().fetch(stafd.ask)), [
    "10.0.0.1 none false",
    "10.0.0.2 none false",
    "10.0.0.3 none false",
    "10.0.0.4 read true a",
  ]);
  assert.equal(stafd.asked.includes("page_entries 10.0.0.3"), false, "what is too much is not asked for");
  const pages = new StafdPages();
  const partial = async (): Promise<unknown> => {
    const fetched = await pages.fetch(stafd.ask);
    return fetched.is === "report" ? fetched.report.partial : fetched;
  };
  assert.equal(await partial(), true, "it is asked for again");
  stafd.errors.clear();
  assert.equal(await partial(), undefined);
});

Deno.test("a stafd that stops answering is a failure, and what was had is not asked for again", async () => {
  const stafd = new FakeStafd();
  for (const n of [1, 2, 3]) stafd.add(n, ["a"]);
  stafd.errors.set("10.0.0.2", "NoReply");
  const pages = new StafdPages();
  assert.equal((await pages.fetch(stafd.ask)).is, "failed");
  stafd.errors.clear();
  stafd.asked.splice(0);
  assert.equal(listed(await pages.fetch(stafd.ask)).length, 3);
  assert.deepEqual(stafd.asked, ["page_index", "page_entries 10.0.0.2", "page_entries 10.0.0.3"]);
});

Deno.test("one that goes between the index and its page is unknown; another stafd in between is no report", async () => {
  const stafd = new FakeStafd();
  stafd.add(1, ["a"]);
  stafd.add(2, ["b"]);
  const gone: AskStafd = async (question) => {
    const reply = await stafd.ask(question);
    stafd.dcs = stafd.dcs.filter(({ tid }) => tid.traddr !== "10.0.0.2");
    return reply;
  };
  assert.deepEqual(listed(await new StafdPages().fetch(gone)), [
    "10.0.0.1 read true a",
    "10.0.0.2 none false",
  ]);
  const other: AskStafd = async (question) => {
    const reply = await stafd.ask(question);
    stafd.sender = ":1.9";
    return reply;
  };
  assert.equal((await new StafdPages().fetch(other)).is, "garbled");
});

Deno.test("over a real bus: 30 controllers, of which two have pages longer than any message; the others' come", async () => {
  await using bus = await privateBus();
  const stafd = new FakeStafd();
  for (let n = 1; n <= 28; n++) stafd.add(n, [`nqn.${n}`]);
  const long = "x".repeat(MAX_PAGE_REPLY);
  stafd.add(29, [long]);
  stafd.add(30, [long, long, long]);
  for (const n of [29, 30]) stafd.bytes.set(`10.0.0.${n}`, 1000);
  const [served, asking] = await Promise.all([Bus.connect(bus.address), Bus.connect(bus.address)]);
  assert.ok(served.ok && asking.ok);
  const pageEntries = (asked: AskedTid): string => stafd.entries(asked.traddr);
  serveStaf(served.bus, stafHandlers({ pageIndex: () => stafd.index(), pageEntries }));
  await served.bus.requestName(STAF.name);
  const fetched = await new StafdPages().fetch((question) =>
    asking.bus.call({
      ...question,
      destination: STAF.name,
      path: STAF.path,
      interface: `${STAF.name}.v1`,
      gives: "s",
    })
  );
  const texts = listed(fetched);
  assert.equal(texts.filter((text) => text.includes("read true nqn.")).length, 28);
  assert.deepEqual(texts.slice(28), ["10.0.0.29 none false", "10.0.0.30 none false"]);
  served.bus.close();
  asking.bus.close();
});

Deno.test("S11, S16: pages that have changed come one by one ahead of the report, short ones first", async () => {
  const stafd = new FakeStafd();
  const long = Array.from({ length: 100 }, (_, n) => `long${n}`);
  const add = (readAt: number): void => {
    stafd.dcs = [];
    for (const n of [1, 2]) stafd.add(n, [...long, `${n}`], { readAt });
    stafd.add(3, ["short"], { readAt });
    stafd.add(4, ["same"]);
  };
  const pages = new StafdPages();
  const ahead: string[] = [];
  const fetch = async (): Promise<Fetched> =>
    await pages.fetch(stafd.ask, ({ dcs: [dc, ...others], ...report }) => {
      assert.deepEqual([others, report], [[], { retired: [], unknowns: [], only: true, ahead: true }]);
      ahead.push(`${dc?.tid.traddr} ${dc?.readAt} ${dc?.entries.at(-1)?.["subnqn"]}`);
    });
  add(10);
  const first = await fetch();
  assert.deepEqual(ahead, [], "what is not known yet comes with the report");
  add(20);
  const second = await fetch();
  assert.deepEqual(ahead, ["10.0.0.3 20 short", "10.0.0.1 20 1", "10.0.0.2 20 2"]);
  assert.deepEqual(listed(second), listed(first), "the report has all of them, in its own order");
});

Deno.test("S16: a short page that changes while long ones are fetched has the next turn, and each has one turn more", async () => {
  const stafd = new FakeStafd();
  const long = Array.from({ length: 100 }, (_, n) => `long${n}`);
  const add = (readAt: number): void => {
    stafd.dcs = [];
    for (const n of [1, 2, 3]) stafd.add(n, long, { readAt });
    stafd.add(4, ["short"], { readAt });
  };
  const pages = new StafdPages();
  add(10);
  await pages.fetch(stafd.ask);
  add(20);
  stafd.asked.length = 0;
  const asks = async (question: Parameters<AskStafd>[0]): Promise<Reply> => {
    const reply = await stafd.ask(question);
    // Two of them change again and again.
    if (question.member === "page_entries" && stafd.asked.length < 100) {
      for (const n of [1, 4]) pages.changed(tidOf(n));
    }
    return reply;
  };
  const ahead: string[] = [];
  await pages.fetch(asks, ({ dcs }) => ahead.push(...dcs.map(({ tid }) => tid.traddr)));
  assert.deepEqual(stafd.asked, ["page_index", ...[4, 4, 1, 2, 3, 1].map((n) => `page_entries 10.0.0.${n}`)]);
  assert.deepEqual(ahead, [4, 4, 1, 2, 3, 1].map((n) => `10.0.0.${n}`));
});
