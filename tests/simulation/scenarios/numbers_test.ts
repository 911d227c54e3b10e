/** Numbers of controllers change hands while a connect is read back (S1, S4): each story is red without what mended it. */
import assert from "node:assert/strict";
import type { StacdEvent, StafdEvent } from "../../../src/lib/core/effects.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import type { Device } from "../../../src/lib/sim/devices.ts";
import { stacd, stafd } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { connectSlowly } from "../landscape.ts";
import { Stage } from "./stage.ts";

const WANTED = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.wanted\n";

/** stacd connects one subsystem, or stafd one discovery controller, and what the call returns comes only when `stuck` is released. `overtakes`: its device is read then, not before. `isDeaf`: no event arrives from then on. */
async function connecting(
  overtakes: boolean,
  who: "stafd" | "stacd" = "stacd",
  { cores, isDeaf }: { readonly cores: Cores; readonly isDeaf: boolean } = {
    cores: realCores,
    isDeaf: false,
  },
): Promise<{ readonly stage: Stage; readonly made: Device }> {
  const stage = new Stage(cores);
  if (who === "stacd") stage.subsystem("nqn.wanted", "10.0.1.1");
  else stage.dc("nqn.wanted", "10.0.1.1", [], "4420");
  const { kernel } = stage.world;
  kernel.overtakes = () => overtakes;
  kernel.connecting.witness = () => {
    kernel.chaos.hangs = 1;
    kernel.devices.chaos.silentLoss = isDeaf ? 1 : 0;
  };
  if (who === "stacd") {
    stage.stacdConf(WANTED);
    stage.startStacd();
  } else {
    stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420\n");
    stage.startStafd();
  }
  for (let ms = 0; ms < 2_000 && stage.to("nqn.wanted").length === 0; ms++) await stage.run(1);
  kernel.connecting.witness = () => undefined;
  await stage.run(100);
  kernel.chaos.hangs = 0;
  const [made] = stage.to("nqn.wanted");
  assert.ok(made !== undefined);
  return { stage, made };
}

/** The calls that hang return. */
function release(stage: Stage): void {
  for (const end of stage.world.kernel.stuck.splice(0)) end();
}

Deno.test("numbers: a connection of others with the number of ours is not taken for ours", async () => {
  const cases = [true, false].flatMap((overtakes) => [0, 100].map((ms) => ({ overtakes, ms })));
  for (const { overtakes, ms } of cases) {
    const { stage, made } = await connecting(overtakes);
    stage.world.kernel.deleteNow(made);
    const other = stage.connectedByOthers(stage.subsystem("nqn.other", "10.0.1.1"));
    assert.equal(other.name, made.name);
    // The events come before the call returns, or after it.
    await stage.run(ms);
    release(stage);
    await stage.run(10_000);
    assert.equal(stage.to("nqn.wanted").length, 1, "the wanted one is connected again");
    stage.stacdConf("");
    await stage.run(10_000);
    assert.deepEqual(stage.to("nqn.other"), [other]);
    assert.deepEqual(stage.to("nqn.wanted"), []);
  }
});

Deno.test("numbers: what a connect made with the number of another, whose end no event told of, is ours, also when its line is gone", async () => {
  const stage = new Stage(realCores);
  const { kernel } = stage.world;
  const other = stage.subsystem("nqn.other", "10.0.1.2");
  const wanted = stage.subsystem("nqn.wanted", "10.0.1.1");
  stage.startStacd();
  await stage.run(3_000);
  stage.world.setManner(other, "mute");
  connectSlowly(stage.world, other, "nvme-cli");
  await stage.run(1_000);
  const [theirs] = kernel.devices.all;
  assert.ok(theirs !== undefined);
  stage.stacdConf(WANTED);
  await stage.run(1_000);
  kernel.devices.stir(theirs);
  stage.stacdConf("");
  await stage.run(1_000);
  kernel.devices.chaos.silentLoss = 1;
  while (kernel.devices.all.includes(theirs)) await stage.run(1);
  await stage.run(1_000);
  kernel.devices.chaos.silentLoss = 0;
  assert.ok(stage.said.some((line) => line.endsWith(`${theirs.name} may be another connection by now`)));
  await stage.run(10_000);
  assert.deepEqual(stage.to(wanted), []);
});

