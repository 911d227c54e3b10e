/** `deno task test:vm` and `test:matrix`: the compiled programs under their own units on a real kernel. */
import { build } from "../../scripts/build.ts";
import { passThrough, runScript } from "../../scripts/run.ts";
import { stage } from "../../scripts/stage.ts";
import { FOREIGN_NEEDS, providePackages, VM_NEEDS } from "../../scripts/system_packages.ts";
import { taskArguments, usageError } from "../../scripts/task_arguments.ts";
import { add, closingLine, NOTHING } from "../../scripts/test_run.ts";
import { Guest } from "./guest.ts";
import { type Image, imagesNamed, PEER } from "./images.ts";
import { currentCommit, keepResults, resultOf } from "./matrix.ts";
import { runOn } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios as appArmor } from "./scenarios/apparmor.ts";
import { scenario as busFlood } from "./scenarios/bus_flood.ts";
import { scenario as change } from "./scenarios/change.ts";
import { scenario as confinement } from "./scenarios/confinement.ts";
import { scenario as connection } from "./scenarios/connection.ts";
import { scenario as dbusClients } from "./scenarios/dbus_clients.ts";
import { scenario as discovery } from "./scenarios/discovery.ts";
import { scenarios as errnos } from "./scenarios/errnos.ts";
import { scenarios as fc } from "./scenarios/fc.ts";
import { scenarios as fcKickStart } from "./scenarios/fc_kick_start.ts";
import { scenarios as fcLate } from "./scenarios/fc_late.ts";
import { scenarios as image } from "./scenarios/image.ts";
import { scenarios as kernelRules } from "./scenarios/kernel_rules.ts";
import { scenarios as oldKernel } from "./scenarios/old_kernel.ts";
import { scenarios as hostileHour } from "./scenarios/hostile_hour.ts";
import { scenarios as hostilePages } from "./scenarios/hostile_pages.ts";
import { scenarios as hostIdentity } from "./scenarios/host_identity.ts";
import { scenarios as thousandPaths } from "./scenarios/thousand_paths.ts";
import { scenarios as nextConf } from "./scenarios/next_conf.ts";
import { scenarios as nvmeCli3 } from "./scenarios/nvme_cli_3.ts";
import { scenarios as rdma } from "./scenarios/rdma.ts";
import { scenarios as oddHosts } from "./scenarios/odd_hosts.ts";
import { scenarios as report } from "./scenarios/report.ts";
import { scenarios as podman } from "./scenarios/podman.ts";
import { scenario as refusal } from "./scenarios/refusal.ts";
import { crash, restart } from "./scenarios/restart.ts";
import { scenarios as stacdByHand } from "./scenarios/stacd_by_hand.ts";
import { scenarios as stacdCompany } from "./scenarios/stacd_company.ts";
import { scenarios as stacdCrash } from "./scenarios/stacd_crash.ts";
import { scenarios as stacdDisconnect } from "./scenarios/stacd_disconnect.ts";
import { scenarios as stacdInUse } from "./scenarios/stacd_in_use.ts";
import { scenarios as stacdLines } from "./scenarios/stacd_lines.ts";
import { scenarios as stacdOutages } from "./scenarios/stacd_outages.ts";
import { scenarios as stacdPaths } from "./scenarios/stacd_paths.ts";
import { scenarios as stacdProbe } from "./scenarios/stacd_probe.ts";
import { scenarios as stacdRedundancy } from "./scenarios/stacd_redundancy.ts";
import { scenarios as stacdSecurity } from "./scenarios/stacd_security.ts";
import { scenarios as stacdSecrets } from "./scenarios/stacd_secrets.ts";
import { scenarios as stacdStafdAway } from "./scenarios/stacd_stafd_away.ts";
import { scenarios as stacdTls } from "./scenarios/stacd_tls.ts";
import { scenarios as stacdTlsFailures } from "./scenarios/stacd_tls_failures.ts";
import { scenarios as startScenarios } from "./scenarios/start.ts";
import { scenarios as stafdAvahi } from "./scenarios/stafd_avahi.ts";
import { scenarios as stafdByHand } from "./scenarios/stafd_by_hand.ts";
import { scenarios as stafdCdc } from "./scenarios/stafd_cdc.ts";
import { scenarios as stafdCompany } from "./scenarios/stafd_company.ts";
import { scenarios as stafdIpv6 } from "./scenarios/stafd_ipv6.ts";
import { scenarios as stafdMesh } from "./scenarios/stafd_mesh.ts";
import { scenarios as stafdPaths } from "./scenarios/stafd_paths.ts";
import { scenarios as stafdReferrals } from "./scenarios/stafd_referrals.ts";
import { scenarios as stafdReload } from "./scenarios/stafd_reload.ts";
import { scenarios as stafdSecrets } from "./scenarios/stafd_secrets.ts";
import { scenarios as stafdSilence } from "./scenarios/stafd_silence.ts";
import { scenarios as stafdStop } from "./scenarios/stafd_stop.ts";
import { scenarios as stafdTls } from "./scenarios/stafd_tls.ts";

