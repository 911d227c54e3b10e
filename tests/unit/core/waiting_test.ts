import assert from "node:assert/strict";
import { newCtl } from "../../../src/lib/core/controller/ctl.ts";
import { emptyFleet, type Fleet, withCtl } from "../../../src/lib/core/fleet/fleet.ts";
import { linedUp } from "../../../src/lib/core/fleet/waiting.ts";
import { tidFromFields, tidKey } from "../../../src/lib/nvme/tid.ts";

function fleetOf(count: number): { readonly fleet: Fleet; readonly keys: readonly string[] } {
  let fleet: Fleet = emptyFleet;
  const keys: string[] = [];
  for (let i = 0; i < count; i++) {
    const tid = tidFromFields({
      transport: "tcp",
      traddr: `10.0.0.${i}`,
      trsvcid: "4420",
      subsysnqn: "nqn.s",
    });
    assert.ok(tid !== undefined);
    keys.push(tidKey(tid));
    fleet = withCtl(fleet, newCtl(tidKey(tid), tid, 0));
  }
  return { fleet, keys };
}

Deno.test("S6: what was forgotten or given up leaves a queue before it is longer than there are controllers", () => {
  const { fleet, keys: [one = "", two = ""] } = fleetOf(2);
  const gone = Array.from({ length: 20 }, (_, i) => `gone ${i}`);
  const full: Fleet = {
    ...fleet,
    toReach: [...gone, one],
    ready: gone.map((key) => ({ key, rank: 0 })),
  };
  const phases = new Map([[one, "reaching"], [two, "ready"]]);
  const { toReach, ready } = linedUp(full, [], [{ key: two, rank: 3 }], (key) => phases.get(key));
  assert.deepEqual(toReach, [one]);
  assert.deepEqual(ready, [{ key: two, rank: 3 }]);
});

Deno.test("a controller waits once, and at the better of its places", () => {
  const { fleet, keys: [one = "", two = ""] } = fleetOf(2);
  const { ready } = linedUp(
    { ...fleet, ready: [{ key: one, rank: 2 }, { key: two, rank: 2 }] },
    [],
    [{ key: two, rank: 0 }],
    () => "ready",
  );
  assert.deepEqual(ready, [{ key: two, rank: 0 }, { key: one, rank: 2 }]);
});

Deno.test("a short queue is left as it is", () => {
  const { fleet, keys: [one = ""] } = fleetOf(2);
  const { toReach } = linedUp(fleet, [one], [], () => assert.fail("nobody has to be looked at"));
  assert.deepEqual(toReach, [one]);
});
