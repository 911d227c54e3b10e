/** Table and agenda against the plain things that they stand for. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { due, emptyAgenda, nextTime, remind } from "../../../src/lib/core/fleet/agenda.ts";
import { Table } from "../../../src/lib/base/table.ts";

const key = fc.string({ maxLength: 3 });

Deno.test("a table holds what a map holds, and earlier tables what they held", () => {
  const change = fc.oneof(
    fc.record({ key, value: fc.integer() }),
    fc.record({ key, value: fc.constant(undefined) }),
  );
  fc.assert(fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
    let table = Table.empty<number>();
    const map = new Map<string, number>();
    const history: {
      readonly table: Table<number>;
      readonly entries: readonly (readonly [string, number])[];
    }[] = [];
    for (const { key, value } of changes) {
      if (value === undefined) {
        table = table.without(key);
        map.delete(key);
      } else {
        table = table.with(key, value);
        map.set(key, value);
      }
      history.push({ table, entries: [...map] });
    }
    for (const { table, entries } of history) {
      assert.equal(table.size, entries.length);
      assert.deepEqual(new Map(table), new Map(entries));
      for (const [name, value] of entries) assert.equal(table.get(name), value);
    }
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
