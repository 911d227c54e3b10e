import assert from "node:assert/strict";
import { schemaText } from "../../../scripts/package/json_schema.ts";
import { BUNDLES, SCHEMA_FOLDER } from "../../../scripts/package/schema_bundles.ts";

Deno.test("the JSON Schemas in the tree are those of the types: what is published does not change unseen", () => {
  for (const [name, bundle] of Object.entries(BUNDLES)) {
    assert.equal(
      Deno.readTextFileSync(`${SCHEMA_FOLDER}/${name}`),
      schemaText(bundle),
      `${name} is stale: deno run -A scripts/package/json_schema.ts`,
    );
  }
  assert.deepEqual(
    [...Deno.readDirSync(SCHEMA_FOLDER)].map(({ name }) => name).sort(),
    Object.keys(BUNDLES).sort(),
  );
});
