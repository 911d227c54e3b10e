/** A person who does maintenance by hand at any moment (S7, S12). */
import type { RenewMode } from "../../../src/lib/dbus/server.ts";
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

/** Rather one that does not answer, or was not connected; or an array is switched off for good, and then forgotten. */
function forget(sim: Simulation, random: Random): void {
  const ask = (traddr: string): void => {
    const mode = random.chance(0.3) ? "ask" : "do";
    sim.tell("person", `stafctl forget ${traddr} (${mode})`);
    void new Person(sim.world).forget(traddr, mode).then((answer) => {
      if (!answer.ok) return sim.tell("person", `cannot forget ${traddr}: ${answer.error.message}`);
      const { result, reasons } = answer.value;
      sim.tell("person", `forget ${traddr}: ${[result, ...reasons].join(": ")}`);
      sim.coverage.count(`forget ${result}`);
    });
  };
  if (random.chance(0.4)) {
    const { avahi, fabric } = sim.world;
    const service = random.pick(avahi.announced);
    const target = fabric.targets.find(({ discovery, address }) =>
      discovery !== undefined && address.traddr === service?.traddr &&
      address.trsvcid === String(service.port)
    );
    if (service === undefined || target === undefined) return;
    for (const { key, traddr } of avahi.announced) if (traddr === service.traddr) avahi.withdraw(key);
    sim.world.setManner(target, "silent");
    // For good.
    sim.landscape.dead.add(target);
    sim.later(random.between(5_000, 30_000), () => ask(service.traddr));
    return;
  }
  const silent = [...(sim.stafd?.hasBegun === true ? sim.stafd.state.fleet.ctls.values() : [])]
    .filter(({ link }) => link.phase !== "up" || link.lost !== undefined);
  const dc = random.chance(0.7) ? random.pick(silent)?.tid : random.pick(sim.landscape.dcs)?.address;
  if (dc !== undefined) ask(dc.traddr);
}

/** Another value for an option, or none, and then what is connected gets it. */
function renew(sim: Simulation, random: Random): void {
  const { stacd } = sim.landscape;
  if (random.chance(0.6)) {
    stacd.set("Global", random.pick(["kato", "ctrl-loss-tmo"]) ?? "kato", String(random.between(6, 9) * 100));
    // Less than its connection has, which a renewal does not take away.
    if (random.chance(0.5)) {
      const bare = stacd.controllers.map((one) => one.replace(/;dhchap-(?:ctrl-)?secret=[^;]*/g, ""));
      stacd.controllers.splice(0, stacd.controllers.length, ...bare);
    }
    sim.writeFiles();
    sim.reloadAll();
  }
  const what = anyName(sim, random);
  const mode = random.chance(0.2) ? "ask" : "do";
  const person = new Person(sim.world);
  const ask = (how: RenewMode): void => {
    sim.tell("person", `stacctl renew ${what} (${how})`);
    void person.renew(what, how).then((answer) => {
      if (!answer.ok) return sim.tell("person", `cannot renew ${what}: ${answer.error.message}`);
      const { result, reasons } = answer.value;
      sim.tell("person", `renew ${what}: ${[result, ...reasons].join(": ")}`);
      sim.coverage.count(`renew ${result}`);
      if (result === "running") {
        sim.later(random.between(500, 3_000), () => ask(random.chance(0.1) ? "stop" : "watch"));
      }
    });
  };
  sim.later(random.between(100, 3_000), () => ask(mode));
}

export const PERSON_FAULTS: readonly Fault[] = [
  { name: "forgets", everyMs: 10_000, only: "stafd", act: forget },
  { name: "renews", everyMs: 10_000, only: "stacd", act: renew },
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
