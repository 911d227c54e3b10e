/** V4: what discovery controllers say is kept within a budget, and none takes the room of the others. */
import assert from "node:assert/strict";
import { MAX_PAGE_TEXT } from "../../../src/lib/nvme/page_decoder.ts";
import { MAX_CTLS } from "../../../src/lib/core/fleet/fleet.ts";
import { mdnsAuthority } from "../../../src/lib/core/sources/origin_of.ts";
import {
  intakeOf,
  type Kept,
  MAX_PAGES_TEXT,
  MDNS_PAGES_TEXT,
  overBudget,
  textBytes,
} from "../../../src/lib/core/stafd/page_budget.ts";
import type { DiscoveryEntry, DiscoveryLog } from "../../../src/lib/nvme/discovery_entry.ts";
import { stafdReport } from "../../../src/lib/daemon/report.ts";
import { entryFromText, entryToText } from "../../../src/lib/nvme/entry_text.ts";
import { newDc } from "../../../src/lib/core/stafd/stafd_state.ts";
import { OneDc } from "./one_dc.ts";

const MIB = 1024 * 1024;

const entry = (n: number, subnqn: string, traddr = "10.0.0.1"): DiscoveryEntry => ({
  trtype: 3,
  adrfam: 1,
  subtype: 2,
  treq: 0,
  portid: n,
  cntlid: 65535,
  asqsz: 32,
  eflags: 0,
  traddr,
  trsvcid: "4420",
  subnqn,
  tsas: { kind: "tcp", sectype: "none" },
});

/** An NQN of so many bytes. */
const nqn = (bytes: number, n = 0): string => `nqn.2014-08.x:${n}.`.padEnd(bytes, "y");

Deno.test("an NQN of 223 bytes is taken, one of 224 is refused, and counted; bytes, not letters", () => {
  const intake = intakeOf([
    entry(1, nqn(223)),
    entry(2, nqn(224)),
    entry(3, `${nqn(222)}\u00fc`),
    entry(4, "nqn.a"),
  ]);
  assert.deepEqual([intake.entries.map(({ subnqn }) => subnqn), intake.refused], [[nqn(223), "nqn.a"], 2]);
  assert.deepEqual(intakeOf([entry(1, "nqn.a", "")]), { entries: [], refused: 0, bytes: 2 });
});

Deno.test("of a page that is read again only the entries that have changed are new, and the length is that of all", () => {
  const first = intakeOf([entry(1, "nqn.a"), entry(2, "nqn.b"), entry(3, "nqn.c")]);
  const next = intakeOf([entry(3, "nqn.c"), entry(1, "nqn.a"), entry(4, nqn(200))], first);
  assert.deepEqual(next.entries.map((one) => first.entries.includes(one)), [true, true, false]);
  assert.equal(next.bytes, textBytes(next.entries));
  assert.deepEqual(intakeOf([], next), { entries: [], refused: 0, bytes: 2 });
});

Deno.test("the length of entries is never less than that of their JSON", () => {
  const texts = ["", "plain", 'q"uote', "back\\slash", "\u00fc", "\u2028", "\u{1f600}", "\u007f"];
  for (const text of texts) {
    const entries = [{ subnqn: text, traddr: "x" }, { a: text }].map(entryFromText);
    const json = JSON.stringify([...entries, entry(1, text)].map(entryToText));
    assert.ok(textBytes([...entries, entry(1, text)]) >= new TextEncoder().encode(json).length, text);
  }
  const plain = [entry(1, nqn(100))];
  const json = JSON.stringify(plain.map(entryToText));
  assert.ok(textBytes(plain) <= json.length + 8, "and not much more, of plain text");
});

/** `part`: in 24ths of what all pages may have. */
const page = (key: string, authority: string, part: number): Kept => ({
  key,
  authority,
  bytes: part * MAX_PAGES_TEXT / 24,
});
const over = (...pages: readonly Kept[]): readonly string[] => [...overBudget(pages)].sort();

Deno.test("whoever takes most gives way; a small one never does", () => {
  assert.deepEqual(over(page("a", "A", 12), page("b", "B", 12)), []);
  assert.deepEqual(over(page("new", "C", 1), page("a", "A", 12), page("b", "B", 11.5)), ["a"]);
  // Ten referrals of one authority are one authority.
  const many = Array.from({ length: 10 }, (_, n) => page(`m${n}`, "M", 2.4));
  assert.deepEqual(over(...many, page("b", "B", 6)).length, 3);
  assert.ok(over(...many, page("b", "B", 6)).every((key) => key.startsWith("m")));
  assert.deepEqual(over(page("new", "A", 12), page("b", "B", 7), page("c", "C", 7)), ["new"]);
});

