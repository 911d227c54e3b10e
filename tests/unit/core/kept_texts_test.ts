import assert from "node:assert/strict";
import { KeptTexts, listText, MAX_KEPT_TEXT } from "../../../src/lib/core/saved/kept_texts.ts";

interface Part {
  readonly length: number;
}

function counting(): { readonly texts: KeptTexts<Part>; readonly made: () => number } {
  let made = 0;
  const texts = new KeptTexts<Part>(({ length }) => {
    made++;
    return "x".repeat(length);
  });
  return { texts, made: () => made };
}

Deno.test("what was saved last is not made again, and what it did not hold is forgotten", () => {
  const { texts, made } = counting();
  const [a, b, c] = [{ length: 1 }, { length: 2 }, { length: 3 }];
  assert.deepEqual(texts.of([a, b]), ["x", "xx"]);
  assert.deepEqual(texts.of([b, c]), ["xx", "xxx"]);
  assert.equal(made(), 3);
  assert.equal(texts.characters, 5);
  texts.of([a]);
  assert.deepEqual([made(), texts.characters], [4, 1]);
});

Deno.test("S6: texts are kept up to a limit; what is over it is made at each save", () => {
  const { texts, made } = counting();
  const long = MAX_KEPT_TEXT / 4;
  const parts = Array.from({ length: 10 }, () => ({ length: long }));
  for (let n = 0; n < 3; n++) {
    assert.ok(texts.of(parts).every((text) => text.length === long));
    assert.ok(texts.characters <= MAX_KEPT_TEXT, String(texts.characters));
  }
  assert.equal(made(), 10 + 6 + 6);
});

Deno.test("a list of texts leaves out what is empty", () => {
  assert.equal(listText(["", "1", "", "2"]), "1,2");
  assert.equal(listText([]), "");
});
