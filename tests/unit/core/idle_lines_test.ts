/** Lines that have no effect are named, in the order of the file, up to a number. */
import assert from "node:assert/strict";
import { idleLines } from "../../../src/lib/core/advice/idle_lines.ts";
import { OneDc } from "./one_dc.ts";

function idle(lines: readonly string[]): readonly string[] {
  const { state } = new OneDc("", lines);
  return idleLines(state, state.fleet, () => ({ is: "wanted" }));
}

const excludes = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `exclude = traddr=10.9.0.${n}`);

Deno.test("lines are named in the order of the file, whatever they are", () => {
  assert.deepEqual(
    idle(["exclude = traddr=10.9.9.9", "controller = transport=tcp;traddr=dc.example.com", ...excludes(1)]),
    [
      "stafd.conf:2: exclude = traddr=10.9.9.9 matches no known controller at present",
      "stafd.conf:3: controller = transport=tcp;traddr=dc.example.com asks for nothing yet: dc.example.com is not resolved yet",
      "stafd.conf:4: exclude = traddr=10.9.0.0 matches no known controller at present",
    ],
  );
});

Deno.test("twenty lines are named, of more only their number", () => {
  assert.equal(idle(excludes(20)).length, 20);
  assert.match(idle(excludes(20)).at(-1) ?? "", /10\.9\.0\.19 matches/);
  const said = idle(excludes(21));
  assert.deepEqual(said.slice(0, 20), idle(excludes(20)));
  assert.deepEqual(said.slice(20), ["1 more line has no effect at present"]);
  assert.equal(idle(excludes(25)).at(-1), "5 more lines have no effect at present");
});
