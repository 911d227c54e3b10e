import assert from "node:assert/strict";
import { isoTime } from "../../../src/lib/base/time.ts";

Deno.test("a wall-clock time is written to the second, in UTC", () => {
  assert.equal(isoTime(Date.UTC(2026, 10, 22, 20, 15, 44)), "2026-11-22T20:15:44Z");
  assert.equal(isoTime(Date.UTC(2026, 10, 22, 20, 15, 44) + 999), "2026-11-22T20:15:44Z");
  assert.equal(isoTime(Date.UTC(2024, 1, 29)), "2024-02-29T00:00:00Z");
  assert.equal(isoTime(0), "1970-01-01T00:00:00Z");
  assert.equal(isoTime(-1), "1969-12-31T23:59:59Z");
});

Deno.test("a number that is no time ends no daemon", () => {
  for (const wall of [NaN, Infinity, -Infinity, 1e300]) assert.equal(isoTime(wall), "an impossible time");
});
