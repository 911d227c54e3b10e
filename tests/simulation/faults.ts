/** What can go wrong. Each kind has its own dice, so that leaving one out does not change the others. */
import { parseExclusions } from "../../src/lib/nvme/exclusions.ts";
import { milliseconds } from "../../src/lib/nvme/time.ts";
import { calmKernel } from "../../src/lib/sim/devices.ts";
import { calmCommands } from "../../src/lib/sim/kernel.ts";
import { entryFor, NCC } from "../../src/lib/sim/discovery.ts";
import type { Manner, Target } from "../../src/lib/sim/fabric.ts";
import type { Random } from "../../src/lib/sim/random.ts";
import { anyDc, anySubsystem, editConf, secondThoughts } from "./edits.ts";
import { announcement, connectAs, ifaceOf, referral, someEntries } from "./landscape.ts";
import { STACD_CONF, STAFD_CONF } from "./daemons.ts";
import type { Simulation } from "./simulation.ts";

export interface Fault {
  readonly name: string;
  /** Mean time between two of them, in milliseconds; 0: it is only switched on and off. */
  readonly everyMs: number;
  /** Once, when the faults begin. */
  readonly begin?: (sim: Simulation, random: Random) => void;
  readonly act?: (sim: Simulation, random: Random) => void;
  /** Only with these daemons; all when missing. */
  readonly only?: "stafd" | "stacd";
}

function edit(sim: Simulation, random: Random, what: (dc: Target) => void): void {
  const dc = anyDc(sim, random);
  if (dc === undefined) return;
  what(dc);
}

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

