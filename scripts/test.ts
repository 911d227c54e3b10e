/**
 * `deno task test`: everything that needs no virtual machine. The gate, then integration tests (real bus,
 * real Avahi, real libnvme), the fuzz corpora replayed, and a short simulation.
 */
import { gate, step } from "./ok.ts";
import { add, closingLine, runTests } from "./test_run.ts";
import { runScript } from "./run.ts";
import { INTEGRATION_NEEDS, providePackages } from "./system_packages.ts";

async function main(): Promise<boolean> {
  await providePackages(INTEGRATION_NEEDS);
  let counts = await gate();
  for (const folder of ["integration", "fuzz", "simulation"]) {
    counts = add(counts, await step(`${folder} tests`, () => runTests(folder, [`tests/${folder}`])));
  }
  console.log(closingLine("test", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("test", main);
