/**
 * S16: whatever a hostile network says, what the configuration leads to is connected within three times the time in which it is
 * without one. That is 10 s, which one target of its own that accepts and is silent takes in the kernel; and 61 s among targets
 * that hang the kernel, as long as one of its own would take.
 */
import assert from "node:assert/strict";
import { milliseconds } from "../../src/lib/base/time.ts";
import { entryFor } from "../../src/lib/sim/discovery.ts";
import { Random } from "../../src/lib/sim/random.ts";
import type { Manner, Target } from "../../src/lib/sim/fabric.ts";
import { HANGING, letLoose, SLOW } from "./adversaries.ts";
import { type Cores, realCores } from "./cores.ts";
import { asksNobody, nobodyRests } from "./scenarios/hostile_scenarios.ts";
import { Stage } from "./scenarios/stage.ts";

const SEEDS = 20;
const SITES = [
  { what: "slow", manners: SLOW, boundMs: 10_000 },
  { what: "hanging", manners: HANGING, boundMs: 61_000 },
] as const;
const TIMES = 3;
const LOOK_MS = 500;
const LATER_MS = 15_000;

interface Site {
  readonly stage: Stage;
  readonly rightful: readonly Target[];
}

/** Configured discovery controllers and what they list. */
function site(seed: number, cores: Cores): Site {
  const random = new Random(seed, "site");
  const stage = new Stage(cores);
  const subsystems = Array.from(
    { length: random.between(1, 12) },
    (_, n) => stage.subsystem(`nqn.sub${n}`, `10.0.1.${n + 1}`),
  );
  const count = random.between(1, 3);
  for (let n = 0; n < count; n++) {
    const entries = subsystems.filter((_, at) => at % count === n).map((one) => entryFor(one, "nvme"));
    const discovery = stage.dc(`nqn.dc${n}`, `10.0.0.${100 + n}`, []);
    // When the others have filled every queue.
    stage.time.in(milliseconds(LATER_MS), () => discovery.edit(entries, LATER_MS));
  }
  const lines = Array.from(
    { length: count },
    (_, n) => `controller = transport=tcp;traddr=10.0.0.${100 + n}`,
  );
  stage.stafdConf(`[Controllers]\n${lines.join("\n")}\n`);
  return { stage, rightful: stage.world.fabric.targets.slice() };
}

/** Milliseconds until all that is rightful is connected; Infinity when it is not within the limit. */
async function settled({ stage, rightful }: Site, limit: number): Promise<number> {
  await stage.start(LATER_MS);
  while (stage.mono <= LATER_MS + limit) {
    if (rightful.every((target) => stage.to(target).length > 0)) return stage.mono - LATER_MS;
    await stage.run(LOOK_MS);
  }
  return Infinity;
}

interface Hostile {
  readonly manners: readonly Manner[];
  readonly boundMs: number;
}

async function withThem(seed: number, cores: Cores, { manners, boundMs }: Hostile): Promise<number> {
  const here = site(seed, cores);
  letLoose(here.stage.world, new Random(seed, "adversaries"), here.rightful, manners, () => true);
  return await settled(here, TIMES * boundMs);
}

for (const { what, ...hostile } of SITES) {
  const { boundMs } = hostile;
  Deno.test(`${SEEDS} ${what} hostile networks: rightful controllers are connected within ${TIMES} times ${boundMs} ms`, async () => {
    const late: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const alone = await settled(site(seed, realCores), boundMs);
      assert.ok(alone <= boundMs, `seed ${seed} without adversaries`);
      const among = await withThem(seed, realCores, hostile);
      if (among > TIMES * boundMs) late.push(`seed ${seed}: not connected after ${TIMES * boundMs} ms`);
    }
    assert.deepEqual(late, []);
  });
}

/** A core that lacks what this test is for is noticed by some seed. */
async function isNoticed(cores: Cores, hostile: Hostile): Promise<void> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    if (await withThem(seed, cores, hostile) === Infinity) return;
  }
  assert.fail("all was connected in time");
}

Deno.test("noticed: a core that asks no target for NVMe/TCP, and never rests", () =>
  isNoticed(nobodyRests(asksNobody()), SITES[0]));

Deno.test("noticed: a core that never rests after connects that hang", () =>
  isNoticed(nobodyRests(), SITES[1]));