export const FAULTS: readonly Fault[] = [
  {
    name: "zoning",
    everyMs: 8_000,
    act: (sim, random) =>
      edit(sim, random, (dc) => {
        const target = anySubsystem(sim, random);
        if (target === undefined || dc.discovery === undefined) return;
        const entry = entryFor(target, "nvme");
        if (dc.discovery.lists(target)) dc.discovery.unlist(entry, sim.mono);
        else dc.discovery.list(entry, sim.mono);
      }),
  },
  {
    name: "rezoning",
    everyMs: 30_000,
    act: (sim, random) =>
      edit(sim, random, (dc) => {
        const { subsystems, dcs } = sim.landscape;
        const entries = random.chance(0.2) ? [] : someEntries(random, dc, subsystems, dcs);
        dc.discovery?.edit(entries, sim.mono);
      }),
  },
  {
    name: "referrals",
    everyMs: 15_000,
    act: (sim, random) =>
      edit(sim, random, (dc) => {
        const other = anyDc(sim, random);
        if (other === undefined || other === dc || dc.discovery === undefined) return;
        const entry = referral(other);
        if (random.chance(0.5)) dc.discovery.list(entry, sim.mono);
        else dc.discovery.unlist(entry, sim.mono);
      }),
  },
  {
    name: "ncc",
    everyMs: 15_000,
    act: (sim, random) =>
      edit(sim, random, (dc) => {
        const target = anySubsystem(sim, random);
        if (target === undefined || !(dc.discovery?.lists(target) ?? false)) return;
        dc.discovery?.list(entryFor(target, "nvme", { eflags: random.chance(0.5) ? NCC : 0 }), sim.mono);
      }),
  },
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
    name: "swapped-numbers",
    everyMs: 0,
    begin: ({ world }) => void (world.kernel.chaos.swapBeforeDelete = 0.4),
  },
  { name: "scans-fail", everyMs: 0, begin: ({ world }) => void (world.kernel.chaos.scanFails = 0.3) },
  { name: "commands-fail", everyMs: 0, begin: ({ world }) => void (world.kernel.chaos.commandFails = 0.2) },
  {
    name: "torn-pages",
    everyMs: 6_000,
    act: (sim, random) =>
      edit(sim, random, (dc) => {
        if (dc.discovery !== undefined) dc.discovery.torn = random.between(1, 3);
        dc.discovery?.edit(dc.discovery.page.entries, sim.mono);
      }),
  },
  {
    name: "slow-pages",
    everyMs: 10_000,
    act: (sim, random) =>
      edit(sim, random, (dc) => {
        if (dc.discovery !== undefined) dc.discovery.readMs = random.between(5, 4_000);
      }),
  },
  {
    name: "refused-commands",
    everyMs: 20_000,
    act: (sim, random) =>
      edit(sim, random, (dc) => {
        if (dc.discovery === undefined) return;
        dc.discovery.refusesRegistration = random.chance(0.5);
        dc.discovery.supported = random.chance(0.5) ? undefined : 1;
      }),
  },
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
      // While its connection is up nobody asks for a name again: a person who changes it reloads.
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
  {
    name: "disk-full",
    everyMs: 20_000,
    act: (sim, random) => {
      // A daemon works without its file, and knows less when it is started again.
      sim.world.disk.full = true;
      sim.later(random.between(100, 15_000), () => void (sim.world.disk.full = false));
    },
  },
  {
    name: "kill-stafd",
    everyMs: 20_000,
    only: "stafd",
    act: (sim, random) => sim.killAtEffect("stafd", random),
  },
  {
    name: "kill-stacd",
    everyMs: 20_000,
    only: "stacd",
    act: (sim, random) => sim.killAtEffect("stacd", random),
  },
  {
    name: "stop-stafd",
    everyMs: 40_000,
    only: "stafd",
    act: (sim, random) => sim.stopAndStart("stafd", random),
  },
  {
    name: "stop-stacd",
    everyMs: 40_000,
    only: "stacd",
    act: (sim, random) => sim.stopAndStart("stacd", random),
  },
  {
    name: "damaged-state",
    everyMs: 0,
    begin: (sim) => {
      sim.damage = "tear";
    },
  },
  {
    name: "lost-state",
    everyMs: 0,
    begin: (sim) => {
      sim.damage = "lose";
    },
  },
  {
    name: "reloads",
    everyMs: 15_000,
    act: (sim, random) => {
      for (let n = random.between(1, 12); n > 0; n--) {
        sim.later(random.between(0, 300), () => sim.reloadAll());
      }
    },
  },
  {
    name: "invalid-files",
    everyMs: 25_000,
    act: (sim, random) => {
      const file = random.pick([STAFD_CONF, STACD_CONF]) ?? STAFD_CONF;
      sim.filesChanged = true;
      sim.world.files.set(file, "controller = nonsense before any section\n[Global\n");
      sim.reloadAll();
      sim.later(random.between(10, 8_000), () => sim.writeFiles());
    },
  },
  { name: "conf-edits", everyMs: 12_000, act: editConf },
  { name: "second-thoughts", everyMs: 10_000, act: secondThoughts },
  {
    name: "families",
    everyMs: 12_000,
    act: (sim, random) => {
      const { stafd, stacd } = sim.landscape;
      const plan = random.pick([stafd, stacd]) ?? stafd;
      plan.set("Global", "ip-family", random.pick(["ipv4", "ipv6", "ipv4+ipv6", "ipv4+ipv6"]) ?? "ipv4");
      sim.writeFiles();
      sim.reloadAll();
    },
  },
  {
    name: "spellings",
    everyMs: 10_000,
    act: (sim, random) =>
      edit(sim, random, ({ discovery }) => {
        const [of] = random.shuffled(discovery?.page.entries ?? []);
        if (discovery === undefined || of === undefined || of.adrfam === 0) return;
        // An IPv4 address and its mapped form are one controller (TID-17).
        const plain = of.traddr.replace("::ffff:", "");
        const traddr = of.traddr.startsWith("10.") ? `::ffff:${of.traddr}` : plain;
        const adrfam = traddr.includes(":") ? 2 : 1;
        const rest = random.chance(0.5) ? [] : discovery.page.entries.filter((entry) => entry === of);
        const others = discovery.page.entries.filter((entry) => entry !== of);
        discovery.edit([...others, ...rest, { ...of, traddr, adrfam }], sim.mono);
      }),
  },
  {
    name: "clock-steps",
    everyMs: 20_000,
    act: (sim, random) => sim.world.clock.step(milliseconds(random.between(-7_200_000, 7_200_000))),
  },
  {
    name: "host-exclusions",
    everyMs: 25_000,
    act: (sim, random) => {
      const target = anySubsystem(sim, random);
      const text = random.chance(0.5) ? "" : `[Exclusions]\nexclusion = nqn=${target?.nqn ?? "none"}\n`;
      sim.world.exclusions = parseExclusions(text, "exclusions.conf").entries;
      sim.filesChanged = true;
      sim.reloadAll();
    },
  },
];

/** Everything works again: what was switched on is off, what was broken is whole. Permanently dead targets stay so. */
export function heal(sim: Simulation): void {
  const { world, landscape } = sim;
  Object.assign(world.kernel.devices.chaos, calmKernel());
  Object.assign(world.kernel.chaos, calmCommands());
  sim.atBirth = () => undefined;
  sim.damage = "none";
  for (const target of [...landscape.subsystems, ...landscape.dcs]) {
    if (!landscape.dead.has(target)) world.setManner(target, "up");
    if (target.discovery === undefined) continue;
    target.discovery.torn = 0;
    target.discovery.readMs = 5;
  }
  for (const iface of ["eth0", "eth1"]) world.fabric.setLink(iface, true);
  world.resolver.fails = 0;
  world.bus.callsFail = 0;
  world.bus.callsLost = 0;
  world.disk.full = false;
  world.avahi.start();
  world.bus.comeBack();
  if (sim.filesChanged) sim.writeFiles();
}
