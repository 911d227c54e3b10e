import assert from "node:assert/strict";
import {
  awaitLatency,
  dropLatency,
  emptyLatency,
  LATENCY_BOUNDS,
  takeLatency,
} from "../../../src/lib/core/aen_latency.ts";

Deno.test("a connection is measured from the first event that asked for it, once", () => {
  const waiting = awaitLatency(awaitLatency(emptyLatency, "a", 1_000), "a", 5_000);
  const done = takeLatency(waiting, "a", 1_400);
  assert.equal(done.sum, 400);
  assert.equal(done.counts[LATENCY_BOUNDS.indexOf(500)], 1);
  assert.equal(done.counts.reduce((all, count) => all + count), 1);
  assert.equal(takeLatency(done, "a", 9_000), done);
});

Deno.test("each class reaches up to its bound, the last has no end", () => {
  for (const [n, bound] of [...LATENCY_BOUNDS, 1e9].entries()) {
    const { counts } = takeLatency(awaitLatency(emptyLatency, "a", 7), "a", 7 + bound);
    assert.equal(counts[n], 1, `${bound} ms`);
  }
  const over = takeLatency(awaitLatency(emptyLatency, "a", 0), "a", 101).counts;
  assert.deepEqual(over.slice(0, 2), [0, 1]);
});

Deno.test("who is let go of, and what a clock that was set back leaves, is not measured", () => {
  assert.deepEqual(dropLatency(awaitLatency(emptyLatency, "a", 0), "a"), emptyLatency);
  assert.deepEqual(takeLatency(awaitLatency(emptyLatency, "a", 100), "a", 50), emptyLatency);
  assert.equal(dropLatency(emptyLatency, "a"), emptyLatency);
});
