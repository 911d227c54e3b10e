import assert from "node:assert/strict";
import { check } from "../../../scripts/structure.ts";
import { deadExports } from "../../../scripts/structure/exports.ts";
import { JUDGES } from "../../../scripts/structure/judges.ts";
import { floatingPromises } from "../../../scripts/structure/promises.ts";
import { staleMutants } from "../../../scripts/structure/mutants.ts";
import { NAMED } from "../../mutation/named.ts";
import { MAX_LINES } from "../../../scripts/structure/shape.ts";
import { parse } from "../../../scripts/structure/rule.ts";
import { IMPURE } from "./impure.ts";

/** What the check says of one file, as "line rule". */
function found(path: string, text: string): string[] {
  return check([parse(path, text)]).map(({ line, rule }) => `${line} ${rule}`);
}

const PURE = [
  "src/lib/base/a.ts",
  "src/lib/core/a.ts",
  "src/lib/nvme/a.ts",
  "src/lib/config/a.ts",
  "src/lib/ports.ts",
];

Deno.test("imports along the arrows are allowed", () => {
  const allowed: Array<[string, string]> = [
    ["src/lib/nvme/a.ts", "../base/time.ts"],
    ["src/lib/config/a.ts", "../nvme/tid.ts"],
    ["src/lib/core/a.ts", "../config/a.ts"],
    ["src/lib/core/a.ts", "../ports.ts"],
    ["src/lib/linux/a.ts", "../dbus/bus.ts"],
    ["src/lib/sim/a.ts", "../ports.ts"],
    ["src/lib/daemon/a.ts", "../core/a.ts"],
    ["src/ctl/a.ts", "../lib/dbus/a.ts"],
    ["src/stafd.ts", "./lib/linux/a.ts"],
    ["src/main.ts", "./stafd.ts"],
    ["src/lib/dbus/a.ts", "dbus-next"],
    ["tests/unit/a_test.ts", "../../src/lib/linux/a.ts"],
  ];
  for (const [path, specifier] of allowed) {
    assert.deepEqual(
      found(path, `import { a } from "${specifier}";\nexport const b = a;\n`),
      [],
      path + specifier,
    );
  }
});

Deno.test("imports against the arrows are found", () => {
  const forbidden: Array<[string, string]> = [
    ["src/lib/base/a.ts", "../nvme/tid.ts"],
    ["src/lib/nvme/a.ts", "../config/a.ts"],
    ["src/lib/nvme/a.ts", "../ports.ts"],
    ["src/lib/config/a.ts", "../core/a.ts"],
    ["src/lib/core/a.ts", "../daemon/a.ts"],
    ["src/lib/core/a.ts", "../linux/a.ts"],
    ["src/lib/core/a.ts", "../dbus/a.ts"],
    ["src/lib/ports.ts", "./core/a.ts"],
    ["src/lib/linux/a.ts", "../core/a.ts"],
    ["src/lib/sim/a.ts", "../linux/a.ts"],
    ["src/lib/daemon/a.ts", "../linux/a.ts"],
    ["src/lib/daemon/a.ts", "../sim/a.ts"],
    ["src/ctl/a.ts", "../lib/core/a.ts"],
    ["src/ctl/a.ts", "../lib/linux/a.ts"],
    ["src/stacd.ts", "./lib/sim/a.ts"],
    ["src/main.ts", "./lib/daemon/a.ts"],
    ["src/lib/core/a.ts", "../../../scripts/run.ts"],
    ["src/lib/core/a.ts", "../../../tests/a.ts"],
    ["src/lib/core/a.ts", "node:crypto"],
    ["src/lib/nvme/a.ts", "dbus-next"],
  ];
  for (const [path, specifier] of forbidden) {
    for (const how of [`import { a } from "${specifier}"`, `import type { a } from "${specifier}"`]) {
      assert.deepEqual(found(path, `\n${how};\n`), ["2 direction"], `${path} ${how}`);
    }
    assert.deepEqual(found(path, `export * from "${specifier}";\n`), ["1 direction"], `${path} export`);
    assert.deepEqual(
      found(path, `export type T = import("${specifier}").A;\n`),
      ["1 direction"],
      `${path} type`,
    );
  }
});

Deno.test("a module in no room, a specifier without .ts and a computed import are found", () => {
  assert.deepEqual(found("src/lib/other/a.ts", "export const a = 1;\n"), ["0 room"]);
  assert.deepEqual(found("src/lib/core/a.ts", 'import { a } from "./b";\n'), ["1 direction"]);
  assert.deepEqual(found("src/stafd.ts", "export const a = (x: string) => import(x);\n"), ["1 direction"]);
});

Deno.test("the pure rooms have no clock, timer, randomness, I/O or anything asynchronous", () => {
  for (const path of PURE) {
    for (const text of IMPURE) {
      assert.ok(found(path, text + "\n").includes("1 pure"), `${path}: ${text}`);
    }
  }
  for (const text of IMPURE) assert.deepEqual(found("src/lib/daemon/a.ts", text + "\n"), [], text);
});

