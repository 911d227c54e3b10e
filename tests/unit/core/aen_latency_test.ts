import assert from "node:assert/strict";
import {
  type AenLatency,
  dropLatency,
  emptyLatency,
  LATENCY_BOUNDS,
  takeLatency,
} from "../../../src/lib/core/stacd/aen_latency.ts";

/** One connection is awaited since then, in milliseconds. */
const awaiting = (key: string, toldAt: number): AenLatency => ({
  ...emptyLatency,
  awaited: new Map([[key, toldAt]]),
});

Deno.test("a connection is measured from the event that led to it, once", () => {
  const waiting = awaiting("a", 1_000);
  const done = takeLatency(waiting, "a", 1_400);
  assert.equal(done.sum, 400);
  assert.equal(done.counts[LATENCY_BOUNDS.indexOf(500)], 1);
  assert.equal(done.counts.reduce((all, count) => all + count), 1);
  assert.equal(takeLatency(done, "a", 9_000), done);
});

Deno.test("each class reaches up to its bound, the last has no end", () => {
  for (const [n, bound] of [...LATENCY_BOUNDS, 1e9].entries()) {
    const { counts } = takeLatency(awaiting("a", 7), "a", 7 + bound);
    assert.equal(counts[n], 1, `${bound} ms`);
  }
  const over = takeLatency(awaiting("a", 0), "a", 101).counts;
  assert.deepEqual(over.slice(0, 2), [0, 1]);
});

Deno.test("a dropped controller, and a clock that was set back, are not measured", () => {
  assert.deepEqual(dropLatency(awaiting("a", 0), "a"), emptyLatency);
  assert.deepEqual(takeLatency(awaiting("a", 100), "a", 50), emptyLatency);
  assert.equal(dropLatency(emptyLatency, "a"), emptyLatency);
});
