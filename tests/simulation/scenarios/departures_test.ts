/** H8: of a controller that went several times, `explain` tells one answer: the last departure, and the earlier ones with it. */
import assert from "node:assert/strict";
import { explain } from "../../../src/lib/daemon/views/v1_explain.ts";
import { realCores } from "../cores.ts";
import { line } from "./listed.ts";
import { Stage } from "./stage.ts";
import { stacdView } from "../../../src/lib/core/stacd/stacd_rules.ts";

Deno.test("H8: explain of what went twice is one answer, the last departure, with the one before in its chain", async () => {
  const stage = new Stage(realCores);
  stage.subsystem("nqn.twice", "10.0.1.1");
  const wanted = line("traddr=10.0.1.1;trsvcid=4420;nqn=nqn.twice");
  stage.stacdConf(wanted);
  await stage.start();
  for (const text of ["", wanted, ""]) {
    stage.stacdConf(text);
    await stage.run(120_000);
    assert.equal(stage.to("nqn.twice").length, text === "" ? 0 : 1);
  }
  const turn = stacdView(stage.stacd.state, stage.world.clock.now());
  const { matches } = explain(
    "nqn.twice",
    "stacd",
    turn,
    () => true,
    () => undefined,
    stage.world.clock.now(),
  );
  assert.deepEqual(matches.map(({ phase }) => phase), ["gone"]);
  const decisions = matches[0]?.chain.filter(({ step }) => step === "decision") ?? [];
  assert.equal(decisions.length, 2);
  assert.match(decisions[0]?.text ?? "", /^disconnected before \(nvme\d+\): .*line/);
  assert.equal(decisions[1]?.text, "disconnected");
  assert.ok((decisions[0]?.at ?? 0) < (decisions[1]?.at ?? 0));
});
