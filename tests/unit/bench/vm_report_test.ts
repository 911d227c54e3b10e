import assert from "node:assert/strict";
import { parseBench, report } from "../../bench/vm/report.ts";

Deno.test("what lab-bench prints is read as the numbers of each turn; nothing measured is an error", () => {
  const start = {
    summary: { "all-iocs": { median: 6.9, min: 4, max: 7 } },
    after: {
      stafd: { mem_KiB: { Pss: 25606, RssAnon: 19776, Threads: 4 }, cpu_s: 1 },
      stacd: { mem_KiB: { Pss: 26001, RssAnon: 20132 } },
    },
    rows: [{ "all-iocs": 6.9, "stacd-cpu": 2.7, "first": null }],
  };
  assert.deepEqual(parseBench(JSON.stringify(start), "start"), [{
    "all-iocs": 6.9,
    "stacd-cpu": 2.7,
    "stafd.Pss": 25606,
    "stafd.RssAnon": 19776,
    "stacd.Pss": 26001,
    "stacd.RssAnon": 20132,
  }]);
  const aen = { rows: [[{ aen: 0.4 }, { aen: 0.01 }], [{ "ioc-removed": 1.7 }, { "ioc-removed": 1.6 }]] };
  assert.deepEqual(parseBench(JSON.stringify(aen), "aen"), [
    { "add.aen": 0.4, "remove.ioc-removed": 1.7 },
    { "add.aen": 0.01, "remove.ioc-removed": 1.6 },
  ]);
  for (const nothing of ["{}", "[]", '{"rows":[]}', '{"rows":[{"all-iocs":null}]}']) {
    assert.throws(() => parseBench(nothing, "start"), /measured nothing/);
  }
});

Deno.test("the table has the median of each, and how ours compares", () => {
  const start = (who: "ours" | "peer", value: number) => ({
    who,
    verb: "start",
    subs: 50,
    numbers: { "all-iocs": value },
  });
  const text = report([
    { who: "bare", verb: "bare", subs: 50, numbers: { "all-iocs": 6 } },
    start("ours", 9),
    start("ours", 30),
    start("ours", 8),
    start("peer", 18),
    { who: "ours", verb: "aen", subs: 3, numbers: { "add.aen": 0.2 } },
  ]);
  const rows = text.split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[1], ["start all-iocs", "50", "6", "9", "18", "1.50", "0.50"]);
  assert.match(rows[2]?.join("|") ?? "", /^aen add\.aen\|3\|0\.2$/);
});
