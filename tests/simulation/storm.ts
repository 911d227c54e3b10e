/**
 * L2: while events that mean nothing keep coming, what means something is done all the same: a controller that is listed is
 * connected, and one that is no longer listed goes, within a stated time and in the middle of it.
 */
import { familyAllowed } from "../../src/lib/config/controller_line.ts";
import { STAF } from "../../src/lib/dbus/interfaces.ts";
import { milliseconds } from "../../src/lib/base/time.ts";
import { Discovery, entryFor } from "../../src/lib/sim/discovery.ts";
import type { Target } from "../../src/lib/sim/fabric.ts";
import { Random } from "../../src/lib/sim/random.ts";
import { LIMITS } from "./oracle/limits.ts";
import { referral } from "./landscape.ts";
import type { Simulation } from "./simulation.ts";
import { Violation } from "./violation.ts";

/** Mean time between two events of the storm. */
const EVERY_MS = 20;
/** A command that was sent when the link was down may be under way for so long, and others wait for it. */
const COMMANDS_MS = 31_000;
/** A connect that hangs holds the kernel's lock for so long, also one of another program. */
const HANGING_CONNECT_MS = 61_000;
/** It blows for this long before anything is asked for. */
const BEFORE_MS = 3_000;
/** L2. The read of a page that changed meanwhile (2.4 s) and the soak of a removal (1 s) are the longest of what is in it. */
const BOUND_MS = 6_000;
const NAMESPACE_CHANGED = 0x000002;

/** `dc` is one whose page counts. */
export async function storm(sim: Simulation, dc: Target): Promise<void> {
  const { discovery } = dc;
  const conf = (sim.stacd ?? sim.stafd)?.conf;
  if (discovery === undefined || conf === undefined) return;
  // What it lists has an address like its own.
  if (!familyAllowed(dc.address.traddr, conf.ipFamilies.value)) return;
  const random = new Random(sim.options.seed, "storm");
  await sim.go(COMMANDS_MS);
  await kernelFree(sim);
  // A young page takes nothing away (S14): then there is nothing that a storm could hold up.
  await sim.go(Math.max(...(["stafd", "stacd"] as const).map((who) => sim.rules.conf(who)?.youngMs ?? 0)));
  // A reload reads every page again: it would hide that an event was not heard.
  const hasReloads = random.chance(0.5);
  let blowing = true;
  const again = (): void => {
    sim.time.in(milliseconds(random.between(1, 2 * EVERY_MS)), () => {
      if (!blowing) return;
      gust(sim, random, hasReloads);
      again();
    });
  };
  sim.tell("fault", "--- a storm of events");
  again();
  await sim.go(BEFORE_MS);

  const { target, entry } = newcomer(sim, dc);
  sim.tell("fault", `--- ${target.text} is listed by ${dc.text}`);
  discovery.list(entry, sim.mono);
  await within(sim, `${target.text} is listed, and not connected`, () => isConnected(sim, target));
  if (mayGo(sim)) {
    sim.tell("fault", `--- ${target.text} is no longer listed`);
    discovery.unlist(entry, sim.mono);
    await within(
      sim,
      `${target.text} is no longer listed, and still connected`,
      () => !isConnected(sim, target),
    );
  }
  blowing = false;
}

/** Nobody can connect while a connect from before the peace hangs in the kernel: that is no fault of the storm. */
async function kernelFree(sim: Simulation): Promise<void> {
  let isHeld = true;
  sim.world.kernel.connecting.afterRunning(() => {
    isHeld = false;
  });
  await sim.go(HANGING_CONNECT_MS, () => isHeld);
}

/** One event of the storm. */
function gust(sim: Simulation, random: Random, hasReloads: boolean): void {
  const { kernel, avahi, bus, fabric } = sim.world;
  const device = random.pick(kernel.devices.all.filter(({ state }) => state === "live"));
  switch (random.between(0, 9)) {
    case 0:
      return fabric.touch();
    case 1: {
      const service = random.pick(avahi.announced);
      return service === undefined ? undefined : avahi.repeat(service.key);
    }
    case 2:
      return avahi.complain("the resolver failed");
    case 3:
      // As often as nobody does it by hand.
      return hasReloads && random.chance(0.2) ? sim.reloadAll() : undefined;
    case 4:
    case 5:
      return bus.signalAs(STAF.name, {
        path: STAF.path,
        interface: STAF.name,
        member: "dc_removed",
        signature: "",
        body: [],
      });
    case 6:
      return device === undefined ? undefined : kernel.devices.otherAen(device, NAMESPACE_CHANGED);
    default:
      return device === undefined ? undefined : kernel.devices.stir(device);
  }
}

/** What nobody has heard of yet: for stafd a discovery controller, for stacd a subsystem. */
export function newcomer(
  sim: Simulation,
  dc: Target,
): { target: Target; entry: ReturnType<typeof entryFor> } {
  const isV6 = dc.address.traddr.includes(":");
  const net = dc.address.traddr.startsWith("10.1") || dc.address.traddr.startsWith("fd02") ? 1 : 0;
  const address = { transport: "tcp", traddr: isV6 ? `fd0${net + 1}::99` : `10.${net}.1.99` } as const;
  const { stafd, world } = sim;
  if (sim.stacd === undefined && stafd !== undefined) {
    const target = world.addDiscovery(
      { ...address, trsvcid: "8009" },
      "nqn.new-dc",
      new Discovery("ddc", []),
    );
    return { target, entry: referral(target) };
  }
  const target = world.addSubsystem({ ...address, trsvcid: "4420" }, "nqn.new");
  return { target, entry: entryFor(target, "nvme") };
}

export const isConnected = (sim: Simulation, target: Target): boolean =>
  sim.world.kernel.devices.all.some((device) => device.target === target && device.state === "live");

/** No policy keeps what is no longer listed. */
const mayGo = (sim: Simulation): boolean =>
  sim.stacd === undefined || sim.stacd.conf?.disconnectScope.value === "only-stas-connections";

/** What only mDNS leads to rests after a connect that hangs (S16), in a storm as without one: the time counts from its end. */
async function within(sim: Simulation, what: string, done: () => boolean): Promise<void> {
  const begin = sim.mono;
  const latest = begin + LIMITS.longestRestMs;
  while (!done()) {
    const end = Math.min(Math.max(begin, sim.rules.restsUntil), latest) + BOUND_MS;
    if (sim.mono >= end) {
      throw new Violation("L2", `in a storm of events: after ${BOUND_MS / 1000} s ${what}`);
    }
    await sim.go(50);
  }
}
