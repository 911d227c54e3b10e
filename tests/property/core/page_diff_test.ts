/** The entries of two versions of a page are paired by what they say, each with one of the other. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { pageDiff } from "../../../src/lib/core/sources/page_diff.ts";
import type { PageEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import { entryFromText, entryToText } from "../../../src/lib/nvme/entry_text.ts";
import { discoveryEntry } from "../../unit/nvme/samples.ts";

// Few values, so that equal entries occur, also twice on one page. Each entry is an object of its own.
const names = fc.constantFrom("a", "b", "c");
const decoded = fc.record({ subnqn: names, portid: fc.constantFrom(1, 2) }, { noNullPrototype: true });
const foreign = fc.record({ subnqn: names, portid: fc.constantFrom("1", "2") }, { noNullPrototype: true });
const entry: fc.Arbitrary<PageEntry> = fc.oneof(decoded.map(discoveryEntry), foreign.map(entryFromText));
const page = fc.array(entry, { maxLength: 12 });

const texts = (entries: readonly PageEntry[]): readonly string[] =>
  entries.map((one) => JSON.stringify(one)).toSorted();

/** What is in `a` more often than in `b`. */
function beyond(a: readonly PageEntry[], b: readonly PageEntry[]): readonly string[] {
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

Deno.test("an entry with another value in any field is another entry, in its place and out of it", () => {
  const one = discoveryEntry();
  const rdma = { kind: "rdma", qptype: "connected", prtype: "roce", cms: "cm" } as const;
  const others: readonly PageEntry[] = [
    { ...one, trtype: 1 },
    { ...one, adrfam: 2 },
    { ...one, subtype: 1 },
    { ...one, treq: 1 },
    { ...one, portid: 2 },
    { ...one, cntlid: 2 },
    { ...one, asqsz: 2 },
    { ...one, eflags: 2 },
    { ...one, traddr: "10.0.0.2" },
    { ...one, trsvcid: "4421" },
    { ...one, subnqn: "nqn.t" },
    { ...one, tsas: { kind: "tcp", sectype: "tls" } },
    { ...one, tsas: { kind: "none" } },
    { ...one, tsas: rdma },
    { ...one, tsas: { ...rdma, prtype: "iwarp" } },
    entryFromText({ ...entryToText(one), more: "x" }),
    entryFromText({ ...entryToText(one), eflags: "00" }),
  ];
  for (const a of [one, ...others]) {
    for (const b of [one, ...others]) {
      const now = structuredClone(b);
      const expected = a === b ? { known: [a], gone: [] } : { known: [undefined], gone: [a] };
      assert.deepEqual(pageDiff([now], [a], (it) => it), expected, JSON.stringify([a, b]));
    }
  }
});