Deno.test("mDNS gives way first while it has more than a quarter, and may have all that nobody else needs", () => {
  const heard = Array.from({ length: 6 }, (_, n) => page(`m${n}`, mdnsAuthority(`eth${n % 2}`), 4));
  assert.equal(MAX_PAGES_TEXT, 4 * MIB);
  assert.equal(MDNS_PAGES_TEXT, MIB);
  assert.deepEqual(over(...heard), []);
  assert.ok(over(...heard, page("a", "A", 12)).every((key) => key.startsWith("m")));
  assert.equal(over(...heard, page("a", "A", 12)).length, 3);
  // A quarter is theirs: then it is the others' turn.
  assert.deepEqual(over(page("m", mdnsAuthority("eth0"), 5), page("a", "A", 12), page("b", "B", 11)), ["a"]);
});

const flood = Array.from({ length: 16_384 }, (_, n) => entry(n, nqn(223, n), `${"1".repeat(200)}.${n}`));

Deno.test("as many entries of the usual length as there may be controllers have room", () => {
  const usual = flood.slice(0, MAX_CTLS).map((_, n) => entry(n, nqn(68, n), `192.168.${n >> 8}.${n & 255}`));
  assert.ok(textBytes(intakeOf(usual).entries) < MAX_PAGE_TEXT);
});

/** A page whose entries are all here, and one of which the reader has left them out. */
const OVER = new Map<string, () => DiscoveryLog>([
  ["", () => ({ genctr: 2n, entries: flood.map((one) => ({ ...one, traddr: "\u00fc".repeat(120) })) })],
  [" when it was read", () => ({ genctr: 2n, entries: [], tooMany: 16_384 })],
]);

function overTheLimit(over: DiscoveryLog): void {
  const dc = new OneDc("ddc");
  const read = (value: DiscoveryLog): void => {
    const job = dc.last("read-log");
    dc.take({
      type: "log-read",
      op: job.op,
      key: job.key,
      outcome: { ok: true, value },
    });
  };
  dc.take({
    type: "registered",
    op: dc.last("register").op,
    key: dc.last("register").key,
    outcome: { ok: true, value: undefined },
  });
  dc.take({
    type: "supported-logs",
    op: dc.last("supported-logs").op,
    key: dc.last("supported-logs").key,
    outcome: { ok: true, value: 0 },
  });
  read({
    genctr: 1n,
    entries: [entry(1, "nqn.a"), {
      ...entry(2, "nqn.b"),
      subtype: 1,
      subnqn: "nqn.2014-08.org.nvmexpress.discovery",
    }],
  });
  assert.equal(dc.state.fleet.ctls.size, 2, "its referral is followed");
  const before = stafdReport(dc.state, dc.now).dcs.find(({ page }) => page === "read");
  assert.equal(before?.current, true);
  dc.take({ type: "aen", device: "nvme0", value: 0x70f002 });
  read(over);
  const after = stafdReport(dc.state, dc.now).dcs.find(({ page }) => page === "read");
  assert.deepEqual([after?.genctr, after?.entries.length, after?.current], ["1", 2, false]);
  assert.equal(dc.state.fleet.ctls.size, 2, "nothing is withdrawn");
  const said = dc.effects.flatMap((effect) => effect.do === "log" ? [effect.entry.message] : []);
  assert.match(
    said.at(-1) ?? "",
    /its log page has 16384 entries (of \d+ MiB in all, more|with more text) than the limit of 4 MiB/,
  );
  const wakes = [...dc.state.dcs].map(([, { readLog }]) => readLog?.retryAt?.mono).filter((at) =>
    at !== undefined
  );
  assert.equal(wakes.length, 1);
  assert.ok((wakes[0] ?? 0) >= 48_000, "not at once: it would be as long again");
}

for (const [when, over] of OVER) {
  Deno.test(`a page over the limit${when} is unknown: what was read before stays, nothing follows, and it is tried again`, () =>
    overTheLimit(over()));
}

Deno.test("a page that needs the room of all pages has it from whoever takes most, whose page is unknown then", () => {
  const dc = new OneDc("none");
  const bytes = MAX_PAGES_TEXT - 100;
  const page = { genctr: "1", readAt: 0, toldAt: undefined, fresh: true, entries: [], bytes };
  dc.state = { ...dc.state, dcs: dc.state.dcs.with("other", { ...newDc, page }) };
  const asked = dc.last("supported-logs");
  dc.take({ type: "supported-logs", op: asked.op, key: asked.key, outcome: { ok: true, value: 0 } });
  const job = dc.last("read-log");
  const log = { genctr: 1n, entries: [entry(1, nqn(200))] };
  dc.take({ type: "log-read", op: job.op, key: job.key, outcome: { ok: true, value: log } });
  assert.equal(dc.state.dcs.get("other")?.page, undefined);
  assert.equal(dc.state.dcs.get(job.key)?.page?.entries.length, 1);
});
