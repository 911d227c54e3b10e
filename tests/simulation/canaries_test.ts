/** Each broken core is caught, by the rule that it breaks. */
import assert from "node:assert/strict";
import { CANARIES } from "./canaries.ts";
import { PAGE_CANARIES } from "./page_canaries.ts";
import { Simulation } from "./simulation.ts";

/** Seeds that one canary may need; the simulation itself runs 2,000. */
const SEEDS = 400;

for (
  const { name, rules, who, cores, onInvalid, with: faults, first = 1 } of [...CANARIES, ...PAGE_CANARIES]
) {
  Deno.test(`a core that ${name} is caught`, async () => {
    const others: string[] = [];
    for (let seed = first; seed < first + SEEDS; seed++) {
      const options = {
        seed,
        who,
        cores: cores(),
        with: new Set(faults),
        ...(onInvalid === undefined ? {} : { onInvalid }),
      };
      const { violation } = await new Simulation(options).run();
      if (violation === undefined) continue;
      if (rules.includes(violation.rule)) return;
      others.push(violation.message);
    }
    assert.fail(
      `not caught by ${rules.join(" or ")} in ${SEEDS} seeds from ${first}; others: ${
        others.slice(0, 5).join("\n")
      }`,
    );
  });
}
