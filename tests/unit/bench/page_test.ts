import assert from "node:assert/strict";
import { staleBenchmarks } from "../../../scripts/documents/benchmarks.ts";
import { machineSection } from "../../bench/page/machine.ts";
import { soakSection } from "../../bench/page/native.ts";
import { PAGE } from "../../bench/page/page.ts";
import type { Round } from "../../bench/vm/report.ts";

const rounds = (who: Round["who"], verb: string, name: string, ...values: readonly number[]): Round[] =>
  values.map((value) => ({ who, verb, subs: 50, numbers: { [name]: value } }));

const kept = <Data>(data: Data) => ({ at: "2026-01-02", commit: "abc1234", data });

/** The cells of the row that begins with these words. */
function row(text: string, words: string): readonly string[] {
  const line = text.split("\n").find((one) => one.startsWith(`| ${words}`));
  return line?.split("|").slice(2, -1).map((cell) => cell.trim()) ?? [];
}

Deno.test("the page has the median of our turns and of the other's, our first turn apart, and the ratio", () => {
  const text = machineSection(kept([
    ...rounds("ours", "start", "first-ioc", 9, 3, 4),
    ...rounds("peer", "start", "first-ioc", 8, 8),
    ...rounds("ours", "start", "connecting", 12, 11, 11.5),
    ...rounds("bare", "bare", "connecting", 10),
    ...rounds("ours", "start", "stafd.Pss", 40 * 1024),
    ...rounds("peer", "start", "stafd.Pss", 20 * 1024),
  ]));
  assert.deepEqual(row(text, "both started, first"), [
    "3, 2",
    "9.0 s",
    "4.0 s",
    "8.0 s (original)",
    "0.50",
    "0.50",
  ]);
  assert.deepEqual(row(text, "all connected, from the first"), [
    "3, 1",
    "12.0 s",
    "11.5 s",
    "10.0 s (kernel)",
    "1.15",
    "1.10",
  ]);
  assert.deepEqual(row(text, "memory of stafd, Pss"), [
    "1, 1",
    "40 MB",
    "40 MB",
    "20 MB (original)",
    "2.00",
    "",
  ]);
  assert.match(text, /Behind the original: memory of stafd, Pss: 50 subsystems \(2\.00\)\.\n/);
  assert.match(text, /Commit abc1234, 2026-01-02\./);
});

Deno.test("a figure that one of the two lacks has no row", () => {
  const text = machineSection(kept(rounds("ours", "start", "first-ioc", 3)));
  assert.doesNotMatch(text, /first I\/O controller/);
  assert.match(text, /No figure is behind the original's\./);
});

Deno.test("a change that was missed is on the page", () => {
  const look = {
    hour: 6,
    changes: 10,
    stafd: 1,
    stacd: 2,
    reminders: 3,
    heap: 4e6,
    missed: ["nqn.a is listed only"],
  };
  const text = soakSection(kept({ looks: [look], cpuMs: 1 }));
  assert.match(text, /10 changes and failures in 6 hours; missed: nqn\.a is listed only\./);
});

Deno.test("a page that the numbers do not make is a problem", async () => {
  const text = { path: PAGE, lines: ["# Benchmarks", "", "Fast."] };
  assert.deepEqual((await staleBenchmarks([text])).map(({ path }) => path), [PAGE]);
  const lines = (await Deno.readTextFile(PAGE)).split("\n");
  assert.deepEqual(await staleBenchmarks([{ path: PAGE, lines }]), []);
});
