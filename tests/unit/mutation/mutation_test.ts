import assert from "node:assert/strict";
import { parse } from "../../../scripts/structure/rule.ts";
import { EXPLAINED, explanation } from "../../mutation/explained.ts";
import { LIMIT_FAULTS } from "../../mutation/limit_faults.ts";
import { namedMutant } from "../../mutation/named.ts";
import { difference, mutantsOf, mutated } from "../../mutation/operators.ts";

/** What becomes of a text, by each operator. */
function made(text: string): string[] {
  return mutantsOf(parse("src/lib/core/a.ts", text)).map((mutant) =>
    `${mutant.operator}: ${mutated(text, mutant)}`
  );
}

Deno.test("comparisons are turned, and an order has its border moved", () => {
  assert.deepEqual(made("f(a === b);"), ["statement dropped: ;", "comparison turned: f(a !== b);"]);
  assert.deepEqual(made("f(a < b);"), [
    "statement dropped: ;",
    "comparison turned: f(a >= b);",
    "comparison turned: f(a <= b);",
  ]);
});

Deno.test("conditions are dropped", () => {
  assert.deepEqual(made("const c = a && !b;"), [
    "condition dropped: const c = a;",
    "condition dropped: const c = !b;",
    "negation dropped: const c = a && b;",
  ]);
  assert.deepEqual(made("if (a) b;"), [
    "condition dropped: if (true) b;",
    "condition dropped: if (false) b;",
    "statement dropped: if (a) ;",
  ]);
  assert.deepEqual(made("const d = a ? b : c;"), [
    "branch taken always: const d = b;",
    "branch taken always: const d = c;",
  ]);
});

Deno.test("constants are moved, cases removed, functions left early", () => {
  assert.deepEqual(made("const n = seconds(3);"), ["constant moved: const n = seconds(4);"]);
  assert.deepEqual(made("const n = true;"), ["constant turned: const n = false;"]);
  assert.deepEqual(made('switch (a) { case "b": return c; }'), [
    'case removed: switch (a) { case "b": break; }',
  ]);
  assert.deepEqual(made("function f(): void { return g; }"), [
    "return early: function f(): void { return; return g; }",
  ]);
  assert.deepEqual(made("function f(): number { return g; }"), []);
});

Deno.test("types, imports and what is thrown are left as they are", () => {
  assert.deepEqual(made('import { a } from "b";\ntype C = 1 | true;\ninterface D { readonly e: 2 }\n'), []);
  assert.deepEqual(made('throw new Error(a ? "b" : "c");'), []);
});

Deno.test("a difference is told line by line", () => {
  assert.equal(difference("a\nb\nc\n", "a\nd\nc\n"), "- b\n+ d");
});

Deno.test("a named fault has one place in its file, or none", () => {
  const named = { name: "n", path: "p", find: "b", replace: "c" };
  assert.equal(namedMutant(named, "b b"), undefined);
  assert.equal(namedMutant(named, "a"), undefined);
  const mutant = namedMutant(named, "a\nb");
  assert.equal(mutant?.line, 2);
  assert.equal(mutant === undefined ? "" : mutated("a\nb", mutant), "a\nc");
});

Deno.test("every row of the table of limits has a fault, and every fault a row", async () => {
  const text = await Deno.readTextFile(new URL("../../../docs/threat-model.md", import.meta.url));
  const [, table = ""] = text.split("## Limits\n");
  const rows = table.split("\n## ")[0]?.split("\n").filter((line) => line.startsWith("| ")) ?? [];
  const limits = rows.slice(2).map((row) => row.split("|")[1]?.trim() ?? "");
  assert.ok(limits.length > 10);
  assert.deepEqual([...new Set(LIMIT_FAULTS.map(({ limit }) => limit))].toSorted(), limits.toSorted());
});

Deno.test("an explained fault is known by its line, and each on the list has its place", async () => {
  const text = "const a = b[0];";
  const mutants = mutantsOf(parse("src/lib/core/a.ts", text));
  const list = [{ path: "src/lib/core/a.ts", line: text, becomes: "const a = b[1];", why: "as good" }];
  const found = mutants.map((mutant) => explanation(mutant, text, list)).filter((why) => why !== undefined);
  assert.deepEqual(found, ["as good"]);
  for (const one of EXPLAINED) {
    const file = await Deno.readTextFile(new URL(`../../../${one.path}`, import.meta.url));
    const why = mutantsOf(parse(one.path, file)).flatMap((mutant) => explanation(mutant, file, [one]) ?? []);
    assert.deepEqual(why, [one.why], one.line);
  }
});
