/** Runs scenarios on one image: those for a kernel with other arguments in machines of their own, after the others. */
import { tellEvidence } from "./evidence.ts";
import { Guest } from "./guest.ts";
import type { Image } from "./images.ts";
import { factsOf, type Ran } from "./matrix.ts";
import { lackingIn } from "./needs.ts";
import type { Scenario } from "./scenario.ts";

export interface Machines {
  readonly machine: string;
  /** The last machine is left running. */
  readonly keep: boolean;
  /** The machine that runs already is used, and no other one. */
  readonly reuse: boolean;
  /** A machine just booted, with what is to be tested. */
  readonly boot: (kernelArguments?: string) => Promise<Guest>;
}

/** Runs one scenario from a clean machine; a failure is printed with its evidence, which is also kept in a file. */
async function runOne(guest: Guest, { name, run }: Scenario): Promise<boolean> {
  const begin = performance.now();
  const seconds = () => ((performance.now() - begin) / 1000).toFixed(0);
  await guest.run("lab-reset");
  const since = (await guest.run("date +%s.%N")).trim();
  try {
    await run(guest);
    console.log(`ok      ${name} (${seconds()} s)`);
    return true;
  } catch (error) {
    console.log(`FAILED  ${name} (${seconds()} s)`);
    console.log(error instanceof Error ? error.stack ?? error.message : String(error));
    await tellEvidence(guest, name, since);
    return false;
  }
}

/** Those that can run in this machine, and the others with the reason. */
async function sorted(guest: Guest, scenarios: readonly Scenario[], anyKernel: boolean): Promise<{
  readonly able: readonly Scenario[];
  readonly skipped: Ran["skipped"];
}> {
  const lacking = await lackingIn(guest, scenarios.flatMap(({ needs = [] }) => needs));
  const given = anyKernel ? undefined : await guest.run("cat /proc/cmdline");
  const able: Scenario[] = [];
  const skipped: (readonly [scenario: string, reason: string])[] = [];
  for (const scenario of scenarios) {
    const { name, needs = [], kernelArguments = "" } = scenario;
    const reason = needs.map((need) => lacking.get(need)).find((one) => one !== undefined) ??
      (given === undefined || given.includes(kernelArguments)
        ? undefined
        : `this machine was not booted with ${kernelArguments}`);
    if (reason === undefined) able.push(scenario);
    else {
      console.log(`skipped ${name}: ${reason}`);
      skipped.push([name, reason]);
    }
  }
  return { able, skipped };
}

/**
 * What scenarios need is asked of a machine with the usual kernel arguments, which runs those that want no others:
 * with others the image may not boot. Each kind of others gets a machine of its own afterwards.
 */
export async function runOn(image: Image, scenarios: readonly Scenario[], machines: Machines): Promise<Ran> {
  const failed: string[] = [];
  let passed = 0;
  const runEach = async (guest: Guest, some: readonly Scenario[]): Promise<void> => {
    for (const scenario of some) {
      if (await runOne(guest, scenario)) passed += 1;
      else failed.push(scenario.name);
    }
  };

  let guest = machines.reuse ? Guest.running(machines.machine) : await machines.boot();
  try {
    const facts = await factsOf(guest);
    console.log(
      `vm: ${image.name}: Linux ${facts.kernel}, systemd ${facts.systemd}, libnvme ${facts.libnvme}`,
    );
    const { able, skipped } = await sorted(guest, scenarios, !machines.reuse);
    const groups = Map.groupBy(able, ({ kernelArguments }) => machines.reuse ? undefined : kernelArguments);
    await runEach(guest, groups.get(undefined) ?? []);
    for (const [kernelArguments, some] of groups) {
      if (kernelArguments === undefined) continue;
      await guest.stop();
      console.log(`vm: ${image.name} with ${kernelArguments}`);
      guest = await machines.boot(kernelArguments);
      await runEach(guest, some);
    }
    return { facts, failed, skipped, counts: { passed, failed: failed.length, skipped: skipped.length } };
  } finally {
    if (machines.keep || machines.reuse) {
      console.log(
        `The machine still runs: VMBED_NAME=${machines.machine} tests/vm/bed/run CMD; tests/vm/bed/stop ends it.`,
      );
    } else await guest.stop();
  }
}
