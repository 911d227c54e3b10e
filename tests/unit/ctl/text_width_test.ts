import assert from "node:assert/strict";
import { hung, widthOf, wrapped } from "../../../src/ctl/text_width.ts";

Deno.test("a text is wrapped between words, into lines that fit; a longer word has a line of its own", () => {
  assert.deepEqual(wrapped("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrapped("one two three", 6), ["one", "two", "three"]);
  assert.deepEqual(wrapped("a nqn.2014-08.org b", 5), ["a", "nqn.2014-08.org", "b"]);
  assert.deepEqual(wrapped("one two three", Infinity), ["one two three"]);
  assert.deepEqual(wrapped("", 5), [""]);
});

Deno.test("names from the network take the columns that a terminal gives them", () => {
  const widths: readonly (readonly [text: string, columns: number])[] = [
    ["nqn.2014-08.org", 15],
    ["\u65e5\u672c", 4],
    ["e\u0301", 1],
    // Wide outside the blocks of East Asian letters: a watch, a rocket, a Tangut ideograph.
    ["\u231a", 2],
    ["\u{1f680}", 2],
    ["\u{17000}", 2],
    ["\u00e9\u03b1", 2],
  ];
  for (const [text, columns] of widths) assert.equal(widthOf(text), columns, JSON.stringify(text));
});

Deno.test("what hangs below a lead has its own width and indent, and each line its paint", () => {
  const lead = { lead: "  ! ", width: 4, indent: 6 };
  assert.equal(hung(lead, "one two three", Infinity), "  ! one two three\n");
  assert.equal(hung(lead, "one two three", 11), "  ! one two\n      three\n");
  assert.equal(hung(lead, "one two three", 11, (text) => `<${text}>`), "  ! <one two>\n      <three>\n");
});
