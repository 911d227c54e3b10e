import assert from "node:assert/strict";
import { add, closingLine, countJunit, NOTHING, runTests } from "../../../scripts/test_run.ts";

Deno.test("a JUnit report is counted by its cases", () => {
  const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.001">
  <testsuite name="a_test.ts" tests="4" disabled="1" errors="0" failures="1">
    <testcase name="good" classname="a_test.ts" time="0.000" line="1" col="6">
    </testcase>
    <testcase name="short" classname="a_test.ts" time="0.000"/>
    <testcase name="bad" classname="a_test.ts" time="0.000">
      <failure message="Uncaught Error: x">Error: x</failure>
    </testcase>
    <testcase name="off" classname="a_test.ts" time="0.000">
      <skipped/>
    </testcase>
  </testsuite>
</testsuites>`;
  assert.deepEqual(countJunit(report), { passed: 2, failed: 1, skipped: 1 });
  assert.deepEqual(countJunit(""), NOTHING);
});

Deno.test("the closing line tells of what was skipped only when something was", () => {
  assert.equal(
    closingLine("test", add(NOTHING, { passed: 2, failed: 1, skipped: 0 })),
    "test: 2 passed, 1 failed",
  );
  assert.equal(closingLine("vm", { passed: 2, failed: 0, skipped: 3 }), "vm: 2 passed, 0 failed, 3 skipped");
});

Deno.test("a run of the tests is never better than it was", async () => {
  const dir = await Deno.makeTempDir();
  let printed: string[] = [];
  const runs = async (text: string) => {
    printed = [];
    await Deno.writeTextFile(`${dir}/a_test.ts`, text);
    const { passed, failed } = await runTests("self", [dir], [], (line) => printed.push(line));
    return { passed, failed };
  };
  try {
    assert.deepEqual(await runs('Deno.test("a", () => {});'), { passed: 1, failed: 0 });
    assert.deepEqual(await runs('Deno.test("a", () => { throw new Error("red on purpose"); });'), {
      passed: 0,
      failed: 1,
    });
    assert.ok(printed.some((line) => line.includes("red on purpose")), printed.join("\n"));
    assert.deepEqual(await runs('throw new Error("does not load, on purpose");'), { passed: 0, failed: 1 });
    assert.deepEqual(await runs("export {};"), { passed: 0, failed: 1 });
    assert.deepEqual(await runTests("self", [`${dir}/missing`], [], (line) => printed.push(line)), {
      passed: 0,
      failed: 1,
      skipped: 0,
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
