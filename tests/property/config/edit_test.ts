import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIni } from "../../../src/lib/config/ini.ts";
import { clearSysOption, setSysOption } from "../../../src/lib/config/sys_conf_edit.ts";
import { confText } from "./samples.ts";

const option = fc.constantFrom("nqn" as const, "id" as const, "key" as const, "symname" as const);
const value = fc.oneof(
  fc.constantFrom("nqn.x", "file:///etc/nvme/hostid", "a = b", "# x", "[Host]"),
  fc.string(),
)
  .map((text) => text.trim())
  .filter((text) => text !== "");

/** Everything but one option, as section, option and value. */
function others(text: string, edited: string): readonly string[] {
  return parseIni(text, "f").entries
    .filter((entry) => !(entry.section === "Host" && entry.option === edited))
    .map((entry) => JSON.stringify([entry.section, entry.option, entry.value]));
}

const remarks = (text: string): readonly string[] =>
  parseIni(text, "f").lines.filter((line) => line.kind === "comment").map((line) => line.text);

Deno.test("property: an edit sets exactly one value, and keeps all else, comments included", () => {
  fc.assert(
    fc.property(confText, option, value, (text, name, wanted) => {
      const edited = setSysOption(text, "f", name, wanted);
      if (!edited.ok) {
        assert.equal(edited.why, "file");
        return;
      }
      const own = parseIni(edited.text, "f").entries.filter((e) => e.section === "Host" && e.option === name);
      assert.deepEqual(own.map((entry) => entry.value), [wanted]);
      assert.deepEqual(others(edited.text, name), others(text, name));
      assert.deepEqual(remarks(edited.text), remarks(text));
      const again = setSysOption(edited.text, "f", name, wanted);
      assert.ok(again.ok);
      assert.equal(again.text, edited.text, "a second edit with the same value changes nothing");
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("property: a cleared option is gone, and all else is kept", () => {
  fc.assert(
    fc.property(confText, option, (text, name) => {
      const edited = clearSysOption(text, "f", name);
      if (!edited.ok) return;
      const own = parseIni(edited.text, "f").entries.filter((e) => e.section === "Host" && e.option === name);
      assert.deepEqual(own, []);
      assert.deepEqual(others(edited.text, name), others(text, name));
      assert.deepEqual(remarks(edited.text), remarks(text));
    }),
    { numRuns: 1_000 },
  );
});
