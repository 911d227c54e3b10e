/** What a person may do to the configuration files. */
import type { Target } from "../../src/lib/sim/fabric.ts";
import type { Random } from "../../src/lib/sim/random.ts";
import { controllerLine } from "./landscape.ts";
import type { Simulation } from "./simulation.ts";

export const anyDc = (sim: Simulation, random: Random): Target | undefined => random.pick(sim.landscape.dcs);
export const anySubsystem = (sim: Simulation, random: Random): Target | undefined =>
  random.pick(sim.landscape.subsystems);

/** A controller is added, and taken back before much can have come of it. */
export function secondThoughts(sim: Simulation, random: Random): void {
  const forStafd = random.chance(0.5);
  const plan = forStafd ? sim.landscape.stafd : sim.landscape.stacd;
  const target = forStafd ? anyDc(sim, random) : anySubsystem(sim, random);
  if (target === undefined) return;
  const line = controllerLine(sim.world, random, target, !forStafd);
  plan.controllers.push(line);
  sim.writeFiles();
  sim.reloadAll();
  sim.later(random.between(1, 4_000), () => {
    const at = plan.controllers.lastIndexOf(line);
    if (at >= 0) plan.controllers.splice(at, 1);
    sim.writeFiles();
    sim.reloadAll();
  });
}

export function editConf(sim: Simulation, random: Random): void {
  const forStafd = random.chance(0.5);
  const plan = forStafd ? sim.landscape.stafd : sim.landscape.stacd;
  const target = forStafd ? anyDc(sim, random) : anySubsystem(sim, random);
  if (target === undefined) return;
  const section = "I/O controller connection management";
  switch (random.between(0, 6)) {
    case 0:
    case 1:
      plan.controllers.push(controllerLine(sim.world, random, target, !forStafd));
      break;
    case 2:
      plan.controllers.splice(random.between(0, plan.controllers.length), 1);
      break;
    case 3:
      plan.excludes.push(forStafd ? `traddr=${target.address.traddr}` : `nqn=${target.nqn}`);
      break;
    case 4:
      plan.excludes.splice(0, 1);
      break;
    case 5:
      plan.set("Global", "ip-family", random.pick(["ipv4", "ipv4+ipv6", "ipv4+ipv6"]) ?? "ipv4+ipv6");
      break;
    case 6:
      if (forStafd) {
        plan.set("Service Discovery", "zeroconf", random.pick(["enabled", "disabled"]) ?? "enabled");
      } else {
        const scopes = [
          "only-stas-connections",
          "all-connections-matching-disconnect-trtypes",
          "no-disconnect",
        ];
        plan.set(section, "disconnect-scope", random.pick(scopes) ?? "no-disconnect");
      }
  }
  sim.writeFiles();
  if (random.chance(0.9)) sim.reloadAll();
}
