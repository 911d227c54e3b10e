/** With whom stafd registers the host (STAF-50, KRN-45). */
import assert from "node:assert/strict";
import { OneDc } from "./one_dc.ts";

/** What is asked of a discovery controller of this type that is found connected. */
const asked = (dctype: string): string[] =>
  new OneDc(dctype).effects.map((effect) => effect.do).filter((what) =>
    ["register", "supported-logs", "read-log"].includes(what)
  );

Deno.test("a CDC and a DDC are registered with, others are not; where the kernel does not tell, the controller is asked", () => {
  assert.deepEqual(asked("cdc"), ["register"]);
  assert.deepEqual(asked("ddc"), ["register"]);
  assert.deepEqual(asked("none"), ["supported-logs"]);
  assert.deepEqual(asked("reserved"), ["supported-logs"]);
  assert.deepEqual(asked(""), ["register"]);
});
