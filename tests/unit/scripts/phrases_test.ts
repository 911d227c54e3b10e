import assert from "node:assert/strict";
import { bannedPhrases } from "../../../scripts/documents/phrases.ts";

const hits = (...lines: readonly string[]): readonly number[] =>
  bannedPhrases([{ path: "src/a.ts", lines }]).map(({ line }) => line);

Deno.test("phrases that read badly are found, in strings and comments, with their line", () => {
  assert.deepEqual(
    hits(
      "// It was let go of at once.",
      "throw new Error(`${path} is not there`);",
      "// what was already there stays",
      '"wait was in vain"',
      "/** Nobody asks for it. */",
      "/** Who asks for it, and when. */",
      "/** The work is bounded by what is known. */",
      "// It needs not be enabled.",
      "// the connection would be in clear",
      '"the key belongs into the keyring"',
      "// left out for want of room",
      "/** Whose word it is. */",
      '"given twice, and not alike"',
      "`In sum: ${count}`",
      "/** Looks after the controller. */",
      '"when it is connected anew"',
    ),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  );
});

Deno.test("what only looks like one is left alone", () => {
  assert.deepEqual(
    hits(
      "// Why is there a second one?",
      "const isThere = true;",
      "// let good = true;",
      "// there is a route to it",
      "// in clearing it",
      'message: "org.nvmexpress let-go"',
    ),
    [],
  );
});
