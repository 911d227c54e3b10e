/**
 * `deno task test:install [--only clean|over] [--keep]`: the .deb in virtual machines, on a Debian that never had
 * nvme-stas and over the original with connections up. One boot for each.
 */
import { parseArgs } from "node:util";
import { hostTarget } from "../../scripts/denort.ts";
import { makePackages } from "../../scripts/package.ts";
import { currentRelease } from "../../scripts/package/release.ts";
import { passThrough, runScript } from "../../scripts/run.ts";
import { providePackages, VM_NEEDS } from "../../scripts/system_packages.ts";
import { add, closingLine, type Counts, NOTHING } from "../../scripts/test_run.ts";
import { Guest } from "./guest.ts";
import type { Scenario } from "./scenario.ts";
import { scenario as clean } from "./scenarios/install_clean.ts";
import { scenario as over } from "./scenarios/install_over.ts";

const PAYLOAD = "build/vm-install";

const RUNS: readonly (readonly [only: string, image: "clean" | "peer", scenario: Scenario])[] = [
  ["clean", "clean", clean],
  ["over", "peer", over],
];

async function runOne(image: string, { name, run }: Scenario, keep: boolean): Promise<Counts> {
  const machine = Deno.env.get("VMBED_NAME") ?? "install";
  const guest = await Guest.boot(image, PAYLOAD, machine);
  try {
    await run(guest);
    console.log(`ok      ${name}`);
    return { ...NOTHING, passed: 1 };
  } catch (error) {
    console.log(`FAILED  ${name}`);
    console.log(error instanceof Error ? error.stack ?? error.message : String(error));
    const journal = "journalctl --no-pager -o short-monotonic -b -u stafd -u stacd -k | tail -n 150";
    console.log((await guest.attempt(journal)).stdout);
    return { ...NOTHING, failed: 1 };
  } finally {
    if (keep) console.log(`The machine still runs: VMBED_NAME=${machine} tests/vm/bed/run CMD`);
    else await guest.stop();
  }
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { only: { type: "string", default: "" }, keep: { type: "boolean", default: false } },
  });
  const runs = RUNS.filter(([only]) => values.only === "" || values.only === only);
  if (runs.length === 0) throw new Error(`--only ${values.only}: must be clean or over`);
  if (values.keep && runs.length > 1) {
    throw new Error("--keep: choose one machine by --only clean or --only over");
  }
  await providePackages(VM_NEEDS);
  const [file = ""] = await makePackages(
    { target: hostTarget(), formats: ["deb"], compression: "none" },
    await currentRelease(),
    "build/package/vm",
    PAYLOAD,
  );
  await Deno.rename(file, `${PAYLOAD}/new.deb`);
  let counts = NOTHING;
  for (const [, image, scenario] of runs) {
    if (!await passThrough(["tests/vm/bed/build", image])) throw new Error("the image could not be built");
    counts = add(counts, await runOne(image, scenario, values.keep));
  }
  console.log(closingLine("install", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("test:install", main);
