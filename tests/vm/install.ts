/**
 * `deno task test:install`: the .deb in virtual machines, on a Debian that never had
 * nvme-stas, over the original with connections up, and through a reboot. A machine for each.
 */
import { dirname } from "node:path";
import { hostTarget } from "../../scripts/denort.ts";
import { makePackages } from "../../scripts/package.ts";
import { currentRelease } from "../../scripts/package/release.ts";
import { passThrough, runScript } from "../../scripts/run.ts";
import { providePackages, VM_NEEDS } from "../../scripts/system_packages.ts";
import { taskArguments, usageError } from "../../scripts/task_arguments.ts";
import { add, closingLine, type Counts, NOTHING } from "../../scripts/test_run.ts";
import { tellEvidence } from "./evidence.ts";
import { Guest } from "./guest.ts";
import type { Scenario } from "./scenario.ts";
import { scenario as clean } from "./scenarios/install_clean.ts";
import { scenario as over } from "./scenarios/install_over.ts";
import { scenario as reboot } from "./scenarios/reboot.ts";

const PAYLOAD = "build/vm-install";

/** The disk of the machine that is booted again. */
const DISK = "build/vm-disks/install.img";

interface Run {
  readonly only: string;
  readonly image: "clean" | "peer";
  readonly disk?: string;
  readonly scenario: Scenario;
}

const RUNS: readonly Run[] = [
  { only: "clean", image: "clean", scenario: clean },
  { only: "over", image: "peer", scenario: over },
  { only: "reboot", image: "clean", disk: DISK, scenario: reboot },
];

async function runOne({ image, disk, scenario: { name, run } }: Run, keep: boolean): Promise<Counts> {
  const machine = Deno.env.get("VMBED_NAME") ?? "install";
  const guest = await Guest.boot(image, PAYLOAD, machine, disk);
  try {
    await run(guest);
    console.log(`ok      ${name}`);
    return { ...NOTHING, passed: 1 };
  } catch (error) {
    console.log(`FAILED  ${name}`);
    console.log(error instanceof Error ? error.stack ?? error.message : String(error));
    await tellEvidence(guest, name, "0");
    return { ...NOTHING, failed: 1 };
  } finally {
    if (keep) console.log(`The machine still runs: VMBED_NAME=${machine} tests/vm/bed/run CMD`);
    else await guest.stop();
  }
}

const USAGE = `usage: deno task test:install [--only clean|over|reboot] [--keep]

The .deb in virtual machines, one for each run: on a Debian that never had nvme-stas (clean), over the Python
original with connections up and back (over), and through a reboot and a poweroff (reboot). Needs root.

  --only RUN  this run only
  --keep      leave its machine running, and say how to enter it; with --only
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: { only: { type: "string", default: "" }, keep: { type: "boolean", default: false } },
  });
  const runs = RUNS.filter(({ only }) => values.only === "" || values.only === only);
  if (runs.length === 0) {
    usageError(USAGE, `--only ${values.only}: must be one of ${RUNS.map(({ only }) => only).join(", ")}`);
  }
  if (values.keep && runs.length > 1) {
    usageError(USAGE, "--keep: choose one machine by --only");
  }
  await providePackages(VM_NEEDS);
  const [file = ""] = await makePackages(
    { target: hostTarget(), formats: ["deb"], compression: "none", allowFallback: true },
    await currentRelease(),
    "build/package/vm",
    PAYLOAD,
  );
  await Deno.rename(file, `${PAYLOAD}/new.deb`);
  await Deno.mkdir(dirname(DISK), { recursive: true });
  let counts = NOTHING;
  for (const one of runs) {
    if (!await passThrough(["tests/vm/bed/build", one.image])) {
      throw new Error("the image could not be built");
    }
    counts = add(counts, await runOne(one, values.keep));
  }
  console.log(closingLine("install", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("test:install", main);
