import assert from "node:assert/strict";
import { Table } from "../../../src/lib/base/table.ts";

Deno.test("a change gives a new table and leaves the old one as it was", () => {
  const none = Table.empty<number>();
  const one = none.with("a", 1);
  const two = one.with("b", 2);
  const changed = two.with("a", 3);
  const less = changed.without("b");
  assert.deepEqual([none.size, one.size, two.size, changed.size, less.size], [0, 1, 2, 2, 1]);
  assert.deepEqual([one.get("a"), two.get("a"), changed.get("a"), less.get("b")], [1, 1, 3, undefined]);
  assert.deepEqual([...two].toSorted(), [["a", 1], ["b", 2]]);
});

Deno.test("what is missing can be taken away", () => {
  const one = Table.empty<number>().with("a", 1);
  assert.equal(one.without("b"), one);
  assert.equal(one.has("b"), false);
});

Deno.test("undefined is a value", () => {
  const one = Table.empty<undefined>().with("a", undefined);
  assert.deepEqual([one.has("a"), one.size, one.with("a", undefined).size], [true, 1, 1]);
});
