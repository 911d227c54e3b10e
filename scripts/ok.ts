/**
 * `deno task ok`: the gate while working. Format, lint, types, structure, unit and property tests.
 * Every check runs, also after one has failed, and each says its result.
 */
import { add, closingLine, type Counts, NOTHING, runTests } from "./test_run.ts";
import { passThrough, runScript } from "./run.ts";
import { aboutSkipped } from "./skipped.ts";
import { OTHERS } from "./system_packages.ts";

/** Shells whose parsers look at our completions. */
const NEEDS = [OTHERS.zsh, OTHERS.fish];

const DENO = Deno.execPath();

const CHECKS: ReadonlyArray<readonly [name: string, command: readonly string[]]> = [
  ["format", [DENO, "fmt", "--check", "--quiet"]],
  ["lint", [DENO, "lint", "--quiet"]],
  ["types", [DENO, "check", "--quiet"]],
  ["structure", [DENO, "run", "-A", "scripts/structure.ts"]],
];

/** Runs a step and prints its name, result and seconds. */
export async function step(name: string, run: () => Promise<Counts>): Promise<Counts> {
  const begin = performance.now();
  const counts = await run();
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${counts.failed === 0 ? "ok    " : "FAILED"}  ${name} (${seconds} s)`);
  return counts;
}

/** All checks and the unit and property tests; `reasons` takes why tests were skipped. */
export async function gate(reasons: string[]): Promise<Counts> {
  let counts = NOTHING;
  for (const [name, command] of CHECKS) {
    counts = add(
      counts,
      await step(
        name,
        async () => await passThrough(command) ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 },
      ),
    );
  }
  return add(
    counts,
    await step(
      "unit and property tests",
      () => runTests("unit", ["tests/unit", "tests/property"], ["--parallel"], undefined, { reasons }),
    ),
  );
}

async function main(): Promise<boolean> {
  const reasons: string[] = [];
  const counts = await gate(reasons);
  for (const line of await aboutSkipped(reasons, NEEDS, "ok")) console.log(line);
  console.log(closingLine("ok", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("ok", main);
