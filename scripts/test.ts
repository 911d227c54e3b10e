/**
 * `deno task test`: everything that needs no virtual machine. The gate, then integration tests (real bus,
 * real Avahi, real libnvme), the fuzz corpora replayed, and a short simulation.
 */
import { gate, step } from "./ok.ts";
import { add, closingLine, runTests } from "./test_run.ts";
import { runScript } from "./run.ts";
import { taskArguments } from "./task_arguments.ts";
import { METRICS_NEEDS, PACKAGE_NEEDS, UNPACK_NEEDS } from "./package/needs.ts";
import { rootOfNetwork } from "./root_of_network.ts";
import { aboutSkipped } from "./skipped.ts";
import { installMissing, INTEGRATION_NEEDS, named } from "./system_packages.ts";

const NEEDS = [...INTEGRATION_NEEDS, ...PACKAGE_NEEDS, ...UNPACK_NEEDS, ...METRICS_NEEDS];
const FOLDERS = ["integration", "fuzz", "simulation"] as const;
/** Of the integration tests those in network namespaces. */
const NETWORK = "tests/integration/network";

const USAGE = `usage: deno task test

All that needs no virtual machine: ok, the integration tests (real bus, real Avahi, real libnvme), the fuzz corpora
replayed, a short simulation, and the tests in network namespaces. As root it installs what the tests need;
otherwise it says what to install, and skips and counts the tests that lack something.

One test: deno test -A --no-check tests/integration/demo_test.ts --filter "text of its name"
`;

async function main(): Promise<boolean> {
  taskArguments(USAGE, {});
  const lacking = await installMissing(NEEDS);
  if (lacking.length > 0) console.error(`missing: ${named(lacking)}; tests that need them are skipped`);
  const reasons: string[] = [];
  let counts = await gate(reasons);
  for (const folder of FOLDERS) {
    const flags = folder === "integration" ? [`--ignore=${NETWORK}`] : [];
    counts = add(
      counts,
      await step(
        `${folder} tests`,
        () => runTests(folder, [`tests/${folder}`], flags, undefined, { reasons }),
      ),
    );
  }
  const within = await rootOfNetwork();
  counts = add(
    counts,
    await step("network tests", () => runTests("network", [NETWORK], [], undefined, { within, reasons })),
  );
  for (const line of await aboutSkipped(reasons, NEEDS, "test")) console.log(line);
  console.log(closingLine("test", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("test", main);
