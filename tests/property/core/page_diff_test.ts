/** The entries of two versions of a page are paired by what they say, each with one of the other. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type EntryText, pageDiff } from "../../../src/lib/core/sources/page_diff.ts";

// Few values, so that equal entries occur, also twice on one page.
const entry = fc.record({ subnqn: fc.constantFrom("a", "b", "c"), portid: fc.constantFrom("1", "2") }, {
  noNullPrototype: true,
});
const page = fc.array(entry, { maxLength: 12 });

const texts = (entries: readonly EntryText[]): readonly string[] =>
  entries.map((one) => JSON.stringify(one)).toSorted();

/** What is in `a` more often than in `b`. */
function beyond(a: readonly EntryText[], b: readonly EntryText[]): readonly string[] {
  const left = texts(b).slice();
  return texts(a).filter((text) => {
    const at = left.indexOf(text);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

Deno.test("each entry stands for one of the earlier page that says the same; the others are new, or gone", () => {
  fc.assert(fc.property(page, page, (before, now) => {
    const { known, gone } = pageDiff(now, before, (one) => one);
    assert.equal(known.length, now.length);
    known.forEach((one, at) => {
      if (one !== undefined) assert.deepEqual(one, now[at]);
    });
    const paired = known.filter((one) => one !== undefined);
    assert.equal(new Set(paired).size, paired.length, "one each");
    assert.ok(paired.every((one) => before.some((other) => other === one)), "the object of the earlier page");
    assert.deepEqual(texts(now.filter((_, at) => known[at] === undefined)), beyond(now, before));
    assert.deepEqual(texts(gone), beyond(before, now));
  }));
});

Deno.test("an entry with one more name, or another value, is another entry", () => {
  const before = [{ subnqn: "a", portid: "1" }];
  for (
    const now of [{ subnqn: "a" }, { subnqn: "a", portid: "1", cntlid: "1" }, { subnqn: "a", portid: "2" }]
  ) {
    assert.deepEqual(pageDiff<EntryText>([now], before, (one) => one), { known: [undefined], gone: before });
  }
});
