import assert from "node:assert/strict";
import { isDeleting, kernelState } from "../../../src/lib/nvme/kernel_state.ts";

Deno.test("the kernel's words stay as they are; a word of a later kernel is a state without a name", () => {
  for (const word of ["new", "live", "resetting", "connecting", "deleting", "deleting (no IO)", "dead", ""]) {
    assert.equal(kernelState(word), word);
  }
  for (const word of ["Live", "live ", "deleted", "frozen"]) assert.equal(kernelState(word), "unknown state");
});

Deno.test("both forms of a removal are one, and nothing else is", () => {
  const words = ["deleting", "deleting (no IO)", "dead", "connecting", "live", "", "delete"];
  assert.deepEqual(words.filter((word) => isDeleting(kernelState(word))), ["deleting", "deleting (no IO)"]);
});
