/** What goes wrong with processes, their files and the people who edit them. */
import { parseExclusions } from "../../../src/lib/nvme/exclusions.ts";
import { milliseconds } from "../../../src/lib/base/time.ts";
import { STACD_CONF, STAFD_CONF } from "../daemons.ts";
import { anySubsystem, editConf, secondThoughts } from "../edits.ts";
import { controllerLine, IFACES } from "../landscape.ts";
import type { Fault } from "./fault.ts";

export const HOST_FAULTS: readonly Fault[] = [
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
    name: "hung-disk",
    everyMs: 0,
    begin: ({ world }) => void (world.disk.hangs = 0.05),
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
    name: "asks-for-tls",
    everyMs: 0,
    only: "stacd",
    begin: (sim, random) => {
      const { stacd, subsystems } = sim.landscape;
      // With the wrong key a line that asks for TLS connects nothing, and L1 asks for nothing.
      const able = subsystems.filter(({ address, hasOtherKey }) =>
        address.transport === "tcp" && !hasOtherKey
      );
      const target = random.pick(able);
      if (target === undefined || !sim.world.kernel.support.has("tls")) return;
      stacd.controllers.push(`${controllerLine(sim.world, random, target, true)};tls=true`);
      sim.writeFiles();
    },
  },
  {
    name: "clock-steps",
    everyMs: 20_000,
    act: (sim, random) => sim.world.clock.step(milliseconds(random.between(-7_200_000, 7_200_000))),
  },
  {
    name: "suspends",
    everyMs: 30_000,
    act: (sim, random) => {
      const { world } = sim;
      // The monotonic clock stands still meanwhile. Links come back one by one, and no connection has outlived it.
      world.clock.step(milliseconds(random.between(60_000, 36_000_000)));
      for (const { name } of IFACES) {
        world.fabric.setLink(name, false);
        sim.later(random.between(200, 8_000), () => world.fabric.setLink(name, true));
      }
      const { devices } = world.kernel;
      for (const device of devices.all) {
        if (device.state === "live" && device.target !== undefined) devices.reset(device);
      }
    },
  },
  {
    name: "shortage",
    everyMs: 0,
    begin: ({ world }) => void (world.kernel.connecting.shortage = 0.3),
  },
  {
    name: "host-exclusions",
    everyMs: 25_000,
    act: (sim, random) => {
      const target = anySubsystem(sim, random);
      const text = random.chance(0.5) ? "" : `[Exclusions]\nexclusion = nqn=${target?.nqn ?? "none"}\n`;
      sim.world.exclusions = parseExclusions(text, "exclusions.conf").entries;
      sim.reloadAll();
    },
  },
];
