import assert from "node:assert/strict";
import { CATALOG, parseCatalog } from "../../../scripts/package/man_journal.ts";
import { MESSAGES } from "../../../src/lib/base/messages.ts";

const ENTRIES = parseCatalog(Deno.readTextFileSync(CATALOG));

Deno.test("the journal's catalog explains every event, each id once, in 80 columns", () => {
  assert.deepEqual(ENTRIES.map(({ id }) => id).toSorted(), Object.values(MESSAGES).toSorted());
  assert.equal(new Set(Object.values(MESSAGES)).size, Object.keys(MESSAGES).length);
  for (const { text, subject } of ENTRIES) {
    assert.ok(text.length > 40, subject);
    assert.ok(text.split("\n").every((line) => line.length <= 80), text);
  }
});

Deno.test("the manual lists all fields that the catalog puts into its texts", () => {
  const manual = Deno.readTextFileSync("packaging/man/nvme-stas.7.page");
  const fields = new Set(ENTRIES.flatMap(({ text, subject }) => (subject + text).match(/@[A-Z_]+@/g) ?? []));
  assert.ok(fields.size > 4);
  for (const field of fields) assert.ok(manual.includes(`**${field.replaceAll("@", "")}**`), field);
});