const SCENARIOS: readonly Scenario[] = [
  confinement,
  ...appArmor,
  ...image,
  ...podman,
  discovery,
  connection,
  change,
  restart,
  crash,
  refusal,
  ...startScenarios,
  busFlood,
  dbusClients,
  ...hostilePages,
  ...hostileHour,
  ...thousandPaths,
  ...fc,
  ...fcLate,
  ...fcKickStart,
  ...rdma,
  ...kernelRules,
  ...errnos,
  ...oddHosts,
  ...oldKernel,
  ...hostIdentity,
  ...stafdAvahi,
  ...stafdByHand,
  ...stafdCdc,
  ...stafdCompany,
  ...stafdIpv6,
  ...stafdMesh,
  ...stafdPaths,
  ...stafdReferrals,
  ...stafdReload,
  ...stafdSecrets,
  ...stafdSilence,
  ...stafdStop,
  ...stafdTls,
  ...nextConf,
  ...nvmeCli3,
  ...stacdDisconnect,
  ...stacdStafdAway,
  ...stacdInUse,
  ...stacdLines,
  ...stacdOutages,
  ...stacdPaths,
  ...stacdProbe,
  ...stacdRedundancy,
  ...stacdSecrets,
  ...report,
  ...stacdSecurity,
  ...stacdTls,
  ...stacdTlsFailures,
  ...stacdByHand,
  ...stacdCompany,
  ...stacdCrash,
];

const PAYLOAD = "build/vm";

/** The scenarios of one image: those with a name that was asked for, all, or the short ones and what the image was made for. */
function selected(
  { only, peer, all }: Pick<Options, "only" | "peer" | "all">,
  { also = [] }: Image,
): readonly Scenario[] {
  const known = peer ? SCENARIOS.filter(({ ofOurs }) => ofOurs !== true) : SCENARIOS;
  if (only.length === 0) {
    return known.filter(({ name, slow }) => all || slow !== true || also.some((part) => name.includes(part)));
  }
  const found = known.filter(({ name }) => only.some((part) => name.includes(part)));
  if (found.length === 0) {
    usageError(
      USAGE,
      `--only ${only.join(", ")}: no such scenario; there are: ${known.map((s) => s.name).join("; ")}`,
    );
  }
  return found;
}

interface Options {
  readonly image: readonly string[];
  readonly only: readonly string[];
  readonly all: boolean;
  readonly matrix: boolean;
  readonly peer: boolean;
  readonly keep: boolean;
  readonly reuse: boolean;
}

