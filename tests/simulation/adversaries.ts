/**
 * A hostile network: discovery controllers and mDNS speakers, by the dozen, that say anything well-formed and much that is not,
 * about addresses of their own and about those of others. They do not stop.
 */
import { type DiscoveryEntry, SECTYPES, TCP_TSAS } from "../../src/lib/nvme/discovery_entry.ts";
import { milliseconds } from "../../src/lib/base/time.ts";
import { Discovery, entryFor } from "../../src/lib/sim/discovery.ts";
import type { Manner, Target } from "../../src/lib/sim/fabric.ts";
import type { Random } from "../../src/lib/sim/random.ts";
import type { World } from "../../src/lib/sim/world.ts";

/** Mostly such as hold others up, for 10 s at most. */
export const SLOW: readonly Manner[] = ["up", "up", "mute", "mute", "silent", "closed", "forbidding"];
/** The same, and the worst: they answer ICReq and nothing after it, which holds the kernel for 61 s, and every daemon with it. */
export const HANGING: readonly Manner[] = [...SLOW, "stuck", "stuck", "stuck"];
const TEXTS = [
  "",
  " ",
  "0.0.0.0",
  "::",
  "example.com",
  "10.0.1.1,hostnqn=nqn.x",
  "10.0.1.1\n",
  "fe80::1%eth9",
  "::ffff:10.0.1.1",
  "256.1.1.1",
  "\u0085\u202e",
];
const NQNS = [
  "",
  "nqn",
  "x".repeat(223),
  "x".repeat(224),
  "nqn.a,tls",
  "nqn.\u202eb",
  "nqn.2014-08.org.nvmexpress.discovery",
];

export interface Crowd {
  readonly world: World;
  readonly random: Random;
  /** What the rightful ones have: named by the others as well. */
  readonly rightful: readonly Target[];
  readonly dcs: readonly Target[];
  readonly targets: readonly Target[];
  readonly manners: readonly Manner[];
  /** While it is true they go on. */
  readonly goesOn: () => boolean;
}

/** An entry that may mean anything. */
function anyEntry({ random, rightful, targets }: Crowd): DiscoveryEntry {
  const target = random.pick(random.chance(0.3) ? rightful : targets) ?? rightful[0];
  if (target === undefined) throw new Error("nobody to speak of");
  const entry = entryFor(
    target,
    random.pick(["nvme", "nvme", "nvme", "referral", "self"] as const) ?? "nvme",
  );
  if (random.chance(0.6)) return entry;
  const byte = (): number => random.between(0, 255);
  return {
    ...entry,
    ...(random.chance(0.2) ? { trtype: byte() } : {}),
    ...(random.chance(0.2) ? { adrfam: byte() } : {}),
    ...(random.chance(0.2) ? { subtype: byte() } : {}),
    ...(random.chance(0.3) ? { treq: byte(), tsas: TCP_TSAS[SECTYPES[byte()] ?? "reserved"] } : {}),
    ...(random.chance(0.2) ? { eflags: random.between(0, 65_535) } : {}),
    ...(random.chance(0.3) ? { traddr: random.pick(TEXTS) ?? "" } : {}),
    ...(random.chance(0.2) ? { trsvcid: random.pick(["", "0", "70000", "4421", "x"]) ?? "" } : {}),
    ...(random.chance(0.4) ? { subnqn: random.pick(NQNS) ?? "" } : {}),
  };
}

function anyPage(crowd: Crowd): DiscoveryEntry[] {
  const { random } = crowd;
  return Array.from({ length: random.between(0, random.chance(0.1) ? 400 : 40) }, () => anyEntry(crowd));
}

/** Says that something is somewhere. */
function announce({ world, random, dcs, rightful }: Crowd): void {
  const about = random.pick(random.chance(0.2) ? rightful : dcs);
  if (about === undefined) return;
  const { traddr, trsvcid } = about.address;
  const txt = [
    random.pick(["p=tcp", "p=tcp", "p=roce", "p=", "tcp", "P=TCP"]) ?? "",
    `NQN=${random.pick([...NQNS, about.nqn])}`,
  ];
  world.avahi.announce({
    hostIface: random.chance(0.05) ? "eth7" : "eth0",
    name: `n${random.between(0, 2_000)}`,
    traddr: random.chance(0.1) ? random.pick(TEXTS) ?? "" : traddr,
    port: random.chance(0.1) ? random.between(0, 70_000) : Number(trsvcid),
    txt,
  });
}

function act(crowd: Crowd): void {
  const { world, random, dcs, targets, manners, goesOn } = crowd;
  if (!goesOn()) return;
  const { mono } = world.clock.now();
  for (let n = 0; n < 12; n++) {
    const dc = random.pick(dcs)?.discovery;
    switch (random.between(0, 5)) {
      case 0:
        dc?.edit(anyPage(crowd), mono);
        break;
      case 1:
        if (dc !== undefined) {
          dc.torn = random.between(1, 5);
          dc.readMs = random.between(5, 20_000);
        }
        break;
      case 2:
        dc?.restart(BigInt(random.between(0, 3)), anyPage(crowd), mono);
        break;
      case 3: {
        const service = random.pick(world.avahi.announced.filter(isTheirs));
        if (service !== undefined) world.avahi.withdraw(service.key);
        break;
      }
      default:
        announce(crowd);
    }
  }
  const target = random.pick([...targets, ...dcs]);
  if (target !== undefined) world.setManner(target, random.pick(manners) ?? "mute");
  world.time.in(milliseconds(random.between(50, 1_500)), () => act(crowd));
}

/** They begin at once, with their pages and hundreds of announcements. Returns how they leave the network. */
export function letLoose(
  world: World,
  random: Random,
  rightful: readonly Target[],
  manners: readonly Manner[],
  goesOn: () => boolean,
): () => void {
  const targets = Array.from({ length: random.between(5, 60) }, (_, n) => {
    const address = {
      transport: "tcp",
      traddr: `10.0.${200 + (n >> 7)}.${n & 127}`,
      trsvcid: "4420",
    } as const;
    return world.addSubsystem(address, `nqn.hostile${n}`);
  });
  const dcs = Array.from({ length: random.between(5, 40) }, (_, n) => {
    const address = { transport: "tcp", traddr: `10.0.220.${n}`, trsvcid: "8009" } as const;
    return world.addDiscovery(
      address,
      `nqn.hostile-dc${n}`,
      new Discovery(random.pick(["ddc", "cdc"] as const) ?? "ddc", []),
    );
  });
  for (const target of [...targets, ...dcs]) world.setManner(target, random.pick(manners) ?? "mute");
  const crowd: Crowd = { world, random, rightful, dcs, targets, manners, goesOn };
  for (const { discovery } of dcs) discovery?.edit(anyPage(crowd), 0);
  for (let n = random.between(50, 400); n > 0; n--) announce(crowd);
  act(crowd);
  return () => {
    for (const { key } of world.avahi.announced.filter(isTheirs)) world.avahi.withdraw(key);
    for (const target of [...targets, ...dcs]) world.setManner(target, "closed");
  };
}

/** By its name. */
const isTheirs = ({ name }: { readonly name: string }): boolean => /^n\d/.test(name);
