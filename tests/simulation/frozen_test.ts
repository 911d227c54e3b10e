/** What is frozen cannot be changed, however it holds what it holds. */
import assert from "node:assert/strict";
import { Table } from "../../src/lib/base/table.ts";
import { Freezer, isRefused } from "./frozen.ts";

interface Held {
  list: { name: string }[];
  map: Map<string, { n: number }>;
  set: Set<string>;
  table: Table<{ n: number }>;
  more?: string;
}

const held = (): Held => ({
  more: "",
  list: [{ name: "a" }],
  map: new Map([["a", { n: 1 }]]),
  set: new Set(["a"]),
  table: Table.empty<{ n: number }>().with("a", { n: 1 }),
});

const CHANGES: Readonly<Record<string, (value: Held) => void>> = {
  "a field": (value) => Object.assign(value, { list: [] }),
  "a new field": (value) => Object.assign(value, { other: "" }),
  "a field less": (value) => {
    delete value.more;
  },
  "an element": ({ list }) => list.push({ name: "b" }),
  "a field of an element": ({ list: [one] }) => Object.assign(one ?? {}, { name: "b" }),
  "a map": ({ map }) => map.set("b", { n: 2 }),
  "a map's entry": ({ map }) => map.delete("a"),
  "what a map holds": ({ map }) => Object.assign(map.get("a") ?? {}, { n: 2 }),
  "a set": ({ set }) => set.add("b"),
  "what a table holds": ({ table }) => Object.assign(table.get("a") ?? {}, { n: 2 }),
};

for (const [what, change] of Object.entries(CHANGES)) {
  Deno.test(`frozen: ${what} cannot be changed`, () => {
    change(held());
    const value = held();
    new Freezer().freeze({ value });
    assert.throws(() => change(value), isRefused);
  });
}

Deno.test("frozen: bytes that have changed are noticed at the next look", () => {
  const freezer = new Freezer();
  const value = { bytes: Uint8Array.of(1, 2, 3) };
  freezer.freeze(value);
  freezer.freeze(value);
  value.bytes[2] = 4;
  assert.throws(() => freezer.freeze({}), isRefused);
});

Deno.test("frozen: copies can be changed, and another error is no refusal", () => {
  const value = held();
  new Freezer().freeze(value);
  const copy = { ...value, map: new Map(value.map), set: new Set(value.set), list: [...value.list] };
  for (const what of ["a field", "a new field", "an element", "a map", "a set"]) CHANGES[what]?.(copy);
  assert.equal(isRefused(new TypeError("undefined is not a function")), false);
});
