import assert from "node:assert/strict";
import { missingReferences, namedPaths } from "../../../scripts/documents/references.ts";
import {
  citations,
  defined,
  INDEX,
  indexPage,
  PAGE,
  staleIndex,
  undefinedCitations,
} from "../../../scripts/documents/requirements.ts";
import { prose, type Text } from "../../../scripts/documents/texts.ts";

const text = (path: string, ...lines: readonly string[]): Text => ({ path, lines });
const page = text(
  PAGE,
  "| Id | Requirement |",
  "| TID-1 | One. |",
  "| TID-2 | Two. |",
  "| STAF-40a | Three. |",
  "| K1 | Four. |",
);

Deno.test("a citation without a sentence is a problem, with its place", () => {
  assert.deepEqual([...defined([page])], ["TID-1", "TID-2", "STAF-40a", "K1"]);
  const code = text("src/a.ts", "// TID-1", "/** STAF-40a and TID-9. */");
  assert.deepEqual(undefinedCitations([page, code]), [
    { path: "src/a.ts", line: 2, message: `TID-9 has no sentence in ${PAGE}` },
  ]);
});

Deno.test("a range cites all that lies between its ends", () => {
  const cited = citations([
    page,
    text("src/a.ts", "// TID-1 to TID-5"),
    text("tests/b_test.ts", "// STAF-40 to 41"),
  ]);
  assert.deepEqual([...cited.get("TID-2") ?? []], ["src/a.ts"]);
  assert.deepEqual([...cited.get("STAF-40a") ?? []], ["tests/b_test.ts"]);
  assert.match(indexPage(defined([page]), cited), /^\| TID-2 \| `src\/a\.ts` \| - \|$/m);
});

Deno.test("an index that is not of these files is stale", () => {
  const code = text("src/a.ts", "// TID-1");
  const lines = (texts: readonly Text[]) => indexPage(defined(texts), citations(texts)).split("\n");
  const index = text(INDEX, ...lines([page, code]));
  assert.deepEqual(staleIndex([page, code, index]), []);
  assert.equal(staleIndex([page, code, text("tests/b_test.ts", "// TID-1"), index]).length, 1);
  assert.equal(staleIndex([page, code]).length, 1);
});

Deno.test("of code only comments are prose", () => {
  const code = text("src/a.ts");
  assert.equal(prose(code, 'const path = "docs/none.md"; // see docs/other.md').trim(), "see docs/other.md");
  assert.equal(prose(code, 'const path = "docs/none.md";'), "");
  assert.equal(prose(code, " * See docs/none.md.").trim(), "See docs/none.md.");
});

Deno.test("files that are named must exist: from the root in any text, relative in links of pages", async () => {
  assert.deepEqual(namedPaths(text("docs/a.md"), "[b](b.md#c) `src/main.ts`, <https://x/docs/y.md>"), [
    "src/main.ts",
    "docs/b.md",
  ]);
  const found = await missingReferences([
    text("docs/a.md", "See [operations](operations.md) and `tests/nowhere/a_test.ts`."),
    text("src/a.ts", "// As the specification says (spec 60 section 4)."),
  ]);
  assert.deepEqual(found.map(({ path, line }) => [path, line]), [["docs/a.md", 1], ["src/a.ts", 1]]);
});
