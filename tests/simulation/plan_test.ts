/** What `plan` and `explain` say is what happens next, in every scenario of the simulation. */
import assert from "node:assert/strict";
import { explain } from "../../src/lib/daemon/views/v1_explain.ts";
import { planOf } from "../../src/lib/daemon/views/v1_plan.ts";
import { PlanWatch, realViews, type Views } from "./plan_watch.ts";
import { realCores } from "./cores.ts";
import { Stage } from "./scenarios/stage.ts";
import { Simulation, type Who } from "./simulation.ts";
import { stafdView } from "../../src/lib/core/stafd/stafd_rules.ts";

/** PLAN_SEEDS for a longer run. */
const SEEDS = Number(Deno.env.get("PLAN_SEEDS") ?? 30);
/** What a broken view keeps quiet of happens in one of about twenty seeds. */
const SEEDS_TO_NOTICE = 100;

async function run(
  seed: number,
  who: Who,
  views: Views = realViews,
): Promise<{ broken: string; watch: PlanWatch }> {
  const watch = new PlanWatch(views);
  const sim = new Simulation({ seed, who, cores: watch.cores });
  watch.world = sim.world;
  const { violation } = await sim.run();
  return { broken: violation === undefined ? "" : `seed ${seed} --who ${who}: ${violation.message}`, watch };
}

for (const who of ["stafd", "stacd", "both"] as const satisfies readonly Who[]) {
  Deno.test(`${who}: what is planned and explained happens, and nothing else, in ${SEEDS} seeds`, async () => {
    const broken: string[] = [];
    const sum = { connect: 0, disconnect: 0, adopt: 0, "let-go": 0, reloads: 0, explained: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await run(seed, who);
      if (result.broken !== "") broken.push(result.broken);
      const { counts } = result.watch;
      sum.connect += counts.connect;
      sum.disconnect += counts.disconnect;
      sum.adopt += counts.adopt;
      sum["let-go"] += counts["let-go"];
      sum.reloads += counts.reloads;
      sum.explained += counts.explained;
    }
    assert.deepEqual(broken, []);
    for (const [what, count] of Object.entries(sum)) {
      // Only stacd has a policy that keeps what is not wanted.
      if (what !== "let-go" || who !== "stafd") assert.ok(count > 0, `nothing was seen of ${what}`);
    }
  });
}

Deno.test("one connection that serves two, and is deleted for one of them, is gone for both", async () => {
  assert.equal((await run(156, "both")).broken, "");
});

Deno.test("what is no longer wanted is planned to go also while the kernel is being looked at", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n");
  await stage.start();
  stage.world.kernel.chaos.scanFails = 1;
  stage.world.kernel.devices.loseEvents(1);
  await stage.run(500);
  stage.stafdConf("");
  const { state } = stage.stafd;
  assert.equal(state.fleet.fresh, false);
  const now = stage.world.clock.now();
  const core = stafdView(state, now);
  const { changes } = planOf(core, core, now);
  assert.deepEqual(changes.map(({ action, device }) => [action, device]), [["disconnect", "nvme0"]]);
  const { matches } = explain("", "stafd", core, () => true, () => undefined, now);
  assert.deepEqual(matches.map(({ phase }) => phase), ["leaving"]);
});

/** Broken views, and what notices them. */
const CANARIES: Readonly<Record<string, Views>> = {
  "a plan that keeps quiet of disconnects": {
    ...realViews,
    planOf: (core, before, now) => {
      const plan = planOf(core, before, now);
      return { ...plan, changes: plan.changes.filter(({ action }) => action !== "disconnect") };
    },
  },
  "a plan that keeps quiet of adoptions": {
    ...realViews,
    planOf: (core, before, now) => {
      const plan = planOf(core, before, now);
      return { ...plan, changes: plan.changes.filter(({ action }) => action !== "adopt") };
    },
  },
  "a plan with everything that is excluded": {
    ...realViews,
    planOf: (core, before, now) =>
      planOf({ ...core, rules: { ...core.rules, whyNoAttempt: () => undefined } }, before, now),
  },
  "a plan --config that does not look at the connections of now": {
    ...realViews,
    planOf: (core, _before, now) => planOf(core, core, now),
  },
  "an explanation that calls everything connected": {
    ...realViews,
    explain: (...asked) => {
      const said = realViews.explain(...asked);
      return { ...said, matches: said.matches.map((match) => ({ ...match, phase: "connected" as const })) };
    },
  },
};

for (const [name, views] of Object.entries(CANARIES)) {
  Deno.test(`noticed: ${name}`, async () => {
    for (let seed = 1; seed <= SEEDS_TO_NOTICE; seed++) {
      if ((await run(seed, "both", views)).broken !== "") return;
    }
    assert.fail("nobody noticed");
  });
}
