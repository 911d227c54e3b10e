import assert from "node:assert/strict";
import { parseMoment } from "../../../src/ctl/moment.ts";
import { stamp } from "../../../src/ctl/when.ts";

const NOW = new Date(2026, 10, 21, 20, 41, 5).getTime();
const local = (
  ...[y, m, d, h = 0, min = 0, s = 0]: readonly [number, number, number, number?, number?, number?]
) => new Date(y, m - 1, d, h, min, s).getTime();

Deno.test("moments: the simple forms of systemd.time", () => {
  for (
    const [text, at] of [
      ["now", NOW],
      ["today", local(2026, 11, 21)],
      ["Yesterday", local(2026, 11, 20)],
      ["2026-11-20", local(2026, 11, 20)],
      ["2026-11-20 08:15", local(2026, 11, 20, 8, 15)],
      [" 2026-11-20 08:15:59 ", local(2026, 11, 20, 8, 15, 59)],
      ["2026-11-20T08:15:59", local(2026, 11, 20, 8, 15, 59)],
      ["2026-11-20T08:15:59Z", Date.UTC(2026, 10, 20, 8, 15, 59)],
      ["2026-11-20T08:15:59.123Z", Date.UTC(2026, 10, 20, 8, 15, 59)],
      ["2026-11-20T08:15:59-03:30", Date.UTC(2026, 10, 20, 11, 45, 59)],
      ["2024-02-29", local(2024, 2, 29)],
      ["7:05", local(2026, 11, 21, 7, 5)],
      ["@1700000000", 1_700_000_000_000],
      ["-2h", NOW - 7_200_000],
      ["2h ago", NOW - 7_200_000],
      ["1h 30min ago", NOW - 5_400_000],
      ["-90", NOW - 90_000],
      ["-1w", NOW - 7 * 86_400_000],
      ["2 weeks ago", NOW - 14 * 86_400_000],
      ["9999999 days ago", 0],
    ] as const
  ) assert.equal(parseMoment(text, NOW), at, text);
});

Deno.test("moments: what a line of monitor or history begins with is one", () => {
  assert.equal(parseMoment(stamp(NOW), 0), NOW);
});

Deno.test("moments: what no calendar and no clock has is none, nor what lies ahead", () => {
  for (
    const text of [
      "",
      " ",
      "2h",
      "--2h",
      "-+2h",
      "-2h ago",
      "ago",
      "-",
      "-inf",
      "inf ago",
      "soon",
      "2026-02-30",
      "2025-02-29",
      "2026-13-01",
      "2026-00-10",
      "24:00",
      "12:60",
      "12:00:60",
      "2026-11-20 8",
      "2026-11-20x",
      "26-11-20",
      "@-1",
      "@",
      "08:15Z",
      "2026-11-20T08:15+99:00",
      "2026-11-20\n08:15\n",
    ]
  ) assert.equal(parseMoment(text, NOW), undefined, JSON.stringify(text));
});
