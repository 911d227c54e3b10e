/** S16: queues take weighted turns, and within a lane authorities take turns. */
import assert from "node:assert/strict";
import { AHEAD, Drawing, type Lane, noTurns, type TurnPlace } from "../../../src/lib/core/fleet/turns.ts";

interface One extends TurnPlace {
  readonly n: number;
}

const many = (lane: Lane, authority: string, count: number): readonly One[] =>
  Array.from({ length: count }, (_, n) => ({ lane, authority, n }));

function drawn(queue: readonly One[], count: number): readonly One[] {
  const drawing = new Drawing(queue, (one) => one, noTurns);
  return Array.from({ length: count }, () => drawing.next()).flatMap((one) => one ?? []);
}

Deno.test("8 to 4 to 1, and a few in a row at most", () => {
  const queue = [...many(2, "mdns eth0", 1000), ...many(1, "known", 1000), ...many(0, "a", 1000)];
  const lanes = drawn(queue, 1300).map(({ lane }) => lane);
  assert.deepEqual([0, 1, 2].map((lane) => lanes.filter((one) => one === lane).length), [800, 400, 100]);
  for (let at = 0; at + 13 <= lanes.length; at += 13) {
    assert.deepEqual(lanes.slice(at, at + 13).filter((one) => one === 2).length, 1, "none waits for longer");
  }
  assert.equal(/0{4}|1{3}|2{2}/.test(lanes.join("")), false, lanes.slice(0, 26).join(""));
});

Deno.test("a lane that nobody waits in costs nothing; one that fills later has saved nothing up", () => {
  assert.deepEqual(drawn(many(2, "mdns eth0", 3), 5).map(({ n }) => n), [0, 1, 2]);
  const first = new Drawing(many(0, "a", 100), (one) => one, noTurns);
  for (let n = 0; n < 100; n++) first.next();
  const later = new Drawing([...many(0, "a", 50), ...many(2, "m", 50)], (one) => one, first.turns);
  const lanes = Array.from({ length: 18 }, () => later.next()?.lane);
  assert.equal(lanes.filter((lane) => lane === 2).length, 2);
});

Deno.test("a lane whose members rest after each turn of another lane of theirs gets its turn all the same", () => {
  const files = many(0, "files", 1);
  const guests = [...many(1, "mdns eth1", 1), ...many(2, "mdns eth1", 1)];
  let turns = noTurns;
  const lanes: (Lane | undefined)[] = [];
  let rests = false;
  for (let n = 0; n < 60; n++) {
    const resting = new Set(rests ? guests.map(({ lane }) => lane) : []);
    const drawing: Drawing<One> = new Drawing(
      rests ? files : [...files, ...guests],
      (one) => one,
      turns,
      resting,
    );
    const lane = drawing.next()?.lane;
    turns = drawing.turns;
    lanes.push(lane);
    // Whoever is drawn of them hangs; they are back when another one was drawn.
    rests = lane !== 0;
  }
  assert.ok(lanes.includes(2), lanes.join(""));
});

Deno.test("10,000 of one authority hold up one of another for one turn, whoever was first; over several drawings, too", () => {
  const queue = [...many(0, "hostile", 10_000), ...many(0, "rightful", 1)];
  assert.ok(drawn(queue, 2).some(({ authority }) => authority === "rightful"));
  let turns = noTurns;
  let left: readonly One[] = [...many(0, "a", 100), ...many(0, "b", 100), ...many(0, "c", 3)];
  const order: string[] = [];
  while (order.length < 12) {
    const drawing = new Drawing(left, (one) => one, turns);
    order.push(drawing.next()?.authority ?? "");
    turns = drawing.turns;
    left = drawing.left();
  }
  assert.equal(order.join(""), "abcabcabcaba");
  assert.equal(left.length, 203 - 12);
});

Deno.test("within an authority the order of the queue stays", () => {
  const queue = [...many(0, "a", 5), ...many(0, "b", 5)];
  for (const name of ["a", "b"]) {
    const order = drawn(queue, 10).filter(({ authority }) => authority === name).map(({ n }) => n);
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
  }
});

Deno.test("what is behind waits for the others of its lane, for no more than eight turns, and not for ever the same one", () => {
  const behind = ["x", "y"].flatMap((name) => many(0, name, 3).map((one) => ({ ...one, behind: true })));
  assert.deepEqual(
    drawn([...behind, ...many(0, "a", 3)], 9).map(({ authority }) => authority).join(""),
    "aaaxyxyxy",
  );
  // Others come without end, in one authority whose name is before or after theirs.
  for (const name of ["a", "z"]) {
    let turns = noTurns;
    let left: readonly One[] = behind;
    const order: string[] = [];
    while (order.length < 6 * (AHEAD + 1)) {
      const drawing = new Drawing([...left, ...many(0, name, 1)], (one) => one, turns);
      order.push(drawing.next()?.authority ?? "");
      turns = drawing.turns;
      left = drawing.left().filter((one) => one.behind === true);
    }
    const once = (one: string): string => name.repeat(AHEAD) + one;
    assert.equal(order.join(""), ["x", "y", "x", "y", "x", "y"].map(once).join(""));
  }
  // In another lane nothing of that is felt.
  const lanes = drawn([...behind, ...many(1, "known", 10)], 9).map(({ lane }) => lane);
  assert.equal(lanes.filter((lane) => lane === 0).length, 6);
});
