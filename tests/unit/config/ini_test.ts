import assert from "node:assert/strict";
import { findingText, MAX_FINDINGS } from "../../../src/lib/config/finding.ts";
import { iniText, parseIni } from "../../../src/lib/config/ini.ts";

/** Entries as [section, option, value]. */
function entries(text: string): readonly (readonly [string, string, string | undefined])[] {
  const ini = parseIni(text, "x.conf");
  assert.deepEqual(ini.findings, []);
  return ini.entries.map((entry) => [entry.section, entry.option, entry.value] as const);
}

Deno.test("CFG-1, CFG-2: the first '=' splits, spaces around name and value go, ':' is nothing special", () => {
  assert.deepEqual(entries("[S]\n a \t=  b = c \nkato: 7\n"), [["S", "a", "b = c"], [
    "S",
    "kato: 7",
    undefined,
  ]]);
});

Deno.test("CFG-3: options are lower-cased, section names are literal", () => {
  assert.deepEqual(entries("[ Glo bal ]\nKaTo=X\n"), [[" Glo bal ", "kato", "X"]]);
});

Deno.test("CFG-4: comments are whole lines, indented too; nothing is cut off a value", () => {
  assert.deepEqual(entries("# a\n[S]\n  ; b\nx = 1 # c\n"), [["S", "x", "1 # c"]]);
});

Deno.test("CFG-5: what comes before a section, or has no name, rejects the file", () => {
  const orphan = parseIni("\n  x=1\ny=2\n[S]\n", "f.conf");
  assert.deepEqual(orphan.findings.map(findingText), [
    "f.conf:2:3: this line comes before any [section] line; the whole file is rejected",
  ]);
  const nameless = parseIni("[S]\n = 5\n=6", "f.conf");
  assert.deepEqual(nameless.findings.map((f) => [f.severity, f.line, f.column]), [["error", 2, 2], [
    "error",
    3,
    1,
  ]]);
});

Deno.test("CFG-7: a line indented more than its option is a further value of it", () => {
  assert.deepEqual(entries("[S]\nx = 1\n  2\n\n # c\n   y = 3\nz = 4\n"), [
    ["S", "x", "1"],
    ["S", "x", "2"],
    ["S", "x", "y = 3"],
    ["S", "z", "4"],
  ]);
  assert.deepEqual(entries("[S]\n  x = 1\n  y = 2\n z = 3\n"), [["S", "x", "1"], ["S", "y", "2"], [
    "S",
    "z",
    "3",
  ]]);
  assert.deepEqual(entries("[S]\n  x\n    v\n[T]\n      w\n"), [
    ["S", "x", undefined],
    ["S", "x", "v"],
    ["T", "w", undefined],
  ]);
});

Deno.test("an indented section line is a value, and that is said", () => {
  const ini = parseIni("[S]\nx = 1\n [T]\n", "f");
  assert.deepEqual(ini.sections.map((section) => section.name), ["S"]);
  assert.deepEqual(ini.findings.map((f) => [f.severity, f.line, f.column]), [["warning", 3, 2]]);
});

Deno.test("section lines end at the last bracket; without one they are none", () => {
  const ini = parseIni("[a]b] # c\n[]\n[c\n", "f");
  assert.deepEqual(ini.sections.map((section) => section.name), ["a]b"]);
  assert.deepEqual(ini.entries.map((entry) => entry.option), ["[]", "[c"]);
});

Deno.test("positions count from 1", () => {
  const ini = parseIni("\n  [S]\r\n  name  =  value\r   more", "f");
  assert.deepEqual(ini.sections, [{ name: "S", line: 2, column: 3 }]);
  assert.deepEqual(ini.entries.map((e) => [e.line, e.column, e.valueColumn, e.continuation]), [
    [3, 3, 12, false],
    [4, 4, 4, true],
  ]);
});

Deno.test("lines keep their endings", () => {
  const text = "\uFEFF[S]\r\na\r\rb=\n\n#x";
  assert.equal(iniText(parseIni(text, "f").lines), text);
  assert.deepEqual(parseIni(text, "f").entries.map((e) => e.option), ["a", "b"]);
});

Deno.test("the number of findings has a limit, and what is left out is counted", () => {
  const { findings } = parseIni("[S]\n" + "=\n".repeat(MAX_FINDINGS + 7), "f");
  assert.equal(findings.length, MAX_FINDINGS + 1);
  assert.match(findings.at(-1)?.message ?? "", /^7 more/);
});
