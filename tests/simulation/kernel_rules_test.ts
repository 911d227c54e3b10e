/** The simulated kernel decides as the real one was heard to (tests/vm/scenarios/kernel_rules.ts asks both). */
import assert from "node:assert/strict";
import { Release } from "../../src/lib/sim/release.ts";
import { QUESTIONS, simulated } from "../vm/kernel_questions.ts";

for (const question of QUESTIONS) {
  Deno.test(`simulated kernel: ${question.name}`, async () => {
    assert.deepEqual(await simulated(question, new Release("6.12.0")), question.answers);
  });
}
