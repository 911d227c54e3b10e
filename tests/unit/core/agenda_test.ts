import assert from "node:assert/strict";
import { due, emptyAgenda, nextTime, remind, timeOf } from "../../../src/lib/core/fleet/agenda.ts";

const at = (mono: number) => ({ mono });

Deno.test("those whose time has come are due, the others stay", () => {
  let agenda = emptyAgenda;
  for (const [key, time] of [["c", 30], ["a", 10], ["b", 20]] as const) {
    agenda = remind(agenda, at(time), key);
  }
  assert.deepEqual(nextTime(agenda), at(10));
  const { keys, rest } = due(agenda, at(20));
  assert.deepEqual([...keys].toSorted(), ["a", "b"]);
  assert.deepEqual(nextTime(rest), at(30));
  assert.equal(due(rest, at(29)).keys.size, 0);
});

Deno.test("a key has the time that was named last", () => {
  const later = remind(remind(emptyAgenda, at(10), "a"), at(50), "a");
  assert.equal(due(later, at(49)).keys.size, 0);
  assert.equal(timeOf(later, "a"), 50);
  const sooner = remind(later, at(5), "a");
  assert.deepEqual(nextTime(sooner), at(5));
  assert.equal(nextTime(due(sooner, at(5)).rest), undefined);
});

Deno.test("never is no time: it takes the key out", () => {
  const never = remind(remind(emptyAgenda, at(10), "a"), at(Infinity), "a");
  assert.equal(nextTime(never), undefined);
});

Deno.test("what is put off again and again does not pile up (S6)", () => {
  let agenda = emptyAgenda;
  for (let n = 0; n < 10_000; n++) agenda = remind(agenda, at(1_000_000 - n % 7 + n), "a");
  assert.ok((agenda.heap?.size ?? 0) < 200, `${agenda.heap?.size} nodes for one key`);
});
