/** What must hold for any text: for the property tests and the fuzzers. */
import assert from "node:assert/strict";
import { type Finding, findingText, MAX_FINDINGS } from "../../../src/lib/config/finding.ts";
import { iniText, parseIni } from "../../../src/lib/config/ini.ts";
import { clearSysOption, setSysOption } from "../../../src/lib/config/sys_conf_edit.ts";
import type { SysOption } from "../../../src/lib/config/sys_conf.ts";

/** In file order, each inside the text, each on one line of output, and not too many. */
export function checkFindings(text: string, findings: readonly Finding[]): void {
  const lines = text.split(/\r\n|\n|\r/);
  let last = 0;
  for (const finding of findings) {
    assert.ok(finding.line >= 1 && finding.line <= lines.length, findingText(finding));
    const length = (lines[finding.line - 1] ?? "").length;
    assert.ok(finding.column >= 1 && finding.column <= length + 1, findingText(finding));
    assert.ok(finding.line >= last, "not in file order");
    last = finding.line;
    assert.ok(!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(findingText(finding)), findingText(finding));
  }
  assert.ok(findings.length <= MAX_FINDINGS + 1);
}

/** The lines are the text, and every entry stands where it says. */
export function checkIni(text: string): void {
  const { entries, lines, findings } = parseIni(text, "f");
  assert.equal(iniText(lines), text);
  checkFindings(text, findings);
  for (const entry of entries) {
    const line = lines[entry.line - 1]?.text ?? "";
    if (entry.value !== undefined) assert.ok(line.slice(entry.valueColumn - 1).startsWith(entry.value));
    if (!entry.continuation) assert.ok(line.slice(entry.column - 1).toLowerCase().startsWith(entry.option));
  }
}

/** Everything but one option of `[Host]`, as section, option and value. */
function others(text: string, edited: string): readonly string[] {
  return parseIni(text, "f").entries
    .filter((entry) => !(entry.section === "Host" && entry.option === edited))
    .map((entry) => JSON.stringify([entry.section, entry.option, entry.value]));
}

const remarks = (text: string): readonly string[] =>
  parseIni(text, "f").lines.filter((line) => line.kind === "comment").map((line) => line.text);

/** Setting and clearing change one option and keep all else, comments included (CLI-66). */
export function checkEdits(text: string, option: SysOption, value: string): "edited" | "refused" {
  const own = (edited: string): readonly (string | undefined)[] =>
    parseIni(edited, "f").entries
      .filter((e) => e.section === "Host" && e.option === option)
      .map((e) => e.value);
  const set = setSysOption(text, "f", option, value);
  const cleared = clearSysOption(text, "f", option);
  if (!set.ok || !cleared.ok) {
    assert.ok(!set.ok && set.why === "file" && !cleared.ok);
    return "refused";
  }
  assert.deepEqual(own(set.text), [value]);
  assert.deepEqual(own(cleared.text), []);
  for (const edited of [set.text, cleared.text]) {
    assert.deepEqual(others(edited, option), others(text, option));
    assert.deepEqual(remarks(edited), remarks(text));
  }
  const again = setSysOption(set.text, "f", option, value);
  assert.ok(again.ok);
  assert.equal(again.text, set.text, "a second edit with the same value changes nothing");
  return "edited";
}