Deno.test("a date is arithmetic, reading the clock is not", () => {
  const reads = [
    "export const a = Date.now();",
    "export const a = new Date();",
    "export const a = new Date;",
    "export const a = Date();",
    "export const a = Date;",
    "export const a = [1].map(Date.now);",
    'export const a = Date["now"]();',
  ];
  const computes = [
    "export const a = new Date(5).toISOString();",
    "export const a = Date.UTC(2026, 1);",
    'export const a = Date.parse("2026-11-30");',
    "export const a = (b: Date): number => b.getTime();",
  ];
  for (const text of reads) assert.deepEqual(found("src/lib/core/a.ts", text + "\n"), ["1 pure"], text);
  for (const text of computes) assert.deepEqual(found("src/lib/core/a.ts", text + "\n"), [], text);
});

Deno.test("a member or a local that is called like a clock is not one", () => {
  const pure = [
    "export interface A { readonly process: number; performance(): void }",
    "export const a = { crypto: 1 };",
    "export const b = a.process;",
    "export function a(self: number): void {}",
    "export const { window: width } = a;",
    "export type Kind = a.Date;",
    "export const max = Math.max(1, 2);",
  ];
  for (const text of pure) assert.deepEqual(found("src/lib/core/a.ts", text + "\n"), [], text);
});

Deno.test("ways past the type checker are found", () => {
  const bad = [
    "export const a = b as string;",
    "export const a = b as unknown as string;",
    "export const a = <string> b;",
    "export const a = b!;",
    "export const a = b!.c;",
    "export const a: any = 1;",
    "export const a = (b: Array<any>) => b;",
    "export class A { b!: string }",
    "let a!: string;",
    "try { a(); } catch {}",
    "try { a(); } catch (error) {}",
    "a().catch(() => {});",
    "a().catch(() => undefined);",
    "a().catch(function () {});",
    "// @ts-" + "ignore",
    "/* @ts-" + "expect-error: why */",
    "// @ts-" + "nocheck",
    "// deno-lint-" + "ignore no-console",
  ];
  for (const path of ["src/lib/daemon/a.ts", "tests/unit/a_test.ts", "scripts/a.ts"]) {
    for (const text of bad) assert.ok(found(path, text + "\n").includes("1 strict"), `${path}: ${text}`);
  }
  const good = [
    "export const a = [1] as const;",
    "export const a = { b: 1 } satisfies C;",
    "export const a = !b;",
    "export const a = b !== c;",
    "try { a(); } catch (error) { b(error); }",
    "a().catch((error: unknown) => b(error));",
    'export const a = "as any";',
  ];
  for (const text of good) assert.deepEqual(found("src/lib/daemon/a.ts", text + "\n"), [], text);
});

Deno.test("unfinished work is found in comments only", () => {
  for (const word of ["TO" + "DO", "FIX" + "ME", "X" + "XX"]) {
    assert.deepEqual(found("src/lib/core/a.ts", `// ${word}: later\n`), ["1 finished"]);
    assert.deepEqual(found("src/lib/core/a.ts", `/**\n * ${word}\n */\n`), ["2 finished"]);
    assert.deepEqual(found("src/lib/core/a.ts", `export const a = "${word}";\n`), []);
  }
});

Deno.test("names that say nothing, other cases than snake_case and long files are found", () => {
  for (const path of ["src/lib/core/utils.ts", "src/lib/core/helpers/a.ts", "src/lib/core/fooBar.ts"]) {
    assert.deepEqual(found(path, ""), ["0 shape"], path);
  }
  assert.deepEqual(found("src/lib/core/a.ts", "\n".repeat(MAX_LINES)), []);
  assert.deepEqual(found("src/lib/core/a.ts", "\n".repeat(MAX_LINES + 1)), ["0 shape"]);
});

Deno.test("files that import values from each other are found, types alone do not count", () => {
  const ring = (how: string) =>
    check([
      parse("src/lib/core/a.ts", 'import { b } from "./b.ts";\n'),
      parse("src/lib/core/b.ts", 'import { c } from "./c.ts";\n'),
      parse("src/lib/core/c.ts", `import ${how} from "./a.ts";\n`),
    ]).map(({ rule }) => rule);
  assert.deepEqual(ring("{ a }"), ["cycle"]);
  assert.deepEqual(ring("{ type A, a }"), ["cycle"]);
  assert.deepEqual(ring("type { A }"), []);
  assert.deepEqual(ring("{ type A }"), []);
});

