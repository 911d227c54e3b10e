/** stacd takes a page in: only what has changed on it is work, and what has not changed counts as listed again. */
import assert from "node:assert/strict";
import { Table } from "../../../src/lib/base/table.ts";
import { restoredStacd, savedStacd } from "../../../src/lib/core/saved/stacd_saved.ts";
import { unknownsOf } from "../../../src/lib/core/stacd/stacd_pages.ts";
import { emptyStacd } from "../../../src/lib/core/stacd/stacd_state.ts";
import type { FetchedReport, ReportedDc } from "../../../src/lib/ports.ts";
import { conf, entry, listOf, page, Stacd } from "./taking_pages.ts";

/** Runs it and counts the entries of tables that it goes through, which the count of work leaves out in places. */
function visited(run: () => void): number {
  const names = ["keys", "values", Symbol.iterator] as const;
  const originals = names.map((name) => Object.getOwnPropertyDescriptor(Table.prototype, name));
  let count = 0;
  names.forEach((name, at) => {
    const original: unknown = originals[at]?.value;
    assert.ok(typeof original === "function");
    const counting = function* (this: Table<unknown>): Iterable<unknown> {
      for (const one of original.call(this)) {
        count++;
        yield one;
      }
    };
    Object.defineProperty(Table.prototype, name, { ...originals[at], value: counting });
  });
  try {
    run();
  } finally {
    names.forEach((name, at) => Object.defineProperty(Table.prototype, name, originals[at] ?? {}));
  }
  return count;
}

const ENTRIES = 100;

/** One entry of a page gives way to another one, while so many other pages list as many each. */
function oneOfMany(others: number) {
  const stacd = new Stacd();
  const pages = Array.from({ length: others }, (_, n) => page(n + 2, 1, listOf(n + 2, 0, ENTRIES)));
  stacd.report(page(1, 1, listOf(1, 0, ENTRIES)), ...pages);
  stacd.connectAll();
  const before = new Map(stacd.ctls.map((ctl) => [ctl.key, ctl]));
  const next = page(1, 2, listOf(1, 1, ENTRIES));
  stacd.take({ type: "stafd-changed" });
  const looks = visited(() => stacd.report(next, ...pages));
  const changed = stacd.ctls.filter((ctl) => before.get(ctl.key) !== ctl).map(({ tid }) => tid.subsysnqn);
  return { stacd, looks, work: stacd.work, changed };
}

Deno.test("one changed entry of a long page is work for that entry, whatever other pages list", () => {
  const alone = oneOfMany(0);
  const amongMany = oneOfMany(20);
  for (const { stacd, changed } of [alone, amongMany]) {
    assert.deepEqual(changed.toSorted(), ["nqn.x:1-0", `nqn.x:1-${ENTRIES}`], "the old one and the new one");
    assert.equal(stacd.phase(1, ENTRIES), "reaching");
    assert.equal(stacd.at(1, 0).claims.size, 0);
  }
  // Each entry is looked up once, and each controller of the page once.
  assert.ok(alone.work < 2 * ENTRIES + 50, `${alone.work} looks and decisions`);
  assert.ok(alone.looks < ENTRIES + 50, `${alone.looks} entries of tables`);
  assert.ok(amongMany.work <= alone.work + 20, `${amongMany.work} looks instead of ${alone.work}`);
  assert.equal(amongMany.looks, alone.looks, "nothing goes through the controllers of other pages");
});

Deno.test("what is listed again by an entry that has not changed is listed by the present page", () => {
  const stacd = new Stacd();
  stacd.report(page(1, 7, listOf(1, 0, 3)));
  stacd.connectAll();
  stacd.report(page(1, 8, listOf(1, 0, 3).toReversed()));
  assert.match(stacd.says(1, 1), /generation 8/);
  const again = restoredStacd(JSON.parse(savedStacd(stacd.state)));
  assert.match(new Stacd(again).says(1, 1), /generation 8/, "after a restart, too");
});

Deno.test("an entry that changes without naming another controller replaces the claim", () => {
  const stacd = new Stacd();
  stacd.report(page(1, 1, listOf(1, 0, 2)));
  stacd.report(page(1, 2, [entry(1, 0), entry(1, 1, { eflags: 4 })]));
  const [claim] = stacd.at(1, 1).claims.values();
  assert.ok(claim?.kind === "log-page");
  assert.equal(claim.entry.eflags, 4);
  // The last entry that names it counts, wherever it stands.
  stacd.report(page(1, 3, [entry(1, 1, { eflags: 4 }), entry(1, 0), entry(1, 1)]));
  const [last] = stacd.at(1, 1).claims.values();
  assert.ok(last?.kind === "log-page");
  assert.equal(last.entry.eflags, 0);
});

