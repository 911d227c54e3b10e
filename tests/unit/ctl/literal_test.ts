import assert from "node:assert/strict";
import { formatLiteral, literalOf } from "../../../src/ctl/literal.ts";
import { pythonRepr } from "../../../src/lib/base/python_literal.ts";
import vectors from "../../vectors/pprint-width120.json" with { type: "json" };

Deno.test("the original's output format, on its vectors (CLI-30)", () => {
  for (const vector of vectors) assert.equal(formatLiteral(literalOf(vector.in)), vector.out);
});

Deno.test("scalars as Python writes them", () => {
  assert.equal(pythonRepr(null), "None");
  assert.equal(pythonRepr(true), "True");
  assert.equal(pythonRepr(-7), "-7");
  assert.equal(pythonRepr(0.00001), "1e-05");
  assert.equal(pythonRepr(0.00012), "0.00012");
  assert.equal(pythonRepr("it's"), `"it's"`);
  assert.equal(pythonRepr(`it's "so"`), `'it\\'s "so"'`);
  assert.equal(
    pythonRepr("a\\b\n\t\x00\x7f\u00a0\u00e9\u2028\u{1f600}\u{e0001}"),
    "'a\\\\b\\n\\t\\x00\\x7f\\xa0\u00e9\\u2028\u{1f600}\\U000e0001'",
  );
});

Deno.test("one-line dictionaries keep their order (operation text, requirements 50)", () => {
  assert.equal(
    pythonRepr({ "fail count": 0, completed: null, alive: true }),
    "{'fail count': 0, 'completed': None, 'alive': True}",
  );
});

Deno.test("keys are sorted by code point at every level", () => {
  assert.equal(
    formatLiteral({ "\u{10000}": 1, "\uffff": { b: 1, a: 2 } }),
    "{'\\uffff': {'a': 2, 'b': 1}, '\u{10000}': 1}",
  );
});
