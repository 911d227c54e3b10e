/** A drain is decided by looks at the use of the connections that it would take, and of no others (S12). */
import assert from "node:assert/strict";
import { withCtl, withDevice } from "../../../src/lib/core/fleet/fleet.ts";
import { stepStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import { realCores } from "../cores.ts";
import { listed } from "./listed.ts";
import { Stage } from "./stage.ts";

/** The answer to a drain when the look has found no use; `replaced`: by then the number is another connection's. */
async function answered(replaced: boolean): Promise<readonly unknown[]> {
  const stage = new Stage(realCores);
  await listed(stage);
  const now = stage.world.clock.now();
  const { state } = stage.stacd;
  const [ctl] = [...state.fleet.ctls.values()];
  assert.ok(ctl?.link.phase === "up");
  const [what, keys] = ["nqn.sub", [ctl.key]];
  const act = { call: 1, uid: 0, what, names: [what], keys, term: undefined, mode: "do" } as const;
  const asked = stepStacd(state, { type: "drain", ...act }, now);
  const look = asked.effects.find((effect) => effect.do === "look-at-use");
  assert.ok(look?.do === "look-at-use");
  const { link: { ref } } = ctl;
  const device = asked.state.fleet.devices.get(ref.device);
  assert.ok(device !== undefined);
  const incarnation = ref.incarnation + 1;
  const link = { ...ctl.link, ref: { ...ref, incarnation } };
  const other = withCtl(withDevice(asked.state.fleet, { ...device, incarnation }, now.mono), {
    ...ctl,
    link,
  });
  const found = { type: "use-seen", op: look.op, key: ctl.key, outcome: { ok: true, value: [] } } as const;
  const { effects, state: { drains } } = stepStacd(
    { ...asked.state, fleet: replaced ? other : asked.state.fleet },
    found,
    now,
  );
  const reasons = effects.flatMap((effect) => effect.do === "answer" ? effect.answer.reasons : []);
  return [drains.list.length === 1, reasons];
}

Deno.test("a drain is refused when a connection was replaced while its use was looked at", async () => {
  assert.deepEqual(await answered(false), [true, []]);
  const [isAccepted, reasons] = await answered(true);
  assert.equal(isAccepted, false);
  assert.match(String(reasons), /use unknown: its connection has been replaced meanwhile/);
});
