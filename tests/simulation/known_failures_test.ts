/** Known failures go on failing for the reason that is stated. */
import assert from "node:assert/strict";
import { unknownToTheList } from "./known_failures.ts";

Deno.test("what the daemons do not survive yet fails as known_failures.ts says, and nothing else is in it", async () => {
  assert.deepEqual(await unknownToTheList(), []);
});
