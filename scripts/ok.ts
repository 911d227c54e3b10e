/**
 * `deno task ok`: the gate while working. Its checks run side by side; every one runs, also after another has
 * failed, and says its result when it has one.
 */
import { type Check, CHECKS, type Scope, scopeOf } from "./gate/checks.ts";
import { runScript } from "./run.ts";
import { aboutSkipped } from "./skipped.ts";
import { OTHERS } from "./system_packages.ts";
import { taskArguments, usageError } from "./task_arguments.ts";
import { add, closingLine, type Counts, NOTHING } from "./test_run.ts";

/** Shells whose parsers look at our completions. */
const NEEDS = [OTHERS.zsh, OTHERS.fish];

const width = Math.max(...CHECKS.map(({ name }) => name.length));
const USAGE = `usage: deno task ok [--only CHECK]... [--changed | --since COMMIT]

The gate while working. Checks run side by side:

${CHECKS.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join("\n")}

  --only CHECK    run this check only
  --changed       look only at what differs from the branch main, committed or not: format and lint of those files,
                  types and tests of all that import them or name their folder. Before landing, run it all
  --since COMMIT  the same, compared with another commit or branch

One test: deno test -A --no-check tests/unit/ctl/literal_test.ts --filter "text of its name"
`;

async function timed(check: Check, scope: Scope | undefined, reasons: string[]): Promise<Counts> {
  const begin = performance.now();
  const { counts, text } = await check.run(scope, reasons);
  if (counts.passed + counts.failed + counts.skipped === 0) {
    console.log(`        ${check.name}: nothing changed`);
    return counts;
  }
  if (text !== "") console.log(text);
  say(counts, check.name, begin);
  return counts;
}

function say(counts: Counts, name: string, begin: number): void {
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${counts.failed === 0 ? "ok    " : "FAILED"}  ${name} (${seconds} s)`);
}

/** Runs a step and prints its name, result and seconds. */
export async function step(name: string, run: () => Promise<Counts>): Promise<Counts> {
  const begin = performance.now();
  const counts = await run();
  say(counts, name, begin);
  return counts;
}

/** All these checks, side by side; `reasons` takes why tests were skipped. */
export async function gate(
  reasons: string[],
  { checks = CHECKS, scope }: { readonly checks?: readonly Check[]; readonly scope?: Scope | undefined } = {},
): Promise<Counts> {
  const counts = await Promise.all(checks.map((check) => timed(check, scope, reasons)));
  return counts.reduce(add, NOTHING);
}

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: {
      only: { type: "string", multiple: true, default: [] },
      changed: { type: "boolean", default: false },
      since: { type: "string" },
    },
  });
  const unknown = values.only.find((only) => !CHECKS.some(({ name }) => name === only));
  if (unknown !== undefined) {
    usageError(USAGE, `--only ${unknown}: must be one of ${CHECKS.map(({ name }) => name).join(", ")}`);
  }
  const checks = CHECKS.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  const scope = values.changed || values.since !== undefined ? await scopeOf(values.since) : undefined;
  const reasons: string[] = [];
  const counts = await gate(reasons, { checks, scope });
  for (const line of await aboutSkipped(reasons, NEEDS, "ok")) console.log(line);
  console.log(closingLine("ok", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("ok", main);
