/** A short run of the simulation, for every test run; `deno task sim` is the long one. */
import assert from "node:assert/strict";
import { Simulation, type Who } from "./simulation.ts";

const SEEDS = 100;

for (const who of ["stafd", "stacd", "both"] as const satisfies readonly Who[]) {
  Deno.test(`${who}: ${SEEDS} seeds keep all rules`, () => {
    const broken: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violation } = new Simulation({ seed, who }).run();
      if (violation !== undefined) {
        broken.push(`deno task sim --seed ${seed} --who ${who}: ${violation.message}`);
      }
    }
    assert.deepEqual(broken, []);
  });
}

Deno.test("a seed gives the same story each time", () => {
  const stories = [1, 2].map(() => {
    const lines: string[] = [];
    new Simulation({ seed: 7, who: "both", tell: (line) => lines.push(line) }).run();
    return lines;
  });
  assert.ok((stories[0]?.length ?? 0) > 100);
  assert.deepEqual(stories[0], stories[1]);
});
