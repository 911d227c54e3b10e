/** What goes wrong with controllers, links and the kernel that serves them. */
import type { Manner } from "../../../src/lib/sim/fabric.ts";
import { anySubsystem } from "../edits.ts";
import { connectAs, connectSlowly, IFACES, OTHER_HOST } from "../landscape.ts";
import type { Fault } from "./fault.ts";

export const KERNEL_FAULTS: readonly Fault[] = [
  {
    name: "targets-fail",
    everyMs: 12_000,
    act: (sim, random) => {
      const target = random.pick([...sim.landscape.subsystems, ...sim.landscape.dcs]);
      if (target === undefined || sim.landscape.dead.has(target)) return;
      const manners: readonly Manner[] = ["silent", "closed", "mute", "stuck", "forbidding"];
      sim.world.setManner(target, random.pick(manners) ?? "silent");
      sim.later(random.between(100, 40_000), () => sim.world.setManner(target, "up"));
    },
  },
  {
    name: "links",
    everyMs: 25_000,
    act: (sim, random) => {
      const iface = random.pick(["eth0", "eth1"]) ?? "eth0";
      sim.world.fabric.setLink(iface, false);
      sim.later(random.between(50, 20_000), () => sim.world.fabric.setLink(iface, true));
    },
  },
  {
    name: "two-ways",
    everyMs: 20_000,
    chance: 0.05,
    begin: ({ world }) => {
      // Kernels that do not compare interfaces make one connection only.
      if (!world.kernel.devices.release.has("comparesIface")) return;
      for (const iface of IFACES) {
        world.fabric.addInterface({
          ...iface,
          nets: IFACES.flatMap(({ nets }) => nets),
        });
      }
    },
    act: (sim, random) => {
      const target = random.pick([...sim.landscape.subsystems, ...sim.landscape.dcs]);
      const hostIface = random.pick(["eth0", "eth1"]) ?? "eth0";
      if (target?.manner !== "up" || target.address.transport !== "tcp") return;
      if (!sim.world.fabric.route(target.address.traddr, hostIface, "").ok) return;
      const { devices } = sim.world.kernel;
      const isThere = devices.all.some((device) =>
        device.target === target && device.hostIface === hostIface
      );
      if (!isThere) connectAs(sim.world, target, "nvme-cli", "", { hostIface });
    },
  },
  {
    name: "resets",
    everyMs: 12_000,
    act: (sim, random) => {
      const { devices } = sim.world.kernel;
      const device = random.pick(
        devices.all.filter(({ state, target }) => state === "live" && target !== undefined),
      );
      if (device !== undefined) devices.reset(device);
    },
  },
  {
    name: "foreign-connects",
    everyMs: 15_000,
    act: (sim, random) => {
      const target = random.pick([...sim.landscape.subsystems, ...sim.landscape.dcs]);
      if (target === undefined || target.manner !== "up") return;
      const { devices } = sim.world.kernel;
      const there = devices.all.some((device) => device.target === target);
      if (there && target.discovery === undefined) return;
      connectAs(sim.world, target, "nvme-cli", random.pick(["", "udisks"]) ?? "");
    },
  },
  {
    name: "other-hosts",
    everyMs: 15_000,
    act: (sim, random) => {
      const target = random.pick([...sim.landscape.subsystems, ...sim.landscape.dcs]);
      if (target === undefined || target.manner !== "up") return;
      const { devices } = sim.world.kernel;
      const isThere = devices.all.some((device) =>
        device.target === target && device.hostNqn === OTHER_HOST.hostNqn
      );
      if (!isThere) connectAs(sim.world, target, "nvme-cli", "", OTHER_HOST);
    },
  },
  {
    name: "foreign-disconnects",
    everyMs: 15_000,
    act: (sim, random) => {
      const { kernel } = sim.world;
      const device = random.pick(
        kernel.devices.all.filter(({ target, maker }) => target !== undefined && maker !== "boot"),
      );
      if (device === undefined) return;
      kernel.deleteNow(device);
      // Its number is taken at once by somebody else's.
      const other = anySubsystem(sim, random);
      if (
        random.chance(0.5) && other?.manner === "up" &&
        !kernel.devices.all.some((one) => one.target === other)
      ) {
        connectAs(sim.world, other, "nvme-cli", random.pick(["", "udisks"]) ?? "");
      }
    },
  },
  {
    name: "numbers-change-hands-unseen",
    everyMs: 15_000,
    act: (sim, random) => {
      const { kernel } = sim.world;
      const made = kernel.devices.all.filter(({ maker, state }) => maker === "stacd" && state === "live");
      const device = random.pick(made);
      const other = anySubsystem(sim, random);
      if (device === undefined || other === undefined || other === device.target || other.manner !== "up") {
        return;
      }
      if (kernel.devices.all.some(({ target }) => target === other)) return;
      kernel.devices.loseEvents(random.between(5, 300));
      kernel.deleteNow(device);
      connectAs(sim.world, other, "nvme-cli", "");
    },
  },
  {
    name: "disconnects-at-birth",
    everyMs: 0,
    begin: (sim, random) => {
      sim.atBirth = (device) => {
        if (device.target === undefined || !random.chance(0.1)) return;
        sim.later(random.between(0, 150), () => sim.world.kernel.deleteNow(device));
      };
    },
  },
  {
    name: "event-loss",
    everyMs: 0,
    begin: ({ world }) => void (world.kernel.devices.chaos.eventLoss = 0.08),
  },
  {
    name: "slow-events",
    everyMs: 0,
    begin: ({ world }) => void (world.kernel.devices.chaos.eventDelayMs = 400),
  },
  {
    name: "aens",
    everyMs: 0,
    begin: ({ world }) => {
      world.kernel.devices.chaos.aenDelayMs = 3_000;
      world.kernel.devices.chaos.aenTwice = 0.3;
    },
  },
  { name: "busy-deletes", everyMs: 0, begin: ({ world }) => void (world.kernel.chaos.deleteBusy = 0.4) },
  {
    name: "slow-deletes",
    everyMs: 0,
    begin: ({ world }, random) => {
      world.kernel.chaos.deleteMs = random.chance(0.3) ? [10_000, 90_000] : [500, 10_000];
    },
  },
  {
    name: "lost-aens",
    everyMs: 0,
    begin: ({ world }) => void (world.kernel.devices.chaos.aenLoss = 0.4),
  },
  {
    name: "lost-events",
    everyMs: 0,
    begin: ({ world }) => void (world.kernel.devices.chaos.silentLoss = 0.3),
  },
  {
    name: "hung-kernel-calls",
    everyMs: 0,
    begin: ({ world }) => void (world.kernel.chaos.hangs = 0.01),
  },
  {
    name: "slow-foreign-connects",
    everyMs: 20_000,
    act: (sim, random) => {
      const target = anySubsystem(sim, random);
      if (target === undefined) return;
      const manner = target.manner;
      // Whoever is quicker than the failure: the kernel holds its lock for as long as the target does not answer.
      if (manner === "up") sim.world.setManner(target, random.pick(["mute", "stuck"]) ?? "mute");
      connectSlowly(sim.world, target, "nvme-cli");
      sim.later(random.between(1_000, 30_000), () => sim.world.setManner(target, manner));
    },
  },
  {
    name: "swapped-numbers",
    everyMs: 0,
    begin: ({ world }) => void (world.kernel.chaos.swapBeforeDelete = 0.4),
  },
  { name: "scans-fail", everyMs: 0, begin: ({ world }) => void (world.kernel.chaos.scanFails = 0.3) },
  { name: "commands-fail", everyMs: 0, begin: ({ world }) => void (world.kernel.chaos.commandFails = 0.2) },
];
