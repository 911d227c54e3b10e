/** S16: queues take weighted turns, and within a lane authorities take turns. */
import assert from "node:assert/strict";
import { AHEAD, type Lane, type TurnPlace } from "../../../src/lib/core/fleet/turns.ts";
import {
  emptyQueue,
  entered,
  inTurn,
  left,
  OPEN,
  type Queue,
  type Waits,
} from "../../../src/lib/core/fleet/waiting.ts";

const many = (lane: Lane, authority: string, count: number, more: Partial<Waits> = {}): readonly Waits[] =>
  Array.from({ length: count }, (_, n): Waits => ({
    lane,
    authority,
    key: `${lane} ${authority} ${n}`,
    rank: 0,
    part: OPEN,
    ...more,
  }));

const withAll = (all: readonly Waits[], queue: Queue = emptyQueue): Queue => all.reduce(entered, queue);

/** Takes turns, and what is left. */
function taken(queue: Queue, count: number, held: readonly string[] = []): [readonly Waits[], Queue] {
  const had: Waits[] = [];
  let rest = queue;
  while (had.length < count) {
    const turn = inTurn(rest, (part) => held.includes(part));
    if (turn === undefined) break;
    had.push(turn.one);
    rest = { ...left(rest, turn.one.key), turns: turn.turns };
  }
  return [had, rest];
}

const names = (had: readonly TurnPlace[]): string => had.map(({ authority }) => authority).join("");
const numbers = (had: readonly Waits[]): readonly number[] =>
  had.map(({ key }) => Number(key.split(" ").at(-1)));

Deno.test("8 to 4 to 1, and a few in a row at most", () => {
  const queue = withAll([...many(2, "mdns eth0", 1000), ...many(1, "known", 1000), ...many(0, "a", 1000)]);
  const lanes = taken(queue, 1300)[0].map(({ lane }) => lane);
  assert.deepEqual([0, 1, 2].map((lane) => lanes.filter((one) => one === lane).length), [800, 400, 100]);
  for (let at = 0; at + 13 <= lanes.length; at += 13) {
    assert.deepEqual(lanes.slice(at, at + 13).filter((one) => one === 2).length, 1, "none waits for longer");
  }
  assert.equal(/0{4}|1{3}|2{2}/.test(lanes.join("")), false, lanes.slice(0, 26).join(""));
});

Deno.test("a lane that nobody waits in costs nothing; one that fills later has saved nothing up", () => {
  assert.deepEqual(numbers(taken(withAll(many(2, "mdns eth0", 3)), 5)[0]), [0, 1, 2]);
  const [, { turns }] = taken(withAll(many(0, "a", 100)), 100);
  const later = withAll([...many(0, "a", 50), ...many(2, "m", 50)], { ...emptyQueue, turns });
  const lanes = taken(later, 18)[0].map(({ lane }) => lane);
  assert.equal(lanes.filter((lane) => lane === 2).length, 2);
});

Deno.test("a lane whose members rest after each turn of another lane of theirs gets its turn all the same", () => {
  const guests = { part: "mdns eth1" };
  let queue = withAll([
    ...many(0, "files", 60),
    ...many(1, "mdns eth1", 60, guests),
    ...many(2, "mdns eth1", 60, guests),
  ]);
  const lanes: (Lane | undefined)[] = [];
  let rests = false;
  for (let n = 0; n < 60; n++) {
    const [had, rest] = taken(queue, 1, rests ? [guests.part] : []);
    queue = rest;
    lanes.push(had[0]?.lane);
    // Whoever is drawn of them hangs; they are back when another one was drawn.
    rests = had[0]?.lane !== 0;
  }
  assert.ok(lanes.includes(2), lanes.join(""));
});

Deno.test("10,000 of one authority hold up one of another for one turn, whoever was first; turn by turn, too", () => {
  const queue = withAll([...many(0, "hostile", 10_000), ...many(0, "rightful", 1)]);
  assert.ok(taken(queue, 2)[0].some(({ authority }) => authority === "rightful"));
  const [had, rest] = taken(withAll([...many(0, "a", 100), ...many(0, "b", 100), ...many(0, "c", 3)]), 12);
  assert.equal(names(had), "abcabcabcaba");
  assert.equal(rest.waiters.size, 203 - 12);
});

Deno.test("within an authority the order of the queue stays, and a smaller rank is before a larger one", () => {
  const [had] = taken(withAll([...many(0, "a", 5), ...many(0, "b", 5)]), 10);
  for (const name of ["a", "b"]) {
    assert.deepEqual(numbers(had.filter(({ authority }) => authority === name)), [0, 1, 2, 3, 4]);
  }
  const ranks = [0, 2, 1, 0];
  const [ranked] = taken(withAll(many(0, "a", 4).map((one, n) => ({ ...one, rank: ranks[n] ?? 0 }))), 4);
  assert.deepEqual(numbers(ranked), [0, 3, 2, 1]);
});

Deno.test("one that waits has one place: a new authority takes it along, and its turn among those of its rank stays", () => {
  const [first, second, third] = many(0, "a", 3);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  let queue = withAll([first, second, third].map((one) => ({ ...one, rank: 3 })));
  assert.equal(entered(queue, { ...first, rank: 3 }), queue, "nothing has changed");
  queue = entered(queue, { ...second, rank: 1 });
  queue = entered(queue, { ...first, rank: 3, lane: 1, authority: "b" });
  queue = entered(queue, { ...first, rank: 3 });
  assert.equal(queue.waiters.size, 3);
  assert.deepEqual(numbers(taken(queue, 9)[0]), [1, 0, 2]);
  assert.deepEqual(taken(queue, 9)[1].parts.size, 0);
});

Deno.test("what is behind waits for the others of its lane, for no more than eight turns, and not for ever the same one", () => {
  const behind = ["x", "y"].flatMap((name) => many(0, name, 3, { behind: true }));
  assert.equal(names(taken(withAll([...behind, ...many(0, "a", 3)]), 9)[0]), "aaaxyxyxy");
  // Others come without end, in one authority whose name is before or after theirs.
  for (const name of ["a", "z"]) {
    let queue = withAll(behind);
    let order = "";
    while (order.length < 6 * (AHEAD + 1)) {
      const [had, rest] = taken(withAll(many(0, name, 1), queue), 1);
      order += names(had);
      queue = left(rest, `0 ${name} 0`);
    }
    const once = (one: string): string => name.repeat(AHEAD) + one;
    assert.equal(order, ["x", "y", "x", "y", "x", "y"].map(once).join(""));
  }
  // In another lane nothing of that is felt.
  const lanes = taken(withAll([...behind, ...many(1, "known", 10)]), 9)[0].map(({ lane }) => lane);
  assert.equal(lanes.filter((lane) => lane === 0).length, 6);
});
