/** A person who does maintenance by hand at any moment (S7, S12). */
import type { Random } from "../../../src/lib/sim/random.ts";
import { Person } from "../person.ts";
import type { Simulation } from "../simulation.ts";
import type { Fault } from "./fault.ts";

/** An NQN, an address or a device. */
function anyName(sim: Simulation, random: Random): string {
  const target = random.pick(sim.landscape.subsystems);
  const device = random.pick(sim.world.kernel.devices.all.filter(({ maker }) => maker === "stacd"));
  const names = [target?.nqn ?? "", target?.address.traddr ?? "", device?.name ?? ""];
  return random.pick(names.filter((name) => name !== "")) ?? "nvme0";
}

function drain(sim: Simulation, random: Random): void {
  const person = new Person(sim.world);
  const what = anyName(sim, random);
  const mode = random.pick(["do", "do", "do", "ask", "force"] as const) ?? "do";
  const forSeconds = random.chance(0.1) ? undefined : random.between(1, 60);
  const ask = (): void => {
    sim.tell("person", `stacctl drain ${what} --for ${forSeconds} (${mode})`);
    void person.drain(what, forSeconds, mode).then((answer) => {
      if (!answer.ok) return sim.tell("person", `cannot drain ${what}: ${answer.error.message}`);
      const { result, reasons, again } = answer.value;
      sim.tell("person", `drain ${what}: ${[result, ...reasons].join(": ")}`);
      sim.coverage.count(`drain ${result}`);
      if (result === "watching") sim.later((again ?? 0) + random.between(0, 2_000), ask);
    });
  };
  ask();
}

export const PERSON_FAULTS: readonly Fault[] = [
  { name: "drains", everyMs: 10_000, only: "stacd", act: drain },
  {
    name: "undrains",
    everyMs: 20_000,
    only: "stacd",
    act: (sim, random) => {
      const what = random.chance(0.7)
        ? random.pick(sim.stacd?.hasBegun === true ? sim.stacd.state.drains.list : [])?.what
        : anyName(sim, random);
      if (what === undefined) return;
      sim.tell("person", `stacctl undrain ${what}`);
      void new Person(sim.world).undrain(what).then((answer) =>
        sim.coverage.count(`undrain ${answer.ok ? answer.value.result : "lost"}`)
      );
    },
  },
];
