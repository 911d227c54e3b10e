import assert from "node:assert/strict";
import { wrapped } from "../../../src/ctl/text_width.ts";

Deno.test("a text is wrapped between words, into lines that fit; a longer word has a line of its own", () => {
  assert.deepEqual(wrapped("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrapped("one two three", 6), ["one", "two", "three"]);
  assert.deepEqual(wrapped("a nqn.2014-08.org b", 5), ["a", "nqn.2014-08.org", "b"]);
  assert.deepEqual(wrapped("one two three", Infinity), ["one two three"]);
  assert.deepEqual(wrapped("", 5), [""]);
});
