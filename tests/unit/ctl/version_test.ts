import assert from "node:assert/strict";
import { VERSION } from "../../../src/lib/base/version.ts";
import manifest from "../../../package.json" with { type: "json" };

Deno.test("the programs say the version of package.json", () => {
  assert.equal(VERSION, manifest.version);
});
