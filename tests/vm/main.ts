/**
 * `deno task test:vm [--only TEXT]... [--all] [--peer] [--keep] [--reuse]`: the compiled programs under their own units
 * on a real kernel. Builds the image and the program, boots once, runs the scenarios one after the other: the short ones,
 * those that --only selects, or --all.
 * --peer tests the original instead, which shows that the scenarios ask for what is true.
 * --keep leaves the machine running afterwards and says how to enter it. --reuse builds and boots nothing: it uses the
 * machine that runs already, with what is installed there.
 */
import { parseArgs } from "node:util";
import { build } from "../../scripts/build.ts";
import { hostTarget } from "../../scripts/denort.ts";
import { passThrough, runScript } from "../../scripts/run.ts";
import { stage } from "../../scripts/stage.ts";
import { providePackages, VM_NEEDS } from "../../scripts/system_packages.ts";
import { add, closingLine, type Counts, NOTHING } from "../../scripts/test_run.ts";
import { tellEvidence } from "./evidence.ts";
import { Guest } from "./guest.ts";
import type { Scenario } from "./scenario.ts";
import { scenario as busFlood } from "./scenarios/bus_flood.ts";
import { scenario as change } from "./scenarios/change.ts";
import { scenario as confinement } from "./scenarios/confinement.ts";
import { scenario as connection } from "./scenarios/connection.ts";
import { scenario as dbusClients } from "./scenarios/dbus_clients.ts";
import { scenario as discovery } from "./scenarios/discovery.ts";
import { scenario as refusal } from "./scenarios/refusal.ts";
import { crash, restart } from "./scenarios/restart.ts";
import { scenarios as stacdCompany } from "./scenarios/stacd_company.ts";
import { scenarios as stacdCrash } from "./scenarios/stacd_crash.ts";
import { scenarios as stacdDisconnect } from "./scenarios/stacd_disconnect.ts";
import { scenarios as stacdLines } from "./scenarios/stacd_lines.ts";
import { scenarios as stacdPaths } from "./scenarios/stacd_paths.ts";
import { scenarios as stacdSecurity } from "./scenarios/stacd_security.ts";
import { scenarios as stacdSecrets } from "./scenarios/stacd_secrets.ts";
import { scenarios as stacdStafdAway } from "./scenarios/stacd_stafd_away.ts";
import { scenarios as startScenarios } from "./scenarios/start.ts";
import { scenarios as stafdAvahi } from "./scenarios/stafd_avahi.ts";
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
  discovery,
  connection,
  change,
  restart,
  crash,
  refusal,
  ...startScenarios,
  busFlood,
  dbusClients,
  ...stafdAvahi,
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
  ...stacdDisconnect,
  ...stacdStafdAway,
  ...stacdLines,
  ...stacdPaths,
  ...stacdSecrets,
  ...stacdSecurity,
  ...stacdCompany,
  ...stacdCrash,
];

const PAYLOAD = "build/vm";

function selected(only: readonly string[], peer: boolean, all: boolean): readonly Scenario[] {
  const known = peer ? SCENARIOS.filter(({ ofOurs }) => ofOurs !== true) : SCENARIOS;
  if (only.length === 0) return all ? known : known.filter(({ slow }) => slow !== true);
  const found = known.filter(({ name }) => only.some((part) => name.includes(part)));
  if (found.length === 0) {
    throw new Error(
      `--only ${only.join(", ")}: no such scenario; there are: ${known.map((s) => s.name).join("; ")}`,
    );
  }
  return found;
}

/** Runs one scenario from a clean machine; a failure is printed with its evidence, which is also kept in a file. */
async function runOne(guest: Guest, { name, run }: Scenario): Promise<Counts> {
  const begin = performance.now();
  const seconds = () => ((performance.now() - begin) / 1000).toFixed(0);
  await guest.run("lab-reset");
  const since = (await guest.run("date +%s.%N")).trim();
  try {
    await run(guest);
    console.log(`ok      ${name} (${seconds()} s)`);
    return { ...NOTHING, passed: 1 };
  } catch (error) {
    console.log(`FAILED  ${name} (${seconds()} s)`);
    console.log(error instanceof Error ? error.stack ?? error.message : String(error));
    await tellEvidence(guest, name, since);
    return { ...NOTHING, failed: 1 };
  }
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      only: { type: "string", multiple: true, default: [] },
      all: { type: "boolean", default: false },
      peer: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      reuse: { type: "boolean", default: false },
    },
  });
  const scenarios = selected(values.only, values.peer, values.all);
  const machine = Deno.env.get("VMBED_NAME") ?? "test";
  const guest = values.reuse ? Guest.running(machine) : await prepared(machine, values.peer);
  let counts = NOTHING;
  try {
    for (const scenario of scenarios) counts = add(counts, await runOne(guest, scenario));
  } finally {
    if (values.keep || values.reuse) {
      console.log(
        `The machine still runs: VMBED_NAME=${machine} tests/vm/bed/run CMD; tests/vm/bed/stop ends it.`,
      );
    } else await guest.stop();
  }
  console.log(closingLine("vm", counts));
  return counts.failed === 0;
}

/** A machine just booted, with what is to be tested installed in it. */
async function prepared(machine: string, peer: boolean): Promise<Guest> {
  await providePackages(VM_NEEDS);
  const image = peer ? "peer" : "clean";
  if (!await passThrough(["tests/vm/bed/build", image])) {
    throw new Error("the image could not be built");
  }
  await Deno.mkdir(PAYLOAD, { recursive: true });
  if (!peer) await stage(await build(hostTarget(), "build"), `${PAYLOAD}/root`);
  const guest = await Guest.boot(image, PAYLOAD, machine);
  try {
    if (!peer) await guest.run("lab-install ours");
    return guest;
  } catch (error) {
    await guest.stop();
    throw error;
  }
}

if (import.meta.main) await runScript("test:vm", main);
