/** What can go wrong. Each kind has its own dice, so that leaving one out does not change the others. */
import { calmKernel } from "../../src/lib/sim/devices.ts";
import { calmCommands } from "../../src/lib/sim/kernel.ts";
import { IFACES } from "./landscape.ts";
import type { Fault } from "./faults/fault.ts";
import { HOSTILE_FAULTS } from "./faults/hostile_faults.ts";
import { HOST_FAULTS } from "./faults/host_faults.ts";
import { KERNEL_FAULTS } from "./faults/kernel_faults.ts";
import { PAGE_FAULTS } from "./faults/page_faults.ts";
import { PERSON_FAULTS } from "./faults/person_faults.ts";
import { SERVICE_FAULTS } from "./faults/service_faults.ts";
import { USE_FAULTS } from "./faults/use_faults.ts";
import type { Simulation } from "./simulation.ts";

export type { Fault } from "./faults/fault.ts";

export const FAULTS: readonly Fault[] = [
  ...PAGE_FAULTS,
  ...KERNEL_FAULTS,
  ...SERVICE_FAULTS,
  ...HOST_FAULTS,
  ...USE_FAULTS,
  ...PERSON_FAULTS,
  ...HOSTILE_FAULTS,
];

/** Everything works again: what was switched on is off, what was broken is whole. Permanently dead targets stay so. */
export function heal(sim: Simulation): void {
  const { world, landscape } = sim;
  Object.assign(world.kernel.devices.chaos, calmKernel());
  Object.assign(world.kernel.chaos, calmCommands());
  world.kernel.devices.namespaces.calm();
  sim.atBirth = () => undefined;
  sim.atPeace();
  sim.damage = "none";
  for (const target of [...landscape.subsystems, ...landscape.dcs]) {
    if (!landscape.dead.has(target)) world.setManner(target, "up");
    if (target.discovery === undefined) continue;
    target.discovery.complete(sim.mono);
    target.discovery.torn = 0;
    target.discovery.readMs = 5;
  }
  for (const { name } of IFACES) world.fabric.setLink(name, true);
  world.kernel.connecting.shortage = 0;
  // Before: what returns late is followed by another call at once.
  world.resolver.hangs = 0;
  world.disk.hangs = 0;
  for (const { stuck } of [world.kernel, world.resolver, world.disk]) {
    for (const end of stuck.splice(0)) end();
  }
  world.resolver.fails = 0;
  world.bus.callsFail = 0;
  world.bus.callsLost = 0;
  world.disk.full = false;
  world.avahi.start();
  world.bus.comeBack();
  sim.writeFiles();
}
