/** S16: what `deno task sim` judges of worlds with adversaries catches a core that lets them hold up the others. */
import assert from "node:assert/strict";
import { judged } from "./among_adversaries.ts";
import { type Cores, realCores } from "./cores.ts";
import { nobodyRests } from "./scenarios/hostile_scenarios.ts";

/**
 * Worlds in which a core without rests is late: at the start, and at a change. Which ones they are depends on the order in
 * which controllers wait: of the seeds 40 to 649, two are late at a change.
 */
const SEEDS = [45, 247] as const;

const problems = async (cores: Cores): Promise<readonly (readonly string[])[]> =>
  await Promise.all(SEEDS.map(async (seed) => (await judged({ seed, cores })).problems));

Deno.test("among adversaries, this host's own sources are connected within the bound", async () => {
  assert.deepEqual(await problems(realCores), SEEDS.map(() => []));
});

Deno.test("noticed: a core in which mDNS never rests, however long its targets hold the kernel", async () => {
  const [start = [], change = []] = await problems(nobodyRests());
  assert.match(start.join(), /^S16: start took/);
  assert.match(change.join(), /S16: change took/);
});
