/** Replays every committed input, fuzzes each parser for a moment from a fixed seed, and lets the harness find the canary. */
import assert from "node:assert/strict";
import { allFuzzers, readCorpus } from "./all.ts";
import { attempt, campaign, minimise } from "./campaign.ts";
import { canary } from "./canary.ts";

/** Runs of one fuzzer in every test run; a defect that is easy to reach does not wait for the long fuzzing. */
const RUNS = 1500;

for (const fuzzer of await allFuzzers()) {
  Deno.test(`fuzz ${fuzzer.name}: corpus, and ${RUNS} runs`, () => {
    const corpus = readCorpus(fuzzer.name);
    assert.ok(corpus.size > 0, `no corpus: make one with "deno task fuzz ${fuzzer.name}" and commit it`);
    for (const [file, input] of corpus) {
      const finding = attempt(fuzzer, input);
      if (finding !== undefined) throw new Error(`corpus/${fuzzer.name}/${file}`, { cause: finding.error });
    }
    const { finding, kinds } = campaign(fuzzer, [...corpus.values()], 1, (runs) => runs < RUNS);
    if (finding !== undefined) {
      throw new Error(`input ${finding.input.toHex()}`, { cause: finding.error });
    }
    assert.ok(kinds > 1, "all inputs have one kind of outcome: the fuzzer sees nothing");
  });
}

Deno.test("the canary is found, from any of ten seeds, and made small", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { finding, runs } = campaign(canary, [], seed, (done) => done < 20_000);
    assert.ok(finding !== undefined, `seed ${seed}: not found in ${runs} runs`);
    assert.ok(finding.error instanceof RangeError);
    assert.ok(finding.input.length <= 24, `${finding.input.length} bytes`);
    assert.deepEqual(minimise(canary, finding).input.length, finding.input.length, "as small as it gets");
  }
});

Deno.test("one seed, one run", () => {
  const run = () => campaign(canary, [], 3, (done) => done < 20_000);
  assert.deepEqual(run().finding?.input, run().finding?.input);
  assert.equal(run().runs, run().runs);
});
