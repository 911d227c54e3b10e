/** `deno task compare [--seed N] [--runs N]`: random configurations, read by our parser and by the Python implementation's. */
import { parseArgs } from "node:util";
import { runScript } from "../../scripts/run.ts";
import { providePackages } from "../../scripts/system_packages.ts";
import { compare } from "./compare.ts";
import { original, ORIGINAL_NEEDS } from "./package.ts";

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    args: Deno.args,
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
