/** What became of who this host is: state files of 1.0.0, and the words for people. */
import assert from "node:assert/strict";
import { Release } from "../../../src/lib/sim/release.ts";
import { isJson, listOf, textsOf } from "../../../src/lib/core/saved/saved.ts";
import { identityProblems } from "../../../src/lib/daemon/views/v1_health.ts";
import { explain } from "../../../src/lib/daemon/views/v1_explain.ts";
import { tidFromFields, tidKey } from "../../../src/lib/nvme/tid.ts";
import { realCores } from "../cores.ts";
import { DC_LINE, line } from "./listed.ts";
import { HOST, Stage } from "./stage.ts";
import { stacdView } from "../../../src/lib/core/stacd/stacd_rules.ts";

const OTHER = { nqn: "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555555", id: HOST.id };

/** A state file as 1.0.0 wrote it: a line is called by its transport id, host NQN included. */
function as100(text: string): string {
  const state: unknown = JSON.parse(text);
  assert.ok(isJson(state));
  const controllers = listOf(state["controllers"]).map((record) => {
    if (!isJson(record)) return record;
    const claims = listOf(record["claims"]).map((saved) => {
      if (!isJson(saved) || !isJson(saved["claim"]) || saved["claim"]["kind"] !== "config") return saved;
      const written = tidFromFields(textsOf(saved["claim"]["written"]) ?? {});
      assert.ok(written !== undefined);
      return { ...saved, authority: `line:${tidKey(written)}` };
    });
    const { formerly: _, ...rest } = record;
    return { ...rest, claims };
  });
  const { families: _, ...rest } = state;
  return JSON.stringify({ ...rest, controllers });
}

/** Connected by a discovery controller and by a line; both daemons killed. */
async function killed(): Promise<Stage> {
  const stage = new Stage(realCores);
  stage.world.kernel.devices.release = new Release("6.12.0");
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.subsystem("nqn.line", "10.0.1.3");
  stage.stafdConf(DC_LINE);
  stage.stacdConf(line("traddr=10.0.1.3;trsvcid=4420;nqn=nqn.line"));
  await stage.start(5_000);
  assert.equal(stage.world.kernel.devices.all.length, 2);
  stage.stafd.kill();
  stage.stacd.kill();
  return stage;
}

Deno.test("an upgrade from 1.0.0 with another host NQN or another ip-family disconnects nothing", async () => {
  for (const how of ["host", "families", "neither"]) {
    const stage = await killed();
    const before = stage.world.kernel.devices.all;
    for (const [name, text] of stage.world.disk.texts) stage.world.disk.texts.set(name, as100(text));
    if (how === "host") stage.setHost(OTHER);
    if (how === "families") {
      stage.stafdConf(`[Global]\nip-family = ipv6\n${DC_LINE}`);
      stage.stacdConf(
        `[Global]\nip-family = ipv6\n${line("traddr=10.0.1.3;trsvcid=4420;nqn=nqn.line")}`,
      );
    }
    await stage.start(120_000);
    assert.deepEqual(stage.world.kernel.devices.all, before, how);
    for (const { state } of [stage.stafd, stage.stacd]) {
      assert.deepEqual([...state.fleet.ctls.values()].map(({ link }) => link.phase), ["up"], how);
    }
  }
});

for (
  const [host, text] of [
    [OTHER, `connected as ${HOST.nqn}, configured is ${OTHER.nqn}`],
    [
      { nqn: HOST.nqn, id: "11111111-2222-4333-8444-555555555555" },
      `connected with host ID ${HOST.id}, configured is 11111111-2222-4333-8444-555555555555`,
    ],
  ] as const
) {
  Deno.test(`health and explain say it: ${text}`, async () => {
    const stage = await killed();
    stage.setHost(host);
    await stage.start(5_000);
    const { devices } = stage.world.kernel;
    const peek = (name: string) => {
      const device = devices.get(name);
      return device === undefined ? undefined : devices.view(device);
    };
    const now = stage.world.clock.now();
    const turn = stacdView(stage.stacd.state, now);
    const [problem, ...others] = identityProblems(turn, peek);
    const [device] = stage.to("nqn.line");
    assert.equal(others.length, 0);
    assert.equal(problem?.id, "host-identity-changed");
    assert.equal(problem?.text, `${device?.name}: ${text}`);
    assert.ok(problem?.remedy?.includes("restore the old value"));
    const [match] = explain("nqn.line", "stacd", turn, (one) => one.isIoc, peek, now).matches;
    assert.ok(match?.chain.some((step) => step.text === text));
    // A new one: the kernel refuses it, and what is said names the connection that is the cause.
    stage.subsystem("nqn.new", "10.0.1.4");
    stage.stacdConf(line("traddr=10.0.1.4;trsvcid=4420;nqn=nqn.new"));
    stage.world.kernel.deleteNow(stage.to("nqn.line")[0] ?? assert.fail());
    await stage.run(20_000);
    const ctl = [...stage.stacd.state.fleet.ctls.values()].find(({ tid }) => tid.subsysnqn === "nqn.new");
    const failure = ctl?.lastFailure?.failure;
    assert.ok(
      failure?.message.startsWith("the kernel refuses a second identity of this host (EINVAL): nvme"),
    );
    assert.ok(failure?.remedy?.includes("reboot"));
  });
}
