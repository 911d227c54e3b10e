import assert from "node:assert/strict";
import { placeOf } from "../../../src/lib/base/name_numbers.ts";
import { MAX_REMEMBERED, MAX_TOGETHER, Places } from "../../../src/lib/base/places.ts";

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

Deno.test("places: each of thousands of keys is remembered, wherever they differ", () => {
  for (
    const key of [
      (n: number) => `x${n}`,
      (n: number) => `${n}x`.padStart(90, "-"),
    ]
  ) {
    let computed = 0;
    const places = new Places(() => ++computed);
    for (let n = 0; n < 2_000; n++) assert.equal(places.of(key(n)), n + 1);
    for (let n = 0; n < 2_000; n++) assert.equal(places.of(key(n)), n + 1);
    assert.equal(computed, 2_000);
  }
});

Deno.test("S6: keys that a peer has chosen so that nothing tells them apart are forgotten, and not compared one by one", () => {
  const places = new Places((key) => key.length);
  // The low bits of `a` and `q` are the same.
  const key = (n: number): string =>
    n.toString(2).padStart(40, "0").replaceAll("0", "a").replaceAll("1", "q");
  for (let n = 0; n < 4_096; n++) {
    assert.equal(places.of(key(n)), 40);
    assert.ok(places.characters <= MAX_TOGETHER * 40, `${places.characters} characters`);
  }
});

Deno.test("keys of any length that differ in one place only have many places", () => {
  for (const length of [60, 191, 193, 300, 5_000]) {
    for (const fill of ["x", "\u00fc"]) {
      const at = new Map<number, number>();
      for (let n = 0; n < 8192; n++) {
        const place = placeOf(`["tcp","10.0.0.1","4420","nqn.2024-01.io.example:${n}-`.padEnd(length, fill));
        at.set(place, (at.get(place) ?? 0) + 1);
      }
      const most = Math.max(...at.values());
      assert.ok(most <= 16, `${most} keys of ${length} characters at one of ${at.size} places`);
    }
  }
});
