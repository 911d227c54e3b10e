/** What goes wrong with log pages. */
import { Discovery, entryFor, NCC } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import type { Random } from "../../../src/lib/sim/random.ts";
import { anyDc, anySubsystem } from "../edits.ts";
import { referral, someEntries } from "../landscape.ts";
import type { Simulation } from "../simulation.ts";
import type { Fault } from "./fault.ts";

function edit(sim: Simulation, random: Random, what: (dc: Target) => void): void {
  const dc = anyDc(sim, random);
  if (dc === undefined) return;
  what(dc);
}

/** A discovery controller is away for a while and comes back with a page that is not whole, as arrays and CDCs do. */
function restart(sim: Simulation, random: Random): void {
  const dc = anyDc(sim, random);
  const discovery = dc?.discovery;
  if (dc === undefined || discovery === undefined || sim.landscape.dead.has(dc)) return;
  sim.world.setManner(dc, random.pick(["closed", "silent"]) ?? "closed");
  sim.later(random.between(500, 15_000), () => {
    const { genctr, entries } = discovery.page;
    const some = random.chance(0.5) ? [] : entries.filter(() => random.chance(0.5));
    // Most count from 1 again; some keep their counter, and one day it stands where it stood.
    const count = random.pick([1n, 1n, genctr, genctr + 1n]) ?? 1n;
    discovery.restart(count, some, sim.mono);
    sim.world.setManner(dc, "up");
    sim.later(random.between(1_000, 60_000), () => discovery.complete(sim.mono));
  });
}

export const PAGE_FAULTS: readonly Fault[] = [
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
    name: "referral-mesh",
    everyMs: 0,
    only: "stafd",
    // One discovery controller that has gone bad lists some of its own, which all list each other.
    begin: (sim, random) => {
      const dc = random.chance(0.3) ? anyDc(sim, random) : undefined;
      if (dc?.discovery === undefined) return;
      const services = Array.from({ length: 9 }, () => new Discovery("none", []));
      const mesh = services.map((discovery, n) => {
        const address = { transport: "tcp", traddr: `10.0.9.${n}`, trsvcid: "8009" } as const;
        return sim.world.addDiscovery(address, `nqn.mesh${n}`, discovery);
      });
      for (const [n, service] of services.entries()) {
        service.edit(mesh.filter((_, other) => other !== n).map(referral), sim.mono);
      }
      for (const one of mesh) dc.discovery.list(referral(one), sim.mono);
    },
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
    name: "tls-words",
    everyMs: 5_000,
    // A page says something else of TLS than before; keys that fit once stay.
    act: ({ landscape: { subsystems, dcs }, mono }, random) => {
      const secure = subsystems.filter(({ listsTls, hasOtherKey }) => listsTls !== "none" && !hasOtherKey);
      const target = random.pick(secure);
      if (target === undefined) return;
      const said = target.listsTls;
      target.listsTls = random.chance(0.8) ? "none" : "offered";
      const entry = entryFor(target, "nvme");
      target.listsTls = said;
      for (const { discovery } of dcs) if (discovery?.lists(target) === true) discovery.list(entry, mono);
    },
  },
  { name: "dc-restarts", everyMs: 40_000, act: restart },
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
];
