/** The disconnect decision and the examples with their expected results (requirements 40), played. */
import assert from "node:assert/strict";
import { entryFor, NCC } from "../../../src/lib/sim/discovery.ts";
import { realCores } from "../cores.ts";
import { HOST, Stage } from "./stage.ts";

const DC_LINE = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n";
const SECTION = "[I/O controller connection management]\n";
const scope = (name: string, trtypes = ""): string =>
  `${SECTION}disconnect-scope = ${name}\n${trtypes === "" ? "" : `disconnect-trtypes = ${trtypes}\n`}`;
const ONLY_STAS = scope("only-stas-connections");
const AUDIT_TCP = scope("all-connections-matching-disconnect-trtypes", "tcp");
const NO_DISCONNECT = scope("no-disconnect");
const EVERY_SCOPE = [ONLY_STAS, AUDIT_TCP, NO_DISCONNECT];

/** One discovery controller, found by stafd, that lists one subsystem. */
async function listed(stacdConf: string, isOld = true) {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  stage.stafdConf(DC_LINE);
  stage.stacdConf(stacdConf);
  await stage.start();
  assert.equal(stage.to(subsystem).length, 1, "connected at the start");
  if (isOld) await stage.age();
  const isListed = (): boolean => stage.stacd.state.fleet.ctls.size > 0;
  return { stage, subsystem, page, isListed };
}

const SECTION_3: readonly (readonly [scope: string, conf: string, removed: boolean])[] = [
  ["only-stas-connections, whatever the transport", `${ONLY_STAS}disconnect-trtypes = fc\n`, true],
  ["all-connections-matching..., transport named", AUDIT_TCP, true],
  [
    "all-connections-matching..., not named",
    scope("all-connections-matching-disconnect-trtypes", "fc+rdma"),
    false,
  ],
  ["no-disconnect", NO_DISCONNECT, false],
];

for (const [name, conf, removed] of SECTION_3) {
  Deno.test(`requirements 40, ${name}: ${removed ? "removed" : "kept, no longer listed"}`, async () => {
    const { stage, subsystem, page, isListed } = await listed(conf);
    page.edit([], stage.mono);
    await stage.run(10_000);
    assert.deepEqual([stage.to(subsystem).length, isListed()], [removed ? 0 : 1, false]);
  });
}

Deno.test("example 1: the entry is removed: disconnected soon after the page was read", async () => {
  const { stage, subsystem, page } = await listed(ONLY_STAS);
  page.edit([], stage.mono);
  await stage.run(1_900);
  assert.equal(stage.to(subsystem).length, 0);
});

Deno.test("example 4: somebody's connection that nobody lists stays with only-stas-connections", async () => {
  const { stage } = await listed(ONLY_STAS);
  const other = stage.subsystem("nqn.other", "10.0.1.2");
  const device = stage.connectedByOthers(other);
  await stage.run(60_000);
  assert.deepEqual(stage.to(other), [device]);
});

Deno.test("example 5: the audit disconnects it after about 2.5 s", async () => {
  const { stage } = await listed(AUDIT_TCP);
  const other = stage.subsystem("nqn.other", "10.0.1.2");
  // Until Avahi has had its say, a discovery controller that lists it may still turn up (S2).
  await stage.run(40_000);
  stage.connectedByOthers(other);
  await stage.run(900);
  assert.equal(stage.to(other).length, 1);
  await stage.run(2_600);
  assert.equal(stage.to(other).length, 0);
});

Deno.test("audit: before Avahi has had its say the sources of a connection are unknown", async () => {
  const { stage } = await listed(AUDIT_TCP, false);
  const other = stage.subsystem("nqn.other", "10.0.1.2");
  stage.connectedByOthers(other);
  await stage.run(4_000);
  assert.equal(stage.to(other).length, 1);
  await stage.run(40_000);
  assert.equal(stage.to(other).length, 0);
});

Deno.test("example 6: a controller= line is removed: disconnected", async () => {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  stage.stacdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub\n");
  await stage.start();
  assert.equal(stage.to(subsystem).length, 1);
  stage.stacdConf("");
  await stage.run(5_000);
  assert.equal(stage.to(subsystem).length, 0);
});

for (const conf of EVERY_SCOPE) {
  const name = /= (.*)\n/.exec(conf)?.[1] ?? "";

  Deno.test(`example 7, ${name}: a line for the same controller keeps it`, async () => {
    const line = "\n[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub\n";
    const { stage, subsystem, page, isListed } = await listed(`${conf}${line}`);
    page.edit([], stage.mono);
    await stage.run(30_000);
    assert.deepEqual([stage.to(subsystem).length, isListed()], [1, true]);
  });

  Deno.test(`example 8, ${name}: stafd stopped for an hour changes nothing`, async () => {
    const { stage, subsystem } = await listed(conf);
    const before = stage.to(subsystem);
    stage.stafd.kill();
    await stage.run(3_600_000);
    assert.deepEqual(stage.to(subsystem), before);
  });

  Deno.test(`example 9, ${name}: stafd restarted changes nothing`, async () => {
    const { stage, subsystem } = await listed(conf);
    const before = stage.to(subsystem);
    stage.stafd.kill();
    await stage.run(500);
    stage.startStafd();
    await stage.run(60_000);
    assert.deepEqual(stage.to(subsystem), before);
  });

  Deno.test(`example 11, ${name}: NCC and two attempts: silence until NCC is clear (STAC-53)`, async () => {
    const stage = new Stage(realCores);
    const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
    stage.world.setManner(subsystem, "closed");
    const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme", { eflags: NCC })]);
    stage.stafdConf(DC_LINE);
    stage.stacdConf(`${conf}connect-attempts-on-ncc = 2\n`);
    await stage.start(30_000);
    const [ctl] = stage.stacd.state.fleet.ctls.values();
    assert.equal(ctl?.attempts, 2);
    stage.world.setManner(subsystem, "up");
    await stage.run(300_000);
    assert.equal(stage.to(subsystem).length, 0, "it does not try");
    page.edit([entryFor(subsystem, "nvme")], stage.mono);
    await stage.run(3_000);
    assert.equal(stage.to(subsystem).length, 1);
  });
}

Deno.test("example 12: a discovery controller is excluded: its I/O controllers go, unless another lists them", async () => {
  const stage = new Stage(realCores);
  const [one, both] = [stage.subsystem("nqn.one", "10.0.1.1"), stage.subsystem("nqn.both", "10.0.1.2")];
  stage.dc("nqn.first", "10.0.0.100", [entryFor(one, "nvme"), entryFor(both, "nvme")]);
  stage.dc("nqn.second", "10.0.0.101", [entryFor(both, "nvme")]);
  const lines = `${DC_LINE}controller = transport=tcp;traddr=10.0.0.101\n`;
  stage.stafdConf(lines);
  await stage.start();
  assert.deepEqual([stage.to(one).length, stage.to(both).length], [1, 1]);
  stage.stafdConf(`${lines}exclude = traddr=10.0.0.100\n`);
  await stage.run(10_000);
  assert.deepEqual([stage.to("nqn.first").length, stage.to(one).length, stage.to(both).length], [0, 0, 1]);
});

Deno.test("owner registry: the audit leaves what somebody else owns", async () => {
  const { stage } = await listed(AUDIT_TCP);
  const other = stage.subsystem("nqn.other", "10.0.1.2");
  stage.connectedByOthers(other, { owner: "udisks", hostNqn: HOST.nqn });
  await stage.run(60_000);
  assert.equal(stage.to(other).length, 1);
});
