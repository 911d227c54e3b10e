/**
 * `deno task test:install`: the .deb in virtual machines, on a Debian that never had nvme-stas, over the original with
 * connections up, through a reboot, with the page in a real Cockpit, and by the role of Ansible. A machine for each, of an image for the processor
 * that the .deb is for.
 */
import { dirname } from "node:path";
import { BROWSER_NEEDS } from "../../scripts/cockpit/needs.ts";
import { makePackages } from "../../scripts/package.ts";
import { makePagePackages } from "../../scripts/package/cockpit.ts";
import { ANSIBLE_NEEDS } from "../../scripts/package/needs.ts";
import { currentRelease } from "../../scripts/package/release.ts";
import { passThrough, runScript } from "../../scripts/run.ts";
import { FOREIGN_NEEDS, providePackages, VM_NEEDS } from "../../scripts/system_packages.ts";
import { taskArguments, usageError } from "../../scripts/task_arguments.ts";
import { add, closingLine, type Counts, NOTHING } from "../../scripts/test_run.ts";
import { tellEvidence } from "./evidence.ts";
import { Guest } from "./guest.ts";
import { COCKPIT, type Image, imagesNamed, MANAGED, PEER } from "./images.ts";
import type { Scenario } from "./scenario.ts";
import { scenario as ansible } from "./scenarios/ansible.ts";
import { PORT, scenario as cockpit } from "./scenarios/cockpit.ts";
import { scenario as clean } from "./scenarios/install_clean.ts";
import { scenario as outages } from "./scenarios/install_outages.ts";
import { scenario as over } from "./scenarios/install_over.ts";
import { scenario as reboot } from "./scenarios/reboot.ts";

const PAYLOAD = "build/vm-install";

/** The disk of the machine that is booted again. */
const DISK = "build/vm-disks/install.img";

interface Run {
  readonly only: string;
  /** This one and no other: it has the original, or what others need. */
  readonly image?: Image;
  readonly disk?: string;
  readonly forward?: number;
  readonly scenario: Scenario;
}

const RUNS: readonly Run[] = [
  { only: "clean", scenario: clean },
  { only: "over", image: PEER, scenario: over },
  { only: "reboot", disk: DISK, scenario: reboot },
  { only: "outages", scenario: outages },
  { only: "ansible", image: MANAGED, scenario: ansible },
  { only: "cockpit", image: COCKPIT, forward: PORT, scenario: cockpit },
];

async function runOne(
  { disk, forward, scenario: { name, run } }: Run,
  image: Image,
  keep: boolean,
): Promise<Counts> {
  const machine = Deno.env.get("VMBED_NAME") ?? "install";
  const guest = await Guest.boot(image.name, PAYLOAD, machine, { disk, forward });
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

const USAGE =
  `usage: deno task test:install [--image NAME] [--only clean|over|reboot|outages|ansible|cockpit] [--keep]

The .deb in virtual machines, one for each run: on a Debian that never had nvme-stas (clean), over the Python
original with connections up and back (over), through a reboot and a poweroff (reboot), under load while pages
withdraw what is in use and arrays are away (outages), by the role of Ansible, which runs on this machine
(ansible), and with the page in Debian's Cockpit, which Chromium on this machine shows (cockpit). Needs root.

  --image NAME  the machine of clean, reboot and outages (default: clean); over, ansible and cockpit have images
                of their own, and are left out where those are for another processor
  --only RUN    this run only
  --keep        leave its machine running, and say how to enter it; with --only
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: {
      image: { type: "string", default: "clean" },
      only: { type: "string", default: "" },
      keep: { type: "boolean", default: false },
    },
  });
  const [image, second] = imagesNamed([values.image]);
  if (image === undefined || second !== undefined) usageError(USAGE, "--image: name one");
  const { target } = image;
  const runs = RUNS.filter((one) =>
    (values.only === "" || values.only === one.only) && (one.image ?? image).target === target
  );
  if (runs.length === 0) {
    const names = RUNS.map(({ only }) => only).join(", ");
    usageError(
      USAGE,
      `--only ${values.only}: must be one of ${names}, and none of over, ansible and cockpit on another processor`,
    );
  }
  if (values.keep && runs.length > 1) {
    usageError(USAGE, "--keep: choose one machine by --only");
  }
  await providePackages([
    ...VM_NEEDS,
    ...target === PEER.target ? [] : FOREIGN_NEEDS,
    ...runs.some((one) => one.image === MANAGED) ? ANSIBLE_NEEDS : [],
    ...runs.some((one) => one.image === COCKPIT) ? BROWSER_NEEDS : [],
  ]);
  const release = await currentRelease();
  const [file = ""] = await makePackages(
    { target, formats: ["deb"], compression: "none", allowFallback: true },
    release,
    "build/package/vm",
    PAYLOAD,
  );
  await Deno.rename(file, `${PAYLOAD}/new.deb`);
  const [page = ""] = await makePagePackages(["deb"], "none", release, "build/package/vm", PAYLOAD);
  await Deno.rename(page, `${PAYLOAD}/page.deb`);
  await Deno.mkdir(dirname(DISK), { recursive: true });
  let counts = NOTHING;
  for (const one of runs) {
    const its = one.image ?? image;
    if (!await passThrough(["tests/vm/bed/build", its.name])) throw new Error("the image could not be built");
    counts = add(counts, await runOne(one, its, values.keep));
  }
  console.log(closingLine("install", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("test:install", main);