Deno.test("a page that no longer lists a controller but withdraws nothing leaves it to the page that listed it", () => {
  const stacd = new Stacd();
  stacd.report(page(1, 1, listOf(1, 0, 3)));
  stacd.connectAll();
  stacd.report(page(1, 2, listOf(1, 1, 2), { page: "cached" }));
  assert.match(stacd.says(1, 0), /generation 1$/);
  assert.match(stacd.says(1, 1), /generation 2$/);
  stacd.report(page(1, 3, listOf(1, 1, 2), { page: "cached" }));
  assert.match(stacd.says(1, 0), /generation 1$/);
  stacd.report(page(1, 4, listOf(1, 0, 3), { page: "cached" }));
  assert.match(stacd.says(1, 0), /generation 4$/, "it is listed again");
  stacd.report(page(1, 5, listOf(1, 1, 2)));
  assert.equal(stacd.at(1, 0).claims.size, 0, "read, and withdrawn");
  assert.notEqual(stacd.at(1, 0).removeAt, undefined);
});

Deno.test("a page that is unknown for a while lists what it listed", () => {
  const stacd = new Stacd();
  stacd.report(page(1, 1, listOf(1, 0, 3)));
  stacd.connectAll();
  stacd.report(page(1, 0, [], { page: "none", genctr: "" }));
  assert.match(stacd.says(1, 0), /generation 1$/);
  stacd.report(page(1, 2, listOf(1, 1, 3)));
  assert.equal(stacd.at(1, 0).claims.size, 0);
  assert.match(stacd.says(1, 1), /generation 2$/);
});

Deno.test("a new generation lets what waits be tried again, and the same generation read again does not", () => {
  const stacd = new Stacd();
  stacd.report(page(1, 1, listOf(1, 0, 2)));
  const { scan } = stacd.state.fleet;
  assert.ok(scan !== undefined);
  stacd.take({ type: "scanned", op: scan, outcome: { ok: true, value: [] } });
  for (const { key, link } of stacd.ctls) {
    assert.ok(link.phase === "reaching" && link.op !== undefined);
    const failure = { phase: "reach", kind: "transient", message: "no answer" } as const;
    stacd.take({ type: "reached", op: link.op, key, outcome: { ok: false, failure } });
  }
  assert.deepEqual(stacd.ctls.map(({ link, attempts }) => [link.phase, attempts]), [["waiting", 1], [
    "waiting",
    1,
  ]]);
  stacd.report(page(1, 1, listOf(1, 0, 2), { readAt: 999 }));
  assert.deepEqual(stacd.ctls.map(({ attempts }) => attempts), [1, 1]);
  stacd.report(page(1, 2, listOf(1, 0, 2)));
  assert.deepEqual(stacd.ctls.map(({ attempts }) => attempts), [0, 0]);
});

Deno.test("removals under way are known by name, without a search through all controllers", () => {
  const stacd = new Stacd();
  stacd.report(page(1, 1, listOf(1, 0, 3)));
  stacd.connectAll();
  assert.deepEqual([...stacd.state.fleet.leaving.keys()], []);
  stacd.report(page(1, 2, listOf(1, 1, 2)));
  assert.deepEqual([...stacd.state.fleet.leaving.keys()], [stacd.at(1, 0).key]);
  stacd.report(page(1, 3, listOf(1, 0, 3)));
  assert.deepEqual([...stacd.state.fleet.leaving.keys()], [], "it is wanted again");
});

const only = (...dcs: readonly ReportedDc[]): FetchedReport => ({
  dcs,
  retired: [],
  unknowns: [],
  only: true,
});

Deno.test("a page that stafd names is asked for alone, and says nothing about the others", () => {
  const stacd = new Stacd();
  const [first, second] = [page(1, 1, listOf(1, 0, 2)), page(2, 1, listOf(2, 0, 2))];
  stacd.report(first, second);
  stacd.connectAll();
  const { knownAt } = stacd.state.stafd;
  stacd.mono = 1_000;
  stacd.take({ type: "stafd-changed", page: first.tid });
  assert.equal(stacd.asked, "10.255.1.1");
  stacd.answer(only(page(1, 2, listOf(1, 1, 2))));
  assert.equal(stacd.asked, undefined);
  assert.equal(stacd.at(1, 0).claims.size, 0);
  assert.equal(stacd.phase(1, 2), "reaching");
  assert.match(stacd.says(2, 0), /generation 1$/);
  assert.equal(stacd.state.pages.size, 2);
  assert.deepEqual(stacd.state.stafd.knownAt, knownAt, "stafd has not confirmed the rest (S14)");
});

