import assert from "node:assert/strict";
import { CONNECT_RETRY, pause } from "../../../src/lib/core/retry.ts";

Deno.test("pauses double up to the longest, spread by a fifth either way", () => {
  for (const [failures, base] of [[1, 3], [2, 6], [3, 12], [4, 24], [5, 48], [6, 60], [60, 60]] as const) {
    for (const who of ["a", "b", "controller"]) {
      const { ms } = pause(CONNECT_RETRY, failures, who);
      assert.ok(ms >= base * 800 && ms <= base * 1_200, `${failures} failures of ${who}: ${ms} ms`);
    }
  }
});

Deno.test("many that failed together do not come back together", () => {
  const pauses = new Set(
    Array.from({ length: 100 }, (_, n) => pause(CONNECT_RETRY, 1, `controller ${n}`).ms),
  );
  assert.ok(pauses.size > 50);
});

Deno.test("the same failure of the same controller gives the same pause", () => {
  assert.deepEqual(pause(CONNECT_RETRY, 3, "a"), pause(CONNECT_RETRY, 3, "a"));
});
