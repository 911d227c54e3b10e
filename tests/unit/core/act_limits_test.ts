/** S6: what persons may do at once, and to how many controllers; what is beyond a limit is refused with the limit. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type Ctl, newCtl } from "../../../src/lib/core/controller/ctl.ts";
import type { StacdEffect, StacdEvent } from "../../../src/lib/core/effects.ts";
import { MAX_ASKS, MAX_DEMANDS, MAX_NAMED, MAX_WAITING } from "../../../src/lib/core/fleet/act_limits.ts";
import { emptyFleet, type Fleet, withCtl } from "../../../src/lib/core/fleet/fleet.ts";
import type { DrainEvent } from "../../../src/lib/core/stacd/drain.ts";
import type { Demand, RenewRun } from "../../../src/lib/core/stacd/renew.ts";
import { emptyStacd, type StacdState } from "../../../src/lib/core/stacd/stacd_state.ts";
import { stepStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import { emptyStafd } from "../../../src/lib/core/stafd/stafd_state.ts";
import { stepStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { tidKey } from "../../../src/lib/nvme/tid.ts";
import { TID } from "./tid.ts";

const NOW = { mono: 0, wall: 1_000 };
const INTERFACES = new Map([["eth0", { index: 2, mac: "", up: true, v4: ["10.0.0.9"], v6: [] }]]);

const ctls = (count: number): readonly Ctl[] =>
  Array.from({ length: count }, (_, n) => {
    const tid = { ...TID, trsvcid: String(n) };
    return newCtl(tidKey(tid), tid, 0);
  });

const fleetOf = (all: readonly Ctl[]): Fleet =>
  all.reduce(withCtl, { ...emptyFleet, fresh: true, interfaces: INTERFACES });

const act = (keys: readonly Ctl[], what = "all") =>
  ({ call: 1, uid: 0, what, keys: keys.map(({ key }) => key) }) as const;

const drainOf = (keys: readonly Ctl[], what = "all"): Extract<DrainEvent, { readonly type: "drain" }> => (
  { type: "drain", ...act(keys, what), names: [what], term: undefined, mode: "do" }
);

/** Result and reasons of the answers of one step. */
const told = (effects: readonly StacdEffect[]): readonly unknown[] =>
  effects.flatMap((effect) => "answer" in effect ? [[effect.answer.result, ...effect.answer.reasons]] : []);

const stacdTold = (state: StacdState, event: StacdEvent): readonly unknown[] =>
  told(stepStacd(state, event, NOW).effects);

Deno.test("one drain, one renewal and one forget take so many controllers", () => {
  for (const type of ["drain", "renew", "forget"] as const) {
    const limit = MAX_NAMED[type];
    for (const count of [limit, limit + 1]) {
      const why = `it names ${count} controllers: one ${type} takes ${limit}`;
      assert.equal(reasonsOf(type, ctls(count)).includes(why), count > limit, `${type} of ${count}`);
    }
  }
});

function reasonsOf(type: keyof typeof MAX_NAMED, all: readonly Ctl[]): readonly unknown[] {
  const fleet = fleetOf(all);
  switch (type) {
    case "drain":
      return stacdTold({ ...emptyStacd, fleet }, drainOf(all)).flat();
    case "renew":
      return stacdTold({ ...emptyStacd, fleet }, { type, ...act(all), reconnects: false, mode: "ask" })
        .flat();
    case "forget": {
      const { effects } = stepStafd({ ...emptyStafd, fleet }, { type, ...act(all), mode: "ask" }, NOW);
      return effects.flatMap((effect) => effect.do === "answer" ? effect.answer.reasons : []);
    }
  }
}

Deno.test("so many drains are examined at once", () => {
  const [one] = ctls(1);
  assert.ok(one !== undefined);
  const asks = Array.from({ length: MAX_ASKS }, (_, n) => ({
    call: n + 10,
    event: drainOf([one], `nvme${n}`),
    looks: new Map(),
    until: { mono: 60_000 },
  }));
  const state = (count: number): StacdState => ({
    ...emptyStacd,
    fleet: fleetOf([one]),
    drains: { ...emptyStacd.drains, asks: asks.slice(0, count) },
  });
  const refusal = [["refused", `${MAX_ASKS} drains are waiting for a decision: try again`]];
  assert.deepEqual(stacdTold(state(MAX_ASKS), drainOf([one], "other")), refusal);
  assert.notDeepEqual(stacdTold(state(MAX_ASKS - 1), drainOf([one], "other")), refusal);
});

Deno.test("one renewal at a time", () => {
  const [one] = ctls(1);
  assert.ok(one !== undefined);
  const event = { type: "renew", ...act([one]), reconnects: true, mode: "do" } as const;
  const run: RenewRun = {
    call: undefined,
    uid: 7,
    what: "nvme3",
    at: NOW.wall,
    onlyAsked: false,
    reconnects: true,
    steps: [],
    warnings: [],
    stage: "check",
    index: 0,
    phase: { is: "begin" },
    stops: false,
  };
  const refusal = [["refused", "the renewal of nvme3, begun by uid 7, is under way: wait for its end"]];
  const state = { ...emptyStacd, fleet: fleetOf([one]) };
  const isRefused = (renewals: StacdState["renewals"]): boolean =>
    isDeepStrictEqual(stacdTold({ ...state, renewals }, event).slice(0, 1), refusal);
  assert.ok(isRefused({ ...state.renewals, run }));
  assert.ok(!isRefused(state.renewals));
});

Deno.test("no renewal begins when too many connections that earlier ones ended are not connected again", () => {
  const [one] = ctls(1);
  assert.ok(one !== undefined);
  const demand: Demand = { tls: true, dhchap: false, dhchapCtrl: false, target: "", besides: new Set() };
  const answers = (count: number): readonly unknown[] => {
    const demands = new Map(Array.from({ length: count }, (_, n) => [`${n}`, demand]));
    const state = {
      ...emptyStacd,
      fleet: fleetOf([one]),
      renewals: { ...emptyStacd.renewals, demands },
    };
    return stacdTold(state, { type: "renew", ...act([one]), reconnects: true, mode: "do" });
  };
  const refusal = [[
    "refused",
    `${MAX_DEMANDS} connections that renewals ended are not connected again: connect them, or restart stacd`,
  ]];
  assert.deepEqual(answers(MAX_DEMANDS), refusal);
  assert.notDeepEqual(answers(MAX_DEMANDS - 1), refusal);
});

Deno.test("so many calls of forget wait for the state file", () => {
  const [one] = ctls(1);
  assert.ok(one !== undefined);
  // Answers to changes that are not saved yet.
  const answers = Array.from({ length: MAX_WAITING }, (_, n) => ({
    call: n + 10,
    answer: { result: "forgotten", reasons: [], controllers: [] } as const,
    upTo: 99,
  }));
  const reasons = (count: number): readonly string[] => {
    const state = { ...emptyStafd, fleet: fleetOf([one]), answers: answers.slice(0, count) };
    const { effects, state: after } = stepStafd(state, { type: "forget", ...act([one]), mode: "ask" }, NOW);
    const given = effects.flatMap((effect) => effect.do === "answer" ? [effect.answer] : []);
    return [...given, ...after.answers.map(({ answer }) => answer)].flatMap((answer) => answer.reasons);
  };
  const refusal = `${MAX_WAITING} calls wait for the state file to be written: try again`;
  assert.ok(reasons(MAX_WAITING).includes(refusal));
  assert.ok(!reasons(MAX_WAITING - 1).includes(refusal));
});