Deno.test("S14: the page that was not current comes alone: what was held because of it is judged at once", () => {
  const stacd = new Stacd();
  const missing = page(2, 1, [], { current: false });
  stacd.report(page(1, 1, listOf(1, 0, 2)), missing);
  stacd.connectAll();
  stacd.report(page(1, 2, listOf(1, 1, 1)), missing);
  assert.deepEqual([...stacd.state.fleet.leaving.keys()], [stacd.at(1, 0).key]);
  stacd.mono += 60_000;
  stacd.take({ type: "stafd-changed", page: missing.tid });
  assert.equal(stacd.asked, "10.255.1.2");
  stacd.answer(only(page(2, 2, [])));
  assert.equal(stacd.asked, "all", "the removal needs every page once more (S14)");
});

Deno.test("the whole report is asked for when one page is not enough", () => {
  const stacd = new Stacd();
  const [first, second] = [page(1, 1, listOf(1, 0, 2)), page(2, 1, listOf(2, 0, 2))];
  // Not before stafd's first report.
  const { op } = stacd.state.stafd;
  assert.ok(op !== undefined);
  const failure = { phase: "bus", kind: "transient", message: "no answer" } as const;
  stacd.take({ type: "fetched", op, outcome: { ok: false, failure } });
  stacd.take({ type: "stafd-changed", page: first.tid });
  assert.equal(stacd.asked, "all");
  stacd.answer({ dcs: [first, page(3, 1, [], { page: "none" })], retired: [], unknowns: [] });
  // A page that has not been read, or that stacd has never heard of: stafd may know more that is new.
  for (const { tid } of [page(3, 1, []), second]) {
    stacd.take({ type: "stafd-changed", page: tid });
    assert.equal(stacd.asked, "all");
    stacd.answer({ dcs: [first, page(3, 1, [], { page: "none" })], retired: [], unknowns: [] });
  }
  // Two pages, one after the other.
  stacd.take({ type: "stafd-changed", page: first.tid });
  stacd.take({ type: "stafd-changed", page: second.tid });
  stacd.answer(only(page(1, 2, listOf(1, 0, 2))));
  assert.equal(stacd.asked, "all");
  stacd.report(first, second);
  // It is gone by now, or too long.
  stacd.take({ type: "stafd-changed", page: first.tid });
  stacd.answer(only());
  assert.equal(stacd.asked, "all");
  stacd.report(first, second);
  assert.equal(stacd.at(1, 0).claims.size, 1);
  // Another stafd: what it says of this page is news, and so is the rest.
  stacd.take({ type: "stafd", present: false });
  stacd.take({ type: "stafd", present: true });
  stacd.answer({ dcs: [], retired: [], unknowns: ["nothing yet"] });
  stacd.take({ type: "stafd-changed", page: first.tid });
  assert.equal(stacd.asked, "all");
});

Deno.test("an audit has the whole report", () => {
  const audited =
    "[I/O controller connection management]\ndisconnect-scope = all-connections-matching-disconnect-trtypes\n";
  const stacd = new Stacd(emptyStacd, audited);
  const first = page(1, 1, listOf(1, 0, 2));
  stacd.report(first);
  stacd.take({ type: "stafd-changed", page: first.tid });
  assert.equal(stacd.asked, "all");
});

Deno.test("S2: a page that stafd no longer reports and has not dropped is unknown; one that it has dropped is not (seed 304692)", () => {
  const audited =
    "[I/O controller connection management]\ndisconnect-scope = all-connections-matching-disconnect-trtypes\n";
  const stacd = new Stacd(emptyStacd, audited);
  const first = page(1, 1, listOf(1, 0, 2));
  const second = page(2, 1, listOf(2, 0, 2));
  const unknowns = (): readonly string[] => unknownsOf(stacd.state, { mono: stacd.mono, wall: stacd.mono });
  stacd.report(first, second);
  assert.deepEqual(unknowns(), []);
  stacd.report(second);
  assert.deepEqual(unknowns(), [
    "stafd does not report what (tcp, 10.255.1.1, 8009, nqn.2014-08.org.nvmexpress.discovery) lists now",
  ]);
  stacd.report(first, second);
  assert.deepEqual(unknowns(), [], "it is reported again");
  stacd.take({ type: "stafd-changed" });
  stacd.answer({ dcs: [second], retired: [{ tid: first.tid, why: "exclude", at: 1 }], unknowns: [] });
  assert.deepEqual(unknowns(), [], "it was dropped");
});

