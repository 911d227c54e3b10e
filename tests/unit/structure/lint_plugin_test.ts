/** The house's rules as editors show them: the plugin finds what the structure check finds in one file. */
import assert from "node:assert/strict";
import plugin from "../../../scripts/lint/house.ts";
import { check } from "../../../scripts/structure.ts";
import { parse } from "../../../scripts/structure/rule.ts";
import { IMPURE } from "./impure.ts";

const RULES: Readonly<Record<string, string>> = { "house/direction": "direction", "house/purity": "pure" };

/** What the plugin says of one file, as "line rule", each once. */
function shown(path: string, text: string): readonly string[] {
  const lines = Deno.lint.runPlugin(plugin, path, text).map(({ id, range }) => {
    const line = text.slice(0, range[0]).split("\n").length;
    return `${line} ${RULES[id] ?? id}`;
  });
  return [...new Set(lines)].toSorted();
}

function checked(path: string, text: string): readonly string[] {
  const found = check([parse(path, text)]).filter(({ rule }) => rule === "direction" || rule === "pure");
  return [...new Set(found.map(({ line, rule }) => `${line} ${rule}`))].toSorted();
}

const TEXTS: readonly string[] = [
  ...IMPURE,
  'import { a } from "../linux/a.ts";',
  'import type { A } from "../daemon/a.ts";',
  'export * from "../dbus/a.ts";',
  'export { a } from "../nvme/tid.ts";',
  'export const a = import("../linux/a.ts");',
  "export const a = import(b);",
  'import { a } from "node:crypto";',
  "export const a = new Date(5);",
  "export const a = (b: Date): number => b.getTime();",
  "export const a = Math.max(1, 2);",
  "export const a = { process };",
  "export interface A { readonly process: number; performance(): void }",
  "export const a = { crypto: 1 };",
  "export const b = a.process;",
  "export function a(self: number): void {}",
  "export const { window: width } = a;",
  "export type Kind = a.Date;",
];

Deno.test("an editor shows what the gate would say, and nothing else", () => {
  for (
    const path of ["src/lib/core/a.ts", "src/lib/daemon/a.ts", "src/lib/nvme/a.ts", "tests/unit/a_test.ts"]
  ) {
    for (const text of TEXTS) {
      assert.deepEqual(shown(path, `${text}\n`), checked(path, `${text}\n`), `${path}: ${text}`);
    }
  }
});

Deno.test("a file is in its room wherever the linter names it from", () => {
  const text = 'import { a } from "../../linux/a.ts";\n';
  const root = new URL("../../../", import.meta.url).pathname;
  for (
    const path of ["src/lib/core/fleet/a.ts", "./src/lib/core/fleet/a.ts", `${root}src/lib/core/fleet/a.ts`]
  ) {
    assert.deepEqual(shown(path, text), ["1 direction"], path);
  }
});
