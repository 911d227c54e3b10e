/** When a daemon says that what it loaded did it no harm; what follows from its not saying so is tested with real files. */
import assert from "node:assert/strict";
import { realCores } from "../cores.ts";
import { Stage } from "./stage.ts";

/** Both daemons, started from a state file. */
async function started(): Promise<Stage> {
  const stage = new Stage(realCores);
  stage.stafdConf("");
  stage.world.disk.texts.set("stafd", "{}");
  stage.world.disk.texts.set("stacd", "{}");
  await stage.start();
  return stage;
}

const loads = (stage: Stage) => ["stafd", "stacd"].map((who) => stage.world.disk.loads.get(who) ?? 0);

Deno.test("a minute after the start what was loaded is proven, and not before", async () => {
  const stage = await started();
  await stage.run(55_000);
  assert.deepEqual(loads(stage), [1, 1]);
  await stage.run(6_000);
  assert.deepEqual(loads(stage), [0, 0]);
});

Deno.test("a stop in order proves it, a SIGKILL does not", async () => {
  const stage = await started();
  stage.stafd.stop();
  stage.stacd.kill();
  await stage.run(2_000);
  assert.deepEqual(loads(stage), [0, 1]);
  await stage.run(120_000);
  assert.deepEqual(loads(stage), [0, 1], "who is dead says nothing after a minute");
  stage.startStacd();
  await stage.run(1_000);
  assert.deepEqual(loads(stage), [0, 2]);
});
