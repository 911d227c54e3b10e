/** How large the world of a seed is. Dice of their own: a world that is not large does not notice them. */
import type { DiscoveryEntry } from "../../src/lib/nvme/discovery_entry.ts";
import { Discovery, entryFor } from "../../src/lib/sim/discovery.ts";
import type { Target } from "../../src/lib/sim/fabric.ts";
import { Random } from "../../src/lib/sim/random.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { LIMITS } from "./oracle/limits.ts";

export const MANY_DCS = 30;
export const LONG_PAGE = 500;
/** Subsystems behind a long page; each is listed many times, as arrays with many ports do it. */
const BEHIND_LONG_PAGE = 12;

export interface Sizes {
  readonly subsystems: number;
  readonly dcs: number;
  /** Entries of the longest page; 0: as it comes. */
  readonly page: number;
  /** Referrals one after the other, further than anybody follows them; 0: as it comes. */
  readonly chain: number;
  /** How likely one discovery controller refers to another one. */
  readonly referral: number;
}

export function sizesOf(seed: number): Sizes {
  const random = new Random(seed, "sizes");
  const [subsystems, dcs] = [random.between(1, 8), random.between(1, 4)];
  const isWide = random.chance(0.12);
  return {
    subsystems,
    dcs: isWide ? MANY_DCS : dcs,
    page: random.chance(0.065) ? LONG_PAGE : 0,
    chain: random.chance(0.045) ? LIMITS.referralDepth + 3 : 0,
    // As many referrals to each of them as in a small world.
    referral: isWide ? 0.3 * 2 / MANY_DCS : 0.3,
  };
}

/** What the task prints of a world, and how many of a hundred have it at least. */
export const MIX: ReadonlyMap<string, number> = new Map([
  [`${MANY_DCS} discovery controllers`, 10],
  [`a page of ${LONG_PAGE} entries`, 5],
  ["a chain longer than the limit of referrals", 2],
]);

export function mixOf({ dcs, page, chain }: Sizes): string[] {
  const has = [dcs >= MANY_DCS, page >= LONG_PAGE, chain > LIMITS.referralDepth];
  return [...MIX.keys()].filter((_, at) => has[at]);
}

const NETS = ["10.0", "10.1"] as const;

/** Discovery controllers that each refer to the next one, the last two too far away to be followed, and their subsystems. */
export function addChain(world: World, length: number): { dcs: Target[]; subsystems: Target[] } {
  const dcs: Target[] = [];
  const subsystems: Target[] = [];
  for (let n = 0; n < length; n++) {
    const net = NETS[n % 2] ?? "10.0";
    const address = { transport: "tcp", traddr: `${net}.3.${n + 1}`, trsvcid: "8009" } as const;
    dcs.push(world.addDiscovery(address, `nqn.chain${n}`, new Discovery("ddc", [])));
    if (n < length - 3) continue;
    const at = { transport: "tcp", traddr: `${net}.4.${n + 1}`, trsvcid: "4420" } as const;
    subsystems.push(world.addSubsystem(at, `nqn.behind${n}`));
  }
  return { dcs, subsystems };
}

/** The entries of a long page: a few subsystems, again and again by other ports. */
export function longPage(world: World, length: number): { subsystems: Target[]; entries: DiscoveryEntry[] } {
  const subsystems: Target[] = [];
  for (let n = 0; n < BEHIND_LONG_PAGE; n++) {
    const address = {
      transport: "tcp",
      traddr: `${NETS[n % 2] ?? "10.0"}.2.${n + 1}`,
      trsvcid: "4420",
    } as const;
    subsystems.push(world.addSubsystem(address, `nqn.array${n % 4}`));
  }
  const entries: DiscoveryEntry[] = [];
  for (let n = 0; n < length; n++) {
    const target = subsystems[n % BEHIND_LONG_PAGE];
    if (target === undefined) break;
    const portid = Math.floor(n / BEHIND_LONG_PAGE) + 1;
    entries.push({ ...entryFor(target, "nvme"), portid });
  }
  return { subsystems, entries };
}

/** Second controllers of subsystems that have one, at other addresses; each with an ANA state of its own where there is ANA. */
export function addPaths(
  world: World,
  random: Random,
  subsystems: readonly Target[],
  hasAna: boolean,
): Target[] {
  if (!random.chance(0.4)) return [];
  return subsystems.filter(() => random.chance(0.4)).map(({ nqn }, n) => {
    const traddr = `${NETS[random.between(0, 1)] ?? "10.0"}.5.${n + 1}`;
    const target = world.addSubsystem({ transport: "tcp", traddr, trsvcid: "4420" }, nqn);
    if (hasAna) target.anaState = random.pick(["optimized", "non-optimized", "inaccessible"]) ?? "";
    return target;
  });
}
