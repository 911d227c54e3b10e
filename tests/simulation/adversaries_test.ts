/**
 * S16: whatever a hostile network says, what the configuration leads to is connected within three times the time in which it is
 * without one: 10 s, which one target that accepts and is silent takes in the kernel. None holds it longer (adversaries.ts).
 */
import assert from "node:assert/strict";
import { milliseconds } from "../../src/lib/base/time.ts";
import { entryFor } from "../../src/lib/sim/discovery.ts";
import { Random } from "../../src/lib/sim/random.ts";
import type { Target } from "../../src/lib/sim/fabric.ts";
import { letLoose } from "./adversaries.ts";
import { type Cores, realCores } from "./cores.ts";
import { asksNobody } from "./scenarios/hostile_scenarios.ts";
import { Stage } from "./scenarios/stage.ts";

const SEEDS = 20;
const BOUND_MS = 10_000;
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

async function withThem(seed: number, cores: Cores): Promise<number> {
  const here = site(seed, cores);
  letLoose(here.stage.world, new Random(seed, "adversaries"), here.rightful, () => true);
  return await settled(here, TIMES * BOUND_MS);
}

Deno.test(`${SEEDS} hostile networks: rightful controllers are connected within ${TIMES} times ${BOUND_MS} ms`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const alone = await settled(site(seed, realCores), BOUND_MS);
    assert.ok(alone <= BOUND_MS, `seed ${seed} without adversaries`);
    const among = await withThem(seed, realCores);
    assert.ok(among <= TIMES * BOUND_MS, `seed ${seed}: not connected after ${TIMES * BOUND_MS} ms`);
  }
});

Deno.test("noticed: a core that asks no target for NVMe/TCP", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    if (await withThem(seed, asksNobody()) === Infinity) return;
  }
  assert.fail("all was connected in time");
});
