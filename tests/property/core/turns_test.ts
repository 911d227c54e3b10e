/** S16, L1: whatever else waits in the queue and goes on coming, each entry has its turn within a bound. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AHEAD, Drawing, type Lane, noTurns, type TurnPlace } from "../../../src/lib/core/fleet/turns.ts";

interface One extends TurnPlace {
  readonly isOurs?: true;
}

const WEIGHTS = [8, 4, 1] as const;
const lane = fc.constantFrom<Lane[]>(0, 1, 2);
const others = fc.array(
  fc.record({ lane, authority: fc.constantFrom("a", "m", "z"), behind: fc.boolean() }),
  { maxLength: 12 },
);

Deno.test("an entry is drawn within a bound, while each that is drawn before it comes again", () => {
  fc.assert(fc.property(others, lane, fc.boolean(), (rest, where, behind) => {
    const ours: One = { lane: where, authority: "n", behind, isOurs: true };
    let queue: readonly One[] = [...rest, ours];
    let turns = noTurns;
    // Of its lane all turns in 13; of these one in nine for those behind; of these one in four authorities.
    const bound = Math.ceil(13 / WEIGHTS[where]) * (behind ? AHEAD + 1 : 2) * 4 + 13;
    for (let turn = 1;; turn++) {
      const drawing = new Drawing(queue, (one) => one, turns);
      const one = drawing.next();
      turns = drawing.turns;
      if (one?.isOurs === true) return;
      assert.ok(turn <= bound, `${turn} turns`);
      queue = [...drawing.left(), ...one === undefined ? [] : [one]];
    }
  }));
});
