/** What goes wrong with Avahi, the name server and the bus. */
import type { Random } from "../../../src/lib/sim/random.ts";
import { anyDc } from "../edits.ts";
import { announcement, ifaceOf } from "../landscape.ts";
import type { Simulation } from "../simulation.ts";
import type { Fault } from "./fault.ts";

/** A service that is announced, or withdrawn, one after the other. */
function flap(sim: Simulation, random: Random): void {
  const { avahi } = sim.world;
  const service = random.pick(avahi.announced);
  if (service === undefined) return;
  if (random.chance(0.2)) avahi.complain(`${service.name}: the resolver failed`);
  avahi.withdraw(service.key);
  sim.later(random.between(1, 20_000), () => {
    const { hostIface, name, traddr, port } = service;
    avahi.announce({
      hostIface,
      name,
      traddr,
      port,
      txt: service.txt.map((one) => new TextDecoder().decode(one)),
    });
  });
}

export const SERVICE_FAULTS: readonly Fault[] = [
  {
    name: "avahi-restarts",
    everyMs: 25_000,
    only: "stafd",
    act: (sim, random) => {
      sim.world.avahi.stop();
      sim.later(random.between(100, 15_000), () => sim.world.avahi.start());
    },
  },
  { name: "avahi-flaps", everyMs: 10_000, only: "stafd", act: flap },
  {
    name: "avahi-goodbyes",
    everyMs: 20_000,
    only: "stafd",
    act: (sim, random) => {
      const { avahi } = sim.world;
      const service = random.pick(avahi.announced);
      if (service !== undefined && random.chance(0.5)) return avahi.withdraw(service.key);
      const dc = anyDc(sim, random);
      if (dc === undefined) return;
      const what = announcement(random, dc, random.between(0, 9));
      avahi.announce(what);
      // The same service heard on another interface.
      if (random.chance(0.3)) {
        avahi.announce({ ...what, hostIface: ifaceOf(dc) === "eth0" ? "eth1" : "eth0" });
      }
    },
  },
  {
    name: "avahi-moves",
    everyMs: 15_000,
    only: "stafd",
    act: (sim, random) => {
      const { avahi } = sim.world;
      const service = random.pick(avahi.announced);
      const dc = anyDc(sim, random);
      if (service === undefined || dc === undefined) return;
      // The same name means another controller now, or the same one by another NQN.
      avahi.announce({ ...announcement(random, dc, 0), hostIface: service.hostIface, name: service.name });
    },
  },
  {
    name: "hung-names",
    everyMs: 0,
    begin: ({ world }) => void (world.resolver.hangs = 0.2),
  },
  { name: "names-fail", everyMs: 0, begin: ({ world }) => void (world.resolver.fails = 0.5) },
  {
    name: "names-move",
    everyMs: 15_000,
    act: (sim, random) => {
      const { names } = sim.world.resolver;
      const host = random.pick([...names.keys()]);
      const target = random.pick(
        host?.startsWith("dc") === true ? sim.landscape.dcs : sim.landscape.subsystems,
      );
      if (host === undefined || target === undefined) return;
      // While its connection is up no name is resolved again: a person who changes it reloads.
      sim.filesChanged = true;
      const old = names.get(host) ?? [];
      names.set(
        host,
        random.chance(0.5) ? [target.address.traddr] : [...new Set([...old, target.address.traddr])],
      );
    },
  },
  {
    name: "bus-away",
    everyMs: 30_000,
    act: (sim, random) => {
      sim.world.bus.goAway();
      sim.later(random.between(10, 10_000), () => sim.world.bus.comeBack());
    },
  },
  {
    name: "calls-fail",
    everyMs: 0,
    only: "stacd",
    begin: ({ world }) => {
      world.bus.callsFail = 0.3;
      world.bus.callsLost = 0.1;
    },
  },
];