Deno.test("exports without a use in the product are found, whatever tests do with them", () => {
  const dead = (text: string, other: string, test = "") =>
    deadExports([
      parse("src/lib/nvme/a.ts", text),
      parse("src/lib/nvme/b.ts", other),
      parse("tests/unit/a_test.ts", test),
    ]).map(({ line, rule }) => `${line} ${rule}`);
  const tested = 'import { a } from "../../src/lib/nvme/a.ts";\n';
  const used = 'import { a as z } from "./a.ts";\n';
  assert.deepEqual(dead("export const a = 1;\n", ""), ["1 dead"]);
  assert.deepEqual(dead("export const a = 1;\n", "", tested), ["1 dead"]);
  assert.deepEqual(dead("\nexport const a = 1;\nexport const b = a;\n", used), ["3 dead"]);
  assert.deepEqual(dead("export function a() {}\na();\n", ""), ["1 dead"]);
  assert.deepEqual(dead("export function a() {}\na();\n", "", tested), []);
  assert.deepEqual(dead("export const a = 1;\n", used), []);
  assert.deepEqual(dead("export const a = 1;\n", 'const all = await import("./a.ts");\n'), []);
  // A type may be exported for the signature that names it; one that nothing names is dead.
  assert.deepEqual(dead("interface X {}\nexport interface A extends X {}\ntype B = A;\n", ""), []);
  assert.deepEqual(dead("export interface A {}\n", ""), ["1 dead"]);
});

Deno.test("a promise left alone is found by its type", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/a.ts`;
    await Deno.writeTextFile(
      path,
      [
        "declare function work(): Promise<number>;",
        "declare function maybe(): Promise<number> | undefined;",
        "declare function plain(): number;",
        "work();",
        "maybe();",
        "work().then((n) => n);",
        "work().finally(() => plain());",
        'Deno.writeTextFile("a", "b");',
        "await work();",
        "void work();",
        "work().catch((error: unknown) => console.error(error));",
        "work().then((n) => n, (error: unknown) => console.error(error));",
        "plain();",
        "export const kept = work();",
        "",
      ].join("\n"),
    );
    const lines = (await floatingPromises([path])).map(({ line, rule }) => `${line} ${rule}`);
    assert.deepEqual(lines, ["4 promise", "5 promise", "6 promise", "7 promise", "8 promise"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what judges the product takes only types from it", () => {
  const value = (specifier: string): string => `import { a } from "${specifier}";\nexport const b = a;\n`;
  const forbidden: Array<[string, string]> = [
    ["tests/simulation/oracle/a.ts", value("../../../src/lib/nvme/address.ts")],
    ["tests/simulation/oracle/a.ts", 'export { a } from "../../../src/lib/nvme/address.ts";\n'],
    ["tests/simulation/oracle/a.ts", 'import { type A, b } from "../../../src/lib/nvme/address.ts";\nb();\n'],
    ["tests/simulation/oracle/a.ts", 'export const a = import("../../../src/lib/nvme/address.ts");\n'],
    ["tests/simulation/oracle/a.ts", value("../landscape.ts")],
    ["tests/simulation/oracle/a.ts", value("node:net")],
    ["tests/simulation/rules.ts", value("../../src/lib/nvme/match.ts")],
    ["tests/simulation/expected.ts", value("./landscape.ts")],
    ["tests/simulation/plan_watch.ts", value("../../src/lib/nvme/match.ts")],
  ];
  for (const [path, text] of forbidden) {
    assert.deepEqual(found(path, text).map((one) => one.split(" ")[1]), ["judge"], `${path}: ${text}`);
  }
  const allowed: Array<[string, string]> = [
    [
      "tests/simulation/oracle/a.ts",
      'import type { A } from "../../../src/lib/nvme/tid.ts";\nexport type B = A;\n',
    ],
    [
      "tests/simulation/oracle/a.ts",
      'export const a = (b: import("../../../src/lib/nvme/tid.ts").Tid) => b;\n',
    ],
    ["tests/simulation/oracle/a.ts", value("./address.ts")],
    ["tests/simulation/oracle/a_test.ts", value("../../../src/lib/nvme/address.ts")],
    ["tests/simulation/rules.ts", value("./oracle/address.ts")],
    ["tests/simulation/plan_watch.ts", value("../../src/lib/core/stafd/stafd_rules.ts")],
    ["tests/simulation/landscape.ts", value("../../src/lib/nvme/tid.ts")],
  ];
  for (const [path, text] of allowed) assert.deepEqual(found(path, text), [], `${path}: ${text}`);
});

Deno.test("every file that is named as a judge exists", async () => {
  for (const path of JUDGES) assert.ok((await Deno.stat(path)).isFile, path);
});

Deno.test("a named fault without a place in the code is told", () => {
  const [fault] = NAMED;
  assert.ok(fault !== undefined);
  assert.equal(staleMutants([]).length, NAMED.length);
  assert.equal(staleMutants([parse(fault.path, fault.find)]).length, NAMED.length - 1);
  assert.equal(staleMutants([parse(fault.path, `${fault.find}\n${fault.find}`)]).length, NAMED.length);
});
