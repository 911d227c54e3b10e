/** S16, L1: whose turn it is, beside a plain way of telling; whatever else waits, each has its turn within a bound. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AHEAD, type Lane, noTurns, type TurnPlace } from "../../../src/lib/core/fleet/turns.ts";
import {
  emptyQueue,
  entered,
  inTurn,
  left,
  OPEN,
  type Queue,
  type Waits,
} from "../../../src/lib/core/fleet/waiting.ts";

const SHARES = [8, 4, 1] as const;
const HELD = ["mdns eth0", "mdns eth1"];
const lane = fc.constantFrom<Lane[]>(0, 1, 2);
const authority = fc.constantFrom("a", "m", "n", "z");
const others = fc.array(fc.record({ lane, authority, behind: fc.boolean() }), { maxLength: 12 });

/** The turns as the head of turns.ts describes them, over a plain list: for each turn it looks at all that wait. */
class Plain {
  #waiting: Waits[] = [];
  #credit = [0, 0, 0];
  #last = new Map<string, string>();
  #ahead = [0, 0, 0];

  enter(one: Waits): void {
    const at = this.#waiting.findIndex(({ key }) => key === one.key);
    const [old] = at < 0 ? [] : this.#waiting.splice(at, 1);
    // Only a new rank is a new arrival.
    this.#waiting.splice(old?.rank === one.rank ? at : this.#waiting.length, 0, one);
  }

  leave(key: string): void {
    this.#waiting = this.#waiting.filter((one) => one.key !== key);
  }

  next(held: ReadonlySet<string>): string | undefined {
    const may = this.#waiting.filter(({ part }) => !held.has(part));
    if (may.length === 0) return undefined;
    const isIn = (lane: number) => (one: Waits): boolean => one.lane === lane;
    this.#credit = this.#credit.map((credit, lane) => {
      if (may.some(isIn(lane))) return credit + (SHARES[lane] ?? 0);
      return this.#waiting.some(isIn(lane)) ? credit : 0;
    });
    const lanes = [0, 1, 2].filter((lane) => may.some(isIn(lane)));
    const most = Math.max(...lanes.map((lane) => this.#credit[lane] ?? 0));
    const lane = lanes.find((one) => this.#credit[one] === most) ?? 0;
    this.#credit[lane] = most - lanes.reduce((sum, one) => sum + (SHARES[one] ?? 0), 0);
    const first = may.filter((one) => one.lane === lane && one.behind !== true);
    const behind = may.filter((one) => one.lane === lane && one.behind === true);
    const ahead = this.#ahead[lane] ?? 0;
    const isBehind = behind.length > 0 && (first.length === 0 || ahead >= AHEAD);
    this.#ahead[lane] = isBehind || behind.length === 0 ? 0 : ahead + 1;
    const whose = isBehind ? behind : first;
    const names = [...new Set(whose.map((one) => one.authority))].toSorted();
    const before = this.#last.get(`${lane} ${isBehind}`) ?? "";
    const name = names.find((one) => one > before) ?? names[0] ?? "";
    this.#last.set(`${lane} ${isBehind}`, name);
    const own = whose.filter((one) => one.authority === name);
    const best = Math.min(...own.map(({ rank }) => rank));
    const key = own.find(({ rank }) => rank === best)?.key;
    if (key !== undefined) this.leave(key);
    return key;
  }
}

const key = fc.integer({ min: 0, max: 20 }).map(String);
const part = fc.constantFrom(OPEN, OPEN, ...HELD);
const move = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant("enter" as const),
      one: fc.record({ key, lane, authority, behind: fc.boolean(), rank: fc.constantFrom(0, 1, 2), part }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("leave" as const), key }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant("next" as const), held: fc.subarray(HELD) }) },
);

Deno.test("whatever comes, goes and is held, the turns are those of a plain list that is looked through each time", () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 50, maxLength: 200, size: "max" }), (moves) => {
      const plain = new Plain();
      let queue: Queue = emptyQueue;
      for (const one of moves) {
        if (one.is === "enter") {
          plain.enter(one.one);
          queue = entered(queue, one.one);
        } else if (one.is === "leave") {
          plain.leave(one.key);
          queue = left(queue, one.key);
        } else {
          const held = new Set(one.held);
          const turn = inTurn(queue, (name) => held.has(name));
          assert.equal(turn?.one.key, plain.next(held));
          if (turn !== undefined) queue = { ...left(queue, turn.one.key), turns: turn.turns };
        }
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("an entry is drawn within a bound, while each that is drawn before it comes again", () => {
  fc.assert(fc.property(others, lane, fc.boolean(), (rest, where, behind) => {
    const places: readonly TurnPlace[] = [...rest, { lane: where, authority: "o", behind }];
    const waits = (n: number): Waits => ({
      lane: 0,
      authority: "",
      ...places[n],
      key: String(n),
      rank: 0,
      part: OPEN,
    });
    const ours = String(rest.length);
    let queue = places.reduce((all, _place, n) => entered(all, waits(n)), { ...emptyQueue, turns: noTurns });
    // Of its lane all turns in 13; of these one in nine for those behind; of these one in five authorities.
    const bound = Math.ceil(13 / SHARES[where]) * (behind ? AHEAD + 1 : 2) * 5 + 13;
    for (let turn = 1;; turn++) {
      const next = inTurn(queue);
      assert.ok(next !== undefined);
      if (next.one.key === ours) return;
      assert.ok(turn <= bound, `${turn} turns`);
      queue = { ...left(queue, next.one.key), turns: next.turns };
      queue = entered(queue, waits(Number(next.one.key)));
    }
  }));
});