Deno.test("numbers: an I/O controller of others at the same address and port, not live yet, is not taken for the discovery controller (S1; seed 301553)", async () => {
  const { stage, made } = await connecting(true, "stafd");
  stage.world.kernel.deleteNow(made);
  const other = stage.subsystem("nqn.other", "10.0.1.1");
  connectSlowly(stage.world, other, "nvme-cli");
  const theirs = (): Device | undefined =>
    stage.world.kernel.devices.all.find(({ target }) => target === other);
  while (theirs() === undefined) await stage.run(1);
  // stafd has heard of the end of its own and of the beginning of the other.
  await stage.run(10);
  assert.deepEqual([theirs()?.name, theirs()?.state], [made.name, "connecting"]);
  release(stage);
  await stage.run(20_000);
  assert.equal(stage.to("nqn.wanted").length, 1, "the discovery controller is connected again");
  assert.equal(stage.stafd.report().dcs[0]?.page, "read");
  stage.stafdConf("");
  await stage.run(20_000);
  assert.deepEqual(stage.to(other).map(({ name }) => name), [made.name]);
});

Deno.test("numbers: a discovery controller of others at the same address and port is not taken for the subsystem (S1)", async () => {
  const { stage, made } = await connecting(true);
  stage.world.kernel.deleteNow(made);
  stage.dc("nqn.dc", "10.0.1.1", [], "4420");
  const other = stage.connectedByOthers(stage.target("nqn.dc"));
  assert.equal(other.name, made.name);
  await stage.run(10);
  release(stage);
  await stage.run(20_000);
  assert.equal(stage.to("nqn.wanted").length, 1, "the wanted one is connected again");
  assert.equal(other.ownedBy, "", "nobody else's becomes ours");
});

/** What a connect made shows neither its kind nor its NQN when it is read back. */
const late = (daemon: "stafd" | "stacd"): Cores => {
  const untold = (ctrl: KernelCtrl): KernelCtrl => ({
    ...ctrl,
    cntrltype: "",
    dctype: "",
    isDc: false,
    isIoc: false,
    subsysnqn: "",
  });
  const change = <E extends StafdEvent | StacdEvent>(event: E): E =>
    event.type === "connected" && event.outcome.ok
      ? { ...event, outcome: { ok: true, value: untold(event.outcome.value) } }
      : event;
  return daemon === "stafd" ? stafd(change) : stacd(change);
};

for (const daemon of ["stafd", "stacd"] as const) {
  Deno.test(`numbers: ${daemon} leaves to others what turns out to be of the other kind, and connects what is wanted (S1; seed 301553)`, async () => {
    const { stage, made } = await connecting(true, daemon, { cores: late(daemon), isDeaf: true });
    stage.world.kernel.deleteNow(made);
    if (daemon === "stacd") stage.dc("nqn.other", "10.0.1.1", [], "4420");
    else stage.subsystem("nqn.other", "10.0.1.1");
    const other = stage.connectedByOthers(stage.target("nqn.other"));
    assert.equal(other.name, made.name);
    release(stage);
    await stage.run(10);
    const users = (): readonly string[] =>
      [...stage[daemon].state.fleet.ctls.values()].flatMap(({ link }) =>
        "ref" in link ? [link.ref.device] : []
      );
    assert.deepEqual(users(), [other.name], "it is taken");
    stage.world.kernel.devices.chaos.silentLoss = 0;
    stage.world.kernel.devices.stir(other);
    await stage.run(20_000);
    assert.equal(stage.to("nqn.wanted").length, 1, "the wanted one is connected again");
    assert.ok(!users().includes(other.name));
    assert.equal(other.ownedBy, "");
    if (daemon === "stafd") stage.stafdConf("");
    else stage.stacdConf("");
    await stage.run(20_000);
    assert.deepEqual([stage.to("nqn.other"), stage.to("nqn.wanted")], [[other], []]);
  });
}
