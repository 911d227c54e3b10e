import assert from "node:assert/strict";
import { aboutSkipped, countReasons, ONLY_ROOT } from "../../../scripts/skipped.ts";
import { missing, type Need } from "../../../scripts/system_packages.ts";
import { runTests } from "../../../scripts/test_run.ts";

const NOWHERE: Need = { program: "no-such-program-anywhere", apt: ["none-t64", "none"], dnf: ["none"] };
const LIBRARY: Need = { library: "libnone.so.7", apt: ["libnone"], dnf: ["libnone"] };
const SHELL: Need = { program: "sh", apt: ["dash"], dnf: ["bash"] };

Deno.test("programs and libraries that are not here are missing, and only those", () => {
  assert.deepEqual(missing([NOWHERE, SHELL, LIBRARY]), [NOWHERE, LIBRARY]);
  assert.deepEqual(missing([{ library: "libc.so.6", apt: ["libc6"], dnf: ["glibc"] }]), []);
});

Deno.test("reasons are counted, and each gets its remedy", async () => {
  const reasons = ["a", "b", "a", `${ONLY_ROOT}: acts as another user`];
  assert.deepEqual(countReasons(["b", "a", "a"]), [["a", 2], ["b", 1]]);
  assert.deepEqual(await aboutSkipped([], [NOWHERE], "test"), []);
  const lines = (await aboutSkipped(reasons, [NOWHERE, SHELL], "test")).join("\n");
  assert.match(lines, /^skipped 2: a\nskipped 1: b\nskipped 1: needs root: acts as another user\n/);
  assert.match(lines, /^ {2}sudo npx -y deno@[\d.]+ task test$/m);
  assert.match(lines, /Install .*\bnone\b/s);
  assert.doesNotMatch(lines, /dash|bash/);
  assert.doesNotMatch((await aboutSkipped(["a"], [SHELL], "ok")).join("\n"), /sudo|Install/);
});

Deno.test("a file whose tests lack something: none of them runs, all are counted, with the reason", async () => {
  const dir = await Deno.makeTempDir();
  const lacking = new URL("../../lacking.ts", import.meta.url).href;
  try {
    await Deno.writeTextFile(
      `${dir}/needs.ts`,
      `import { skipAllWithout } from "${lacking}";
skipAllWithout(() => undefined, () => "not today", () => "not reached");`,
    );
    await Deno.writeTextFile(
      `${dir}/a_test.ts`,
      `import { lacks } from "${lacking}";
import "./needs.ts";
const run = () => { throw new Error("ran"); };
Deno.test("name and function", run);
Deno.test({ name: "options", fn: run });
Deno.test("name and options", {}, run);
Deno.test.ignore("off anyway", run);
Deno.test({ name: "lacks more", ignore: lacks(() => "counted once"), fn: run });`,
    );
    await Deno.writeTextFile(
      `${dir}/b_test.ts`,
      `import { lacks } from "${lacking}";
Deno.test({ name: "here", ignore: lacks(() => undefined), fn() {} });
Deno.test({ name: "not here", ignore: lacks(() => undefined, () => "tired"), fn() { throw new Error("ran"); } });`,
    );
    const reasons: string[] = [];
    const counts = await runTests("skipped-self", [dir], [], () => {}, { reasons });
    assert.deepEqual(counts, { passed: 1, failed: 0, skipped: 6 });
    assert.deepEqual(reasons.sort(), ["not today", "not today", "not today", "not today", "tired"]);
    await Deno.remove(`${dir}/b_test.ts`);
    assert.deepEqual(await runTests("skipped-self", [dir], [], () => {}), {
      passed: 0,
      failed: 0,
      skipped: 5,
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** All TypeScript files below a folder. */
async function* sources(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sources(`${folder}/${name}`);
    else if (name.endsWith("_test.ts")) yield `${folder}/${name}`;
  }
}

Deno.test("no test is skipped without telling why: what is ignored says what it lacks", async () => {
  const silent: string[] = [];
  for await (const file of sources("tests")) {
    const text = await Deno.readTextFile(file);
    if (
      /^\s*(?:export )?[^/"'`\n]*\bignore: (?!lacks\()/m.test(text) || /\bDeno\.test\.ignore\(/.test(text) ||
      // A reason that two tests share is noted once.
      /^\s*ignore,$/m.test(text)
    ) silent.push(file);
  }
  // This file ignores one on purpose, in a text.
  assert.deepEqual(silent, ["tests/unit/scripts/skipped_test.ts"]);
});
