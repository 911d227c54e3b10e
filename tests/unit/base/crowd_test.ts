/** Names that share one place in a table (S11, S16): what they cost is counted, not timed. */
import assert from "node:assert/strict";
import { MAX_LEAF } from "../../../src/lib/base/crowd.ts";
import { type NameNumbers, withNumbers } from "../../../src/lib/base/name_numbers.ts";
import { entriesOf, MAX_BUCKET, Table } from "../../../src/lib/base/table.ts";
import { collidingNames } from "./colliding.ts";

/** Comparisons of keys by their order. */
function counting(): { readonly numbers: (own: NameNumbers) => NameNumbers; readonly taken: () => number } {
  let count = 0;
  const taken = (): number => {
    const before = count;
    count = 0;
    return before;
  };
  return {
    numbers: (own) => ({ ...own, order: (a, b) => (count++, own.order(a, b)) }),
    taken,
  };
}

/** In halves: that of the leaves, and that of one leaf. */
const MOST = 2 + Math.log2(4096 / (MAX_LEAF / 2)) + Math.log2(MAX_LEAF);

Deno.test("S11: a key among 4,096 that were chosen for one place is found, added and taken away in a few comparisons", () => {
  const names = collidingNames("nqn.2024-01.io.example:", 12);
  assert.equal(names.length, 4096);
  const { numbers, taken } = counting();
  withNumbers(numbers, () => {
    let most = 0;
    let table = Table.empty<number>();
    const noted = (): void => {
      most = Math.max(most, taken());
    };
    names.forEach((name, n) => {
      table = table.with(name, n);
      // The first of them are compared one by one until they are a crowd.
      if (n > MAX_BUCKET) noted();
      else taken();
    });
    const full = table;
    const longest = Math.max(...[...table.parts()].map((part) => entriesOf(part).length));
    assert.ok(longest <= MAX_LEAF, `${longest} of ${table.size} entries are in one part`);
    names.forEach((name, n) => {
      assert.equal(table.get(name), n);
      noted();
    });
    for (const name of names) {
      table = table.without(name);
      noted();
    }
    assert.ok(most > 0 && most <= 3 * MOST, `${most} comparisons for one change`);
    assert.deepEqual([table.size, [...table.parts()].flatMap(entriesOf), full.size], [0, [], 4096]);
  });
});

Deno.test("a leaf that is left with few entries takes in the next one", () => {
  withNumbers((own) => ({ ...own, place: () => 0 }), () => {
    const names = Array.from({ length: 4096 }, (_, n) => String(n).padStart(4, "0"));
    let table = Table.empty<number>();
    for (const name of names) table = table.with(name, 0);
    for (const name of names) if (!name.endsWith("7")) table = table.without(name);
    const lengths = [...table.parts()].map((part) => entriesOf(part).length).filter((length) => length > 0);
    assert.equal(table.size, 409);
    assert.ok(lengths.length < 409 / 5, `${lengths.length} leaves of ${table.size} entries`);
  });
});