/** Throws where options contradict each other; gives back the images to run on. */
function imagesOf({ image, only, matrix, peer, keep, reuse }: Options): readonly Image[] {
  const images = peer ? [PEER] : imagesNamed(image.length === 0 ? [matrix ? "all" : "clean"] : image);
  if (matrix && (only.length > 0 || peer)) {
    usageError(USAGE, "--matrix is about whole runs of our programs: not with --only or --peer");
  }
  if (images.length > 1 && (keep || reuse)) usageError(USAGE, "--keep and --reuse are for one machine");
  return images;
}

const USAGE = `usage: deno task test:vm [--image NAME]... [--only TEXT]... [--all] [--peer] [--keep] [--reuse]
       deno task test:matrix [--image NAME]... [--all]

Builds the image and the program, boots one virtual machine, and runs the scenarios one after the other: the short
ones unless told otherwise. A scenario that needs what the image does not have is skipped, with the reason;
those for a kernel with other arguments get a machine of their own. Needs root and QEMU; KVM is not needed.

  --image NAME  the machine (default: clean); several run one after the other, "all" is each of them
  --only TEXT   the scenarios whose name has this text in it
  --all         the long scenarios, too
  --matrix      what test:matrix does: on all images unless told which, with the results in docs/matrix.md
  --peer        test the Python original instead, which shows that the scenarios ask for what is true
  --keep        leave the machine running afterwards, and say how to enter it
  --reuse       build and boot nothing: use the machine that runs already, with what is installed there

VMBED_NAME tells several machines apart. Images, and commands to look around: tests/vm/bed/README.md
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: {
      image: { type: "string", multiple: true, default: [] },
      only: { type: "string", multiple: true, default: [] },
      all: { type: "boolean", default: false },
      matrix: { type: "boolean", default: false },
      peer: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      reuse: { type: "boolean", default: false },
    },
  });
  const images = imagesOf(values);
  const machine = Deno.env.get("VMBED_NAME") ?? "test";
  const about = {
    date: new Date().toISOString().slice(0, 10),
    commit: await currentCommit(),
    extent: values.all ? "all" : "short",
  } as const;
  let counts = NOTHING;
  for (const image of images) {
    const payload = values.reuse ? "" : await madeReady(image);
    const result = await runOn(image, selected(values, image), {
      machine,
      keep: values.keep,
      reuse: values.reuse,
      boot: (kernelArguments) => booted(machine, image, payload, kernelArguments),
    });
    counts = add(counts, result.counts);
    if (images.length > 1) console.log(closingLine(`vm: ${image.name}`, result.counts));
    if (values.matrix) await keepResults([resultOf(image, result, about)]);
  }
  console.log(closingLine("vm", counts));
  return counts.failed === 0;
}

/** The image, and what is to be installed in it; gives back the folder that the machine sees at /payload. */
async function madeReady(image: Image): Promise<string> {
  const foreign = image.target !== Deno.build.target;
  await providePackages(foreign ? [...VM_NEEDS, ...FOREIGN_NEEDS] : VM_NEEDS);
  if (!await passThrough(["tests/vm/bed/build", image.name])) {
    throw new Error("the image could not be built");
  }
  const payload = foreign ? `${PAYLOAD}-${image.target}` : PAYLOAD;
  await Deno.mkdir(payload, { recursive: true });
  if (image !== PEER) {
    const built = await build(image.target, foreign ? `build/${image.target}` : "build");
    await stage(built, `${payload}/root`);
  }
  return payload;
}

/** A machine just booted, with what is to be tested installed in it. */
async function booted(
  machine: string,
  image: Image,
  payload: string,
  kernelArguments?: string,
): Promise<Guest> {
  const guest = await Guest.boot(
    image.name,
    payload,
    machine,
    kernelArguments === undefined ? {} : { kernelArguments },
  );
  try {
    if (image !== PEER) await guest.run("lab-install ours");
    return guest;
  } catch (error) {
    await guest.stop();
    throw error;
  }
}

if (import.meta.main) await runScript("test:vm", main);
