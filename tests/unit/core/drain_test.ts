/** Drains alone: what they cover, how long, what a state file keeps of them, and their limits. */
import assert from "node:assert/strict";
import { emptyStacd } from "../../../src/lib/core/stacd/stacd_state.ts";
import { stepStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import { restoredStacd, savedStacd } from "../../../src/lib/core/saved/stacd_saved.ts";
import { stacdAfterClockSet } from "../../../src/lib/core/saved/clock_set.ts";
import { type Ctl, newCtl } from "../../../src/lib/core/controller/ctl.ts";
import {
  covers,
  type Drain,
  drainEvidence,
  isOver,
  targetsOf,
  withDrain,
} from "../../../src/lib/core/stacd/drain.ts";
import { MAX_DRAINS } from "../../../src/lib/core/fleet/act_limits.ts";
import { evidenceText } from "../../../src/lib/core/planning/evidence.ts";
import { type Tid, tidKey } from "../../../src/lib/nvme/tid.ts";
import { TID } from "./tid.ts";

const ctl = (change: Partial<Tid> = {}): Ctl => {
  const tid = { ...TID, ...change };
  return newCtl(tidKey(tid), tid, 0);
};
const drain = (names: readonly string[], named: readonly Ctl[], all = named): Drain => ({
  what: names.join(),
  names,
  uid: 0,
  at: 1_000,
  until: 5_000,
  forced: false,
  targets: targetsOf(new Set(named.map(({ key }) => key)), all),
});

Deno.test("another spelling, another host NQN and another way are the same controller; another port is not", () => {
  const one = drain(["nvme3"], [ctl()]);
  assert.ok(covers(one, ctl({ traddr: "::ffff:10.0.0.1" })));
  assert.ok(covers(one, ctl({ hostNqn: "nqn.renamed" })), "who we are is no reason to connect it (S13)");
  assert.ok(covers(one, ctl({ hostIface: "eth0" })));
  assert.ok(!covers(one, ctl({ trsvcid: "4421" })));
  assert.ok(!covers(one, ctl({ subsysnqn: "nqn.sub2" })));
});

Deno.test("of two ways to one controller the drain of one is not that of the other", () => {
  const [a, b] = [ctl({ hostIface: "eth0" }), ctl({ hostIface: "eth1" })];
  const one = drain(["nvme3"], [a], [a, b]);
  assert.ok(covers(one, a));
  assert.ok(!covers(one, b));
  assert.ok(covers(one, ctl({ hostIface: "eth0", hostNqn: "nqn.renamed" })));
});

Deno.test("an address and an NQN mean what comes later, a device and a part of an NQN do not", () => {
  const later = ctl({ subsysnqn: "nqn.sub.later" });
  assert.ok(covers(drain(["10.0.0.1"], [ctl()]), later));
  assert.ok(covers(drain(["nqn.sub.later"], [ctl()]), later));
  for (const name of ["nvme3", "nvme3n1", "nqn.sub"]) assert.ok(!covers(drain([name], [ctl()]), later), name);
});

Deno.test("a drain is over at its term, not before; one without a term never is", () => {
  const one = drain(["nvme3"], [ctl()]);
  assert.ok(!isOver(one, 4_999));
  assert.ok(isOver(one, 5_000));
  assert.ok(!isOver({ ...one, until: undefined }, Number.MAX_SAFE_INTEGER));
  assert.match(evidenceText(drainEvidence(one)), /^drained by uid 0 until 1970-01-01T00:00:05Z: nvme3$/);
  assert.match(
    evidenceText(drainEvidence({ ...one, until: undefined, forced: true, uid: 1000 })),
    /^drained by uid 1000 until undrain or a reboot, by force: nvme3$/,
  );
});

Deno.test("a state file keeps drains as they are, and what is not understood of one does not end it", () => {
  const list = [drain(["10.0.0.1"], [ctl()]), {
    ...drain(["nvme3"], [ctl()]),
    until: undefined,
    forced: true,
  }];
  const saved: unknown = JSON.parse(
    savedStacd({ ...emptyStacd, drains: { ...emptyStacd.drains, list } }),
  );
  assert.deepEqual(restoredStacd(saved).drains.list, list);
  const odd = { version: 1, drains: [{ names: ["nvme3"], until: "soon" }, "x", {}] };
  assert.deepEqual(restoredStacd(odd).drains.list.map(({ names, until }) => [names, until]), [
    [["nvme3"], undefined],
  ]);
});

Deno.test("a clock that is set moves both ends of a drain", () => {
  const list = [drain(["nvme3"], [ctl()]), { ...drain(["nvme4"], [ctl()]), until: undefined }];
  const state = { ...emptyStacd, drains: { ...emptyStacd.drains, list } };
  const { drains } = stacdAfterClockSet(state, -500);
  assert.deepEqual(drains.list.map(({ at, until }) => [at, until]), [[500, 4_500], [500, undefined]]);
});

Deno.test("drains have a limit, and one of the same name takes the place of the other", () => {
  const now = { mono: 0, wall: 1_000 };
  const event = (what: string) =>
    ({
      type: "drain",
      call: 1,
      uid: 0,
      what,
      names: [what],
      keys: [ctl().key],
      term: undefined,
      mode: "force",
    }) as const;
  let state = emptyStacd;
  for (let n = 0; n < MAX_DRAINS; n++) state = stepStacd(state, event(`nvme${n}`), now).state;
  assert.equal(state.drains.list.length, MAX_DRAINS);
  const refused = stepStacd(state, event("nvme999"), now).state;
  assert.equal(refused.drains.list.length, MAX_DRAINS);
  const again = stepStacd(state, event("nvme0"), now).state;
  assert.equal(again.drains.list.length, MAX_DRAINS);
});

Deno.test("a drain of the same words replaces the one before only where it takes all of it (seed 50315)", () => {
  const [a, b] = [ctl(), ctl({ subsysnqn: "nqn.sub2" })];
  const before = drain(["nvme3"], [a], [a, b]);
  // The number has changed hands: the first controller stays drained until its own end.
  const reused = { ...drain(["nvme3"], [b], [a, b]), at: 2_000 };
  assert.deepEqual(withDrain([before], reused, [a, b]), [before, reused]);
  const again = { ...before, at: 3_000, until: 4_000 };
  assert.deepEqual(withDrain([before], again, [a, b]), [again]);
  // An address means both; a shorter term counts for both.
  const wide = drain([TID.traddr], [a], [a, b]);
  const shorter = { ...drain([TID.traddr], [b], [a, b]), until: 2_000 };
  assert.deepEqual(withDrain([wide], shorter, [a, b]), [shorter]);
});
