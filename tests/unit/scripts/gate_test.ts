import assert from "node:assert/strict";
import { affected } from "../../../scripts/gate/changes.ts";
import { wantsHelp } from "../../../scripts/task_arguments.ts";

const TREE = new Map([
  ["src/lib/nvme/tid.ts", "export const tid = 1;"],
  ["src/lib/core/planner.ts", 'import { tid } from "../nvme/tid.ts";'],
  ["src/lib/core/retry.ts", "export const retry = 1;"],
  ["src/main.ts", 'const core = await import("./lib/core/planner.ts");'],
  ["tests/unit/core/planner_test.ts", 'export { x } from "../../../src/lib/core/planner.ts";'],
  ["tests/unit/core/retry_test.ts", 'import type { R } from "../../../src/lib/core/retry.ts";'],
  [
    "tests/unit/packaging/man_test.ts",
    'for (const page of Deno.readDirSync("packaging/man")) console.log(page);',
  ],
]);

const reached = (...changed: readonly string[]): readonly string[] => [...affected(TREE, changed)].toSorted();

Deno.test("what imports a changed file is affected, over any number of imports of any form", () => {
  assert.deepEqual(reached("src/lib/nvme/tid.ts"), [
    "src/lib/core/planner.ts",
    "src/lib/nvme/tid.ts",
    "src/main.ts",
    "tests/unit/core/planner_test.ts",
  ]);
  assert.deepEqual(reached("src/lib/core/retry.ts"), [
    "src/lib/core/retry.ts",
    "tests/unit/core/retry_test.ts",
  ]);
  assert.deepEqual(reached(), []);
});

Deno.test("a test that names the folder of another changed file is affected", () => {
  assert.deepEqual(reached("packaging/man/stacd.page"), ["tests/unit/packaging/man_test.ts"]);
});

Deno.test("--help behind -- is another program's", () => {
  assert.ok(wantsHelp(["--help"]) && wantsHelp(["-h", "--", "x"]));
  assert.ok(!wantsHelp(["vm", "--", "--help"]) && !wantsHelp([]));
});
