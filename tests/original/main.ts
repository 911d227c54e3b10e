/** `deno task compare [--seed N] [--runs N]`: random configurations, read by our parser and by the Python implementation's. */
import { runScript } from "../../scripts/run.ts";
import { providePackages } from "../../scripts/system_packages.ts";
import { taskArguments } from "../../scripts/task_arguments.ts";
import { compare } from "./compare.ts";
import { original, ORIGINAL_NEEDS } from "./package.ts";

const USAGE = `usage: deno task compare [--seed N] [--runs N]

Reads random configurations by our parser and by the Python implementation's, and prints each difference that no
reviewed rule explains, with its seed. Debian's package of the Python implementation is fetched once.

  --seed N  the first configuration (default: 1)
  --runs N  how many configurations (default: 40000)`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: { seed: { type: "string", default: "1" }, runs: { type: "string", default: "40000" } },
  });
  await providePackages(ORIGINAL_NEEDS);
  const started = performance.now();
  const found = await compare(await original(), Number(values.seed), Number(values.runs));
  for (const { seed, difference } of found.unexplained) {
    console.log(`seed ${seed}: ${JSON.stringify(difference)}`);
  }
  for (const [rule, count] of [...found.reviewed].sort(([, a], [, b]) => b - a)) {
    console.log(`${String(count).padStart(7)} differences by ${rule}`);
  }
  const took = Math.round((performance.now() - started) / 1_000);
  console.log(
    `${found.cases} configurations, ${found.equal} without a difference, ${found.unexplainedCount} differences that no rule ` +
      `explains (${took} s)`,
  );
  return found.unexplainedCount === 0;
}

if (import.meta.main) await runScript("compare", main);
