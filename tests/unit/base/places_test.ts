import assert from "node:assert/strict";
import { MAX_REMEMBERED, Places } from "../../../src/lib/base/places.ts";

Deno.test("S6: the keys whose places are remembered stay below their limit, however many a peer makes up", () => {
  let computed = 0;
  const places = new Places((key) => {
    computed++;
    return key.length % 4096;
  });
  const key = (n: number): string => String(n).padEnd(300, "x");
  const count = Math.ceil(3 * MAX_REMEMBERED / 300);
  let most = 0;
  for (let n = 0; n < count; n++) {
    assert.equal(places.of(key(n)), 300);
    most = Math.max(most, places.characters);
  }
  assert.equal(computed, count);
  assert.ok(most <= MAX_REMEMBERED, `${most} characters`);
  // What has just been asked for is asked for again: that is remembered.
  assert.ok(most > MAX_REMEMBERED / 2, `${most} characters`);
  places.of(key(count - 1));
  assert.equal(computed, count);
});
