/** The ordered set of the queues, beside a sorted list; and how many members a look passes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  added,
  firstFrom,
  heightOf,
  membersOf,
  type Ordered,
  removed,
} from "../../../src/lib/base/ordered.ts";

const inOrder = (a: number, b: number): number => a - b;

Deno.test("an ordered set has what was put into it and not taken out, in order, and an earlier one stays as it was", () => {
  const moves = fc.array(fc.record({ add: fc.boolean(), one: fc.integer({ min: 0, max: 60 }) }), {
    maxLength: 150,
    size: "max",
  });
  fc.assert(fc.property(moves, fc.integer({ min: 0, max: 60 }), (all, from) => {
    let tree: Ordered<number> | undefined;
    const plain = new Set<number>();
    const earlier: (readonly [Ordered<number> | undefined, readonly number[]])[] = [];
    for (const [n, { add, one }] of all.entries()) {
      if (add && !plain.has(one)) tree = added(tree, one, heightOf(n), inOrder);
      if (!add) tree = removed(tree, one, inOrder);
      if (add) plain.add(one);
      else plain.delete(one);
      earlier.push([tree, [...plain].toSorted(inOrder)]);
    }
    for (const [kept, members] of earlier) {
      assert.deepEqual([...membersOf(kept)], members);
      assert.equal(firstFrom(kept, (one) => one < from), members.find((one) => one >= from));
    }
  }));
});

Deno.test("a look and a change pass a few members, in whatever order they came", () => {
  for (const size of [64, 1_024, 16_384]) {
    const rising = Array.from({ length: size }, (_, n) => n);
    const orders = [rising, rising.toReversed(), rising.map((n) => (n * 7_919) % size)];
    for (const members of orders) {
      let tree: Ordered<number> | undefined;
      let passed = 0;
      const counting = (a: number, b: number): number => {
        passed++;
        return a - b;
      };
      for (const [n, one] of members.entries()) tree = added(tree, one, heightOf(n), counting);
      assert.ok(passed / size <= 2 * Math.log2(size), `${passed / size} for each that comes`);
      passed = 0;
      for (const one of members) {
        const found = firstFrom(tree, (other) => {
          passed++;
          return other < one;
        });
        assert.equal(found, one);
        tree = removed(tree, one, counting);
      }
      assert.equal(tree, undefined);
      assert.ok(passed / size <= 6 * Math.log2(size), `${passed / size} for each that goes`);
    }
  }
});
