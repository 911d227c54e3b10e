/** The loop around a core. */
import assert from "node:assert/strict";
import type { Now } from "../../../src/lib/base/time.ts";
import { Shell } from "../../../src/lib/daemon/shell.ts";

type Taken = readonly (readonly [event: string, wall: number])[];

/** Takes down each event with the wall clock of its step; `effects`: what an event leads to. */
function shellOf(effects: Readonly<Record<string, () => void>>) {
  const clock = { mono: 0, wall: 1_000_000 };
  const core = {
    step: (state: Taken, event: string, { wall }: Now) => ({
      state: [...state, [event, wall] as const],
      effects: event in effects ? [event] : [],
    }),
    wakeAt: () => undefined,
    tick: "tick",
    clockSet: (ms: number) => `set by ${ms}`,
  };
  const shell: Shell<Taken, string, string> = new Shell<Taken, string, string>(
    core,
    [],
    { now: () => ({ ...clock }), wakeAt: () => () => undefined },
    (event) => effects[event]?.(),
  );
  return { shell, clock };
}

Deno.test("S14: a clock that is set while events wait is told before the next one, whose step has the new clock", () => {
  const { shell, clock } = shellOf({
    first: () => {
      shell.post("second");
      clock.wall += 7_200_000;
    },
  });
  shell.post("first");
  const set = 1_000_000 + 7_200_000;
  assert.deepEqual(shell.state, [["first", 1_000_000], ["set by 7200000", set], ["second", set]]);
});

Deno.test("the state is read in the times of the present clock, converted once", () => {
  const { shell, clock } = shellOf({});
  shell.post("first");
  clock.wall -= 5_000;
  const told = [["first", 1_000_000], ["set by -5000", 995_000]];
  assert.deepEqual(shell.state, told);
  assert.deepEqual(shell.state, told);
});
