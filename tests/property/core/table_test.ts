/** Table and agenda against the plain things that they stand for. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { due, emptyAgenda, nextTime, remind } from "../../../src/lib/core/fleet/agenda.ts";
import { withNumbers } from "../../../src/lib/base/name_numbers.ts";
import { entriesOf, Table } from "../../../src/lib/base/table.ts";

const key = fc.string({ maxLength: 3 });

interface Change {
  readonly key: string;
  /** Undefined: it is taken away. */
  readonly value: number | undefined;
}

/** A table and a map have the same changes; the tables of all changes still hold what the map held then. */
function holdsWhatAMapHolds(changes: readonly Change[]): void {
  let table = Table.empty<number>();
  const map = new Map<string, number>();
  const history: {
    readonly table: Table<number>;
    readonly entries: readonly (readonly [string, number])[];
  }[] = [];
  for (const { key, value } of changes) {
    table = value === undefined ? table.without(key) : table.with(key, value);
    if (value === undefined) map.delete(key);
    else map.set(key, value);
    history.push({ table, entries: [...map] });
  }
  for (const { table, entries } of history) {
    assert.equal(table.size, entries.length);
    assert.deepEqual(new Map(table), new Map(entries));
    const inParts = [...table.parts()].flatMap(entriesOf);
    assert.deepEqual(new Map(inParts.map(({ key, value }) => [key, value])), new Map(entries));
    assert.equal(inParts.length, entries.length);
    for (const [name, value] of entries) assert.equal(table.get(name), value);
    assert.equal(table.has("not a key"), false);
  }
}

const value = fc.oneof({ weight: 3, arbitrary: fc.integer() }, fc.constant(undefined));

Deno.test("a table holds what a map holds, and earlier tables what they held", () => {
  fc.assert(fc.property(fc.array(fc.record({ key, value }), { maxLength: 60 }), holdsWhatAMapHolds));
});

Deno.test("so it does when all keys have one of two places", () => {
  const crowded = fc.record({ key: fc.nat({ max: 90 }).map((n) => `nqn.${n}`), value });
  fc.assert(fc.property(fc.array(crowded, { maxLength: 300, size: "max" }), (changes) => {
    withNumbers((own) => ({ ...own, place: (name) => name.length % 2 }), () => holdsWhatAMapHolds(changes));
  }));
});

Deno.test("an agenda gives back each key at the time that was named last, in order", () => {
  const reminders = fc.array(fc.tuple(key, fc.integer({ min: 0, max: 100 })), { maxLength: 200 });
  fc.assert(fc.property(reminders, (all) => {
    let agenda = emptyAgenda;
    for (const [name, mono] of all) agenda = remind(agenda, { mono }, name);
    const times = new Map(all);
    const found = new Map<string, number>();
    for (let next = nextTime(agenda); next !== undefined; next = nextTime(agenda)) {
      const { keys, rest } = due(agenda, next);
      assert.ok(keys.size > 0);
      for (const name of keys) found.set(name, next.mono);
      agenda = rest;
    }
    assert.deepEqual(found, times);
  }));
});
