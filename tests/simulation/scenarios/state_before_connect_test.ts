/** A connection is made when the state file says whose it is (S9), also one of a controller that was left to others. */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { realCores } from "../cores.ts";
import { DC_LINE } from "./listed.ts";
import { AUDIT, Stage } from "./stage.ts";

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

/** stafd is killed while the disk hangs, and started with this file when it does not. */
async function killed(stage: Stage, conf: string): Promise<void> {
  stage.stafd.kill();
  stage.world.disk.hangs = 0;
  stage.stafdConf(conf);
  stage.startStafd();
  await stage.run(60_000);
}

/** The disk goes on. */
async function written(stage: Stage): Promise<void> {
  stage.world.disk.hangs = 0;
  for (const write of stage.world.disk.stuck.splice(0)) write();
  await stage.run(3_000);
}

Deno.test("killed before its state was written, and then excluded: no connection stays that no record names", async () => {
  const stage = await startedOnHungDisk();
  await killed(stage, `${LEFT_AT_STOP}exclude = traddr=10.0.0.100\n`);
  assert.deepEqual(stage.to("nqn.dc"), []);
});

Deno.test("a controller that was left to others is connected as soon as its record is written", async () => {
  const stage = await startedOnHungDisk();
  assert.deepEqual(stage.to("nqn.dc"), []);
  await written(stage);
  assert.equal(stage.to("nqn.dc").length, 1);
});

const OTHER = {
  nqn: "nqn.2014-08.org.nvmexpress:uuid:99999999-7ce5-41fa-9452-48477bf00080",
  id: "99999999-7ce5-41fa-9452-48477bf00080",
};
const AS_OTHER = `${DC_LINE}controller = transport=tcp;traddr=10.0.0.100;host-nqn=${OTHER.nqn}\n`;

/** A host gets another NQN, and with it a line names the controller of a line that was excluded, while the disk hangs. */
async function movedOnHungDisk(): Promise<Stage> {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  const { targets } = stage.world.fabric;
  for (const target of targets) target.manner = "closed";
  stage.stafdConf(`${AS_OTHER}exclude = host-nqn=${OTHER.nqn}\n`);
  stage.startStafd();
  await stage.run(10_000);
  stage.stafd.kill();
  for (const target of targets) target.manner = "up";
  stage.setHost(OTHER);
  stage.stafdConf(AS_OTHER);
  stage.world.disk.hangs = 1;
  stage.startStafd();
  await stage.run(10_000);
  return stage;
}

Deno.test("killed before its move to another identity was written, and then removed: no connection stays that no record names", async () => {
  const stage = await movedOnHungDisk();
  await killed(stage, "");
  assert.deepEqual(stage.to("nqn.dc"), []);
});

Deno.test("a controller that moved to one that was left to others is connected as soon as its record is written", async () => {
  const stage = await movedOnHungDisk();
  assert.deepEqual(stage.to("nqn.dc"), []);
  await written(stage);
  assert.deepEqual(stage.to("nqn.dc").map(({ hostNqn }) => hostNqn), [OTHER.nqn]);
});

Deno.test("killed before it was written that what others had connected is ours: the connection made since is in a record", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  const theirs = stage.connectedByOthers(stage.target("nqn.dc"));
  stage.stafdConf(`${DC_LINE}exclude = traddr=10.0.0.100\n`);
  stage.startStafd();
  await stage.run(3_000);
  stage.world.disk.hangs = 1;
  stage.stafdConf(DC_LINE);
  await stage.run(3_000);
  stage.world.kernel.devices.remove(theirs);
  await stage.run(10_000);
  await killed(stage, `${DC_LINE}exclude = traddr=10.0.0.100\n`);
  assert.deepEqual(stage.to("nqn.dc"), []);
});

const LINE =
  "[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub;host-iface=eth0\n";

for (
  const [before, conf] of [
    ["what the audit had found without a source", AUDIT],
    [
      "what the audit had found, and an exclusion had left to others",
      `${LINE}exclude = nqn=nqn.sub\n${AUDIT}`,
    ],
  ] as const
) {
  Deno.test(`killed before it was written that a line asks for ${before}: the connection made since is in a record`, async () => {
    const stage = new Stage(realCores);
    const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
    const theirs = stage.connectedByOthers(subsystem);
    assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));
    stage.stacdConf(conf);
    await stage.start(60_000);
    stage.world.disk.hangs = 1;
    stage.stacdConf(LINE + AUDIT);
    await stage.run(3_000);
    assert.deepEqual(stage.to(subsystem), [theirs]);
    stage.world.kernel.devices.remove(theirs);
    await stage.run(10_000);
    stage.stacd.kill();
    stage.world.disk.hangs = 0;
    stage.stacdConf("");
    stage.startStacd();
    await stage.run(5 * 60_000);
    assert.deepEqual(stage.to(subsystem), []);
  });
}
