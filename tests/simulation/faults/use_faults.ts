/** Programs that use what is connected, seen and unseen (S12). */
import type { NamespaceUse } from "../../../src/lib/sim/namespaces.ts";
import type { Random } from "../../../src/lib/sim/random.ts";
import type { Simulation } from "../simulation.ts";
import type { Fault } from "./fault.ts";

/** The NQN of a subsystem whose namespace can be used. */
function anyConnected(sim: Simulation, random: Random): string | undefined {
  const { devices } = sim.world.kernel;
  const served = devices.all.filter(({ target, state }) =>
    state === "live" && target !== undefined && target.discovery === undefined && !target.isEmpty
  );
  return random.pick(served)?.target?.nqn;
}

/** For a while, something about the use of a namespace is as it is said here. */
function forAWhile(
  sim: Simulation,
  random: Random,
  change: Partial<NamespaceUse>,
  back: Partial<NamespaceUse>,
): void {
  const nqn = anyConnected(sim, random);
  if (nqn === undefined) return;
  const use = sim.world.kernel.devices.namespaces.use(nqn);
  Object.assign(use, change);
  sim.later(random.between(500, 40_000), () => void Object.assign(use, back));
}

export const USE_FAULTS: readonly Fault[] = [
  {
    name: "mounts",
    everyMs: 10_000,
    act: (sim, random) => {
      const nqn = anyConnected(sim, random);
      const where = `/srv/${random.between(1, 3)}`;
      const { namespaces } = sim.world.kernel.devices;
      if (nqn === undefined || !namespaces.mount(nqn, where)) return;
      sim.tell("program", `mounts ${nqn} on ${where}`);
      // Some stay mounted until the end.
      sim.later(random.between(1_000, 120_000), () => namespaces.unmount(nqn, where));
    },
  },
  {
    name: "hidden-mounts",
    everyMs: 15_000,
    act: (sim, random) => {
      const nqn = anyConnected(sim, random);
      const { namespaces } = sim.world.kernel.devices;
      if (nqn === undefined || !namespaces.mountUnseen(nqn)) return;
      sim.tell("program", `mounts ${nqn} unseen`);
      sim.later(random.between(1_000, 90_000), () => void namespaces.use(nqn).hiddenClaims--);
    },
  },
  {
    name: "raw-writers",
    everyMs: 15_000,
    act: (sim, random) => {
      const nqn = anyConnected(sim, random);
      const { namespaces } = sim.world.kernel.devices;
      if (nqn === undefined || namespaces.use(nqn).rawSince !== undefined) return;
      const use = namespaces.use(nqn);
      use.rawSince = sim.mono;
      sim.tell("program", `writes to ${nqn}`);
      const write = (): void => {
        if (use.rawSince === undefined) return;
        namespaces.write(nqn, random.between(1, 64));
        if (random.chance(0.1)) use.rawSince = undefined;
        else sim.later(random.between(100, 20_000), write);
      };
      write();
    },
  },
  {
    name: "locked-devices",
    everyMs: 15_000,
    act: (sim, random) => forAWhile(sim, random, { locked: true }, { locked: false }),
  },
  {
    name: "unreadable-use",
    everyMs: 20_000,
    act: (sim, random) =>
      forAWhile(sim, random, { unreadable: "/proc/swaps cannot be read" }, { unreadable: undefined }),
  },
];
