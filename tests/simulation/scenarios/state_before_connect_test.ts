/** A connection is made when the state file says whose it is (S9), also one of a controller that was left to others. */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { realCores } from "../cores.ts";
import { DC_LINE } from "./listed.ts";
import { Stage } from "./stage.ts";

const LEFT_AT_STOP =
  `[Discovery controller connection management]\npersistent-connections = false\n${DC_LINE}`;

/** A stafd that has disconnected its controller while it stopped, and starts while its disk hangs. */
async function startedOnHungDisk(): Promise<Stage> {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  stage.stafdConf(LEFT_AT_STOP);
  stage.startStafd();
  await stage.run(3_000);
  assert.equal(stage.to("nqn.dc").length, 1);
  stage.stafd.stop();
  await stage.run(1_000);
  assert.equal(stage.to("nqn.dc").length, 0);
  stage.world.disk.hangs = 1;
  stage.startStafd();
  await stage.run(10_000);
  return stage;
}

Deno.test("killed before its state was written, and then excluded: no connection stays that no record names", async () => {
  const stage = await startedOnHungDisk();
  stage.stafd.kill();
  stage.world.disk.hangs = 0;
  stage.stafdConf(`${LEFT_AT_STOP}exclude = traddr=10.0.0.100\n`);
  stage.startStafd();
  await stage.run(60_000);
  assert.deepEqual(stage.to("nqn.dc"), []);
});

Deno.test("a controller that was left to others is connected as soon as its record is written", async () => {
  const stage = await startedOnHungDisk();
  assert.deepEqual(stage.to("nqn.dc"), []);
  stage.world.disk.hangs = 0;
  for (const write of stage.world.disk.stuck.splice(0)) write();
  await stage.run(3_000);
  assert.equal(stage.to("nqn.dc").length, 1);
});
