/** `deno task fuzz`: fuzzes parsers, and keeps what it finds in `corpus/NAME`. */
import { taskArguments, usageError } from "../../scripts/task_arguments.ts";
import { allFuzzers, keep, readCorpus } from "./all.ts";
import { campaign } from "./campaign.ts";
import type { Fuzzer } from "./fuzzer.ts";

/** What is committed stays small: no more inputs of one fuzzer, and no larger ones, are kept. */
const MAX_FILES = 40;
const MAX_BYTES = 4096;

async function fuzz(fuzzer: Fuzzer, seconds: number, seed: number): Promise<boolean> {
  const corpus = [...readCorpus(fuzzer.name).values()];
  const end = performance.now() + seconds * 1000;
  const report = campaign(fuzzer, corpus, seed, () => performance.now() < end);
  let files = corpus.length;
  for (const input of report.fresh) {
    if (input.length > MAX_BYTES || files >= MAX_FILES) continue;
    await keep(fuzzer.name, "", input);
    files++;
  }
  const { runs, kinds, fresh, finding } = report;
  console.log(`${fuzzer.name}: ${runs} runs, ${kinds} kinds of outcomes, ${fresh.length} of them new`);
  if (finding === undefined) return true;
  const file = await keep(fuzzer.name, "fail-", finding.input);
  console.log(`${fuzzer.name}: FAILED, ${finding.input.length} bytes in corpus/${fuzzer.name}/${file}`);
  console.log(finding.error);
  return false;
}

const USAGE = `usage: deno task fuzz [NAME...] [--seconds N] [--seed N]
       deno task fuzz --list

Fuzzes the named parsers, or all in turn. What it finds is kept in tests/fuzz/corpus/NAME: inputs with a new kind of
outcome, and inputs that fail (fail-...). How to go on from there: tests/fuzz/README.md

  --seconds N  for each parser (default: 10)
  --seed N     of the random changes (default: another one each time, printed)
  --list       print the names
`;

async function main(): Promise<number> {
  const { values, positionals } = taskArguments(USAGE, {
    allowPositionals: true,
    options: {
      seconds: { type: "string", default: "10" },
      seed: { type: "string" },
      list: { type: "boolean", default: false },
    },
  });
  const fuzzers = await allFuzzers();
  const names = fuzzers.map(({ name }) => name);
  if (values.list) {
    console.log(names.join("\n"));
    return 0;
  }
  const unknown = positionals.filter((name) => !names.includes(name));
  const seconds = Number(values.seconds);
  const seed = values.seed === undefined
    ? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
    : Number(values.seed);
  if (unknown.length > 0) usageError(USAGE, `${unknown.join(", ")}: must be one of ${names.join(", ")}`);
  if (!(seconds > 0)) usageError(USAGE, `--seconds ${values.seconds}: give a number above 0`);
  if (!Number.isInteger(seed)) usageError(USAGE, `--seed ${values.seed}: give a whole number`);
  const chosen = positionals.length === 0
    ? fuzzers
    : fuzzers.filter(({ name }) => positionals.includes(name));
  console.log(`seed ${seed}`);
  let good = true;
  for (const fuzzer of chosen) good = await fuzz(fuzzer, seconds, seed) && good;
  return good ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