Deno.test("S11: pages that come ahead of the report are taken in one at a time; the report has no work left", () => {
  const PAGES = 20;
  const ENTRIES = 100;
  const stacd = new Stacd();
  const all = (genctr: number): readonly ReportedDc[] =>
    Array.from({ length: PAGES }, (_, n) => page(n, genctr, listOf(n, 0, genctr * ENTRIES)));
  stacd.report(...all(1));
  stacd.connectAll();
  const whole = all(2);
  stacd.take({ type: "stafd-changed" });
  const { op } = stacd.state.stafd;
  const steps: number[] = [];
  for (const dc of whole) {
    stacd.answer({ dcs: [dc], retired: [], unknowns: [], only: true, ahead: true });
    assert.equal(stacd.state.stafd.op, op, "the report is still to come");
    steps.push(stacd.work);
  }
  assert.equal(stacd.at(PAGES - 1, 2 * ENTRIES - 1).link.phase, "reaching", "it is followed at once");
  stacd.answer({ dcs: whole, retired: [], unknowns: [] });
  assert.equal(stacd.state.stafd.op, undefined);
  assert.ok(stacd.work <= PAGES * ENTRIES, `${stacd.work} looks for the report`);
  const most = Math.max(...steps);
  assert.ok(most <= 30 * ENTRIES, `${most} looks for a page of ${ENTRIES}`);
});

/** An answer comes and is not taken in, the report fails, and the line of what it lists is removed. */
function lineRemoved(answered: (stacd: Stacd, listing: ReportedDc) => void): Stacd {
  const line = "controller = transport=tcp;traddr=10.1.0.0;trsvcid=4420;nqn=nqn.x:1-0";
  const stacd = new Stacd(emptyStacd, `[Controllers]\n${line}\n`);
  stacd.report(page(2, 1, []));
  stacd.connectAll();
  stacd.take({ type: "stafd-changed" });
  answered(stacd, page(1, 1, listOf(1, 0, 1)));
  const { op } = stacd.state.stafd;
  assert.ok(op !== undefined);
  const failure = { phase: "bus", kind: "transient", message: "no answer" } as const;
  stacd.take({ type: "fetched", op, outcome: { ok: false, failure } });
  stacd.take({ type: "config", conf: conf(""), reload: true });
  assert.equal(stacd.at(1, 0).claims.size, 0);
  return stacd;
}

Deno.test("S2: what a page lists that was not taken in stays until a report comes, also if its line is removed (seed 502496)", () => {
  const ahead = (dc: ReportedDc): FetchedReport => ({ ...only(dc), ahead: true });
  const cases: readonly ((stacd: Stacd, listing: ReportedDc) => void)[] = [
    (stacd, listing) => stacd.answer(ahead(listing)),
    (stacd, listing) => {
      stacd.take({ type: "clock-set", ms: 60_000 });
      stacd.answer(ahead(listing));
    },
    (stacd, listing) => {
      stacd.take({ type: "clock-set", ms: 60_000 });
      stacd.report(listing, page(2, 1, []));
    },
  ];
  for (const answered of cases) {
    const stacd = lineRemoved(answered);
    assert.deepEqual([...stacd.state.fleet.leaving.keys()], [], "it is held");
    // The report does not list it any more.
    stacd.report(page(1, 2, []), page(2, 1, []));
    assert.deepEqual([...stacd.state.fleet.leaving.keys()], [stacd.at(1, 0).key]);
  }
});

Deno.test("S13: a page that stacd does not know by this name yet is left for the report that says what became of the old name", () => {
  const stacd = new Stacd();
  stacd.report(page(1, 1, listOf(1, 0, 2)));
  stacd.take({ type: "stafd-changed" });
  const moved = page(1, 1, listOf(1, 0, 3));
  const dc = { ...moved, tid: { ...moved.tid, hostNqn: "nqn.other" } };
  stacd.answer({ dcs: [dc], retired: [], unknowns: [], only: true, ahead: true });
  assert.equal(stacd.ctls.length, 2);
  stacd.answer({ dcs: [dc], retired: [], unknowns: [] });
  assert.equal(stacd.ctls.length, 3);
  assert.ok(stacd.ctls.every(({ claims }) => claims.size === 1), "each is claimed once, under the new name");
});

Deno.test("S14: an answer that was under way when the clock was set is not taken in; stafd is asked again", () => {
  const stacd = new Stacd();
  stacd.report(page(1, 1, listOf(1, 0, 2)));
  stacd.mono = 5_000;
  stacd.take({ type: "stafd-changed" });
  stacd.take({ type: "clock-set", ms: 7_200_000 });
  // stafd had not noticed yet: by the new clock, this page has been young for two hours.
  const young = { since: 4_000, why: "of a test", isFirst: false };
  const less = page(1, 2, listOf(1, 0, 1), { young });
  stacd.answer({ dcs: [less], retired: [], unknowns: [], only: true, ahead: true });
  assert.equal(stacd.asked, undefined, "the report is still to come");
  stacd.answer({ dcs: [less], retired: [], unknowns: [] });
  assert.equal(stacd.asked, "all");
  assert.equal([...stacd.state.pages.values()][0]?.young, undefined);
  assert.ok(stacd.ctls.every(({ claims }) => claims.size === 1), "nothing was withdrawn");
  stacd.answer({ dcs: [less], retired: [], unknowns: [] });
  assert.equal(stacd.ctls.filter(({ claims }) => claims.size === 1).length, 1);
});
