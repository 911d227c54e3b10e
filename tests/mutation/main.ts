/**
 * `deno task mutate`: are the tests able to see a fault? Small faults are put into `base`, `core`, `config` and `nvme`, one at a time and
 * in a copy of the tree; each that no test notices is a survivor.
 */
import { parse } from "../../scripts/structure/rule.ts";
import { runScript } from "../../scripts/run.ts";
import { taskArguments, usageError } from "../../scripts/task_arguments.ts";
import { Random } from "../../src/lib/sim/random.ts";
import { explanation } from "./explained.ts";
import { NAMED, namedMutant } from "./named.ts";
import { difference, type Mutant, mutantsOf, mutated } from "./operators.ts";
import { baseline, trial, type Verdict } from "./trial.ts";

const ROOMS = ["src/lib/base", "src/lib/core", "src/lib/config", "src/lib/nvme"];

interface Candidate {
  readonly name: string;
  readonly mutant: Mutant;
}

/** Named faults whose text is not in the code any more. */
const stale: string[] = [];

const USAGE =
  `usage: deno task mutate [--count N] [--seed TEXT] [--only TEXT] [--minutes N] [--jobs N] [--named]

Puts small faults into base, core, config and nvme, one at a time and in a copy of the tree, and lists those that no test
notices. How to go on from there: tests/simulation/README.md, "How good the tests are"

  --count N    faults of the sample (default: 200)
  --seed TEXT  what the sample is drawn by (default: the commit)
  --only TEXT  faults in files, or with names, that have this text in them
  --minutes N  begin no further fault after so long
  --jobs N     copies that are tried at once (default: 1)
  --named      the list of tests/mutation/named.ts instead: each of these must be caught
`;

interface Options {
  readonly count: number;
  readonly seed: string | undefined;
  readonly only: string;
  readonly minutes: number;
  readonly jobs: number;
  readonly named: boolean;
}

function options(): Options {
  const text = { type: "string" } as const;
  const { values } = taskArguments(USAGE, {
    options: {
      count: text,
      seed: text,
      only: text,
      minutes: text,
      jobs: text,
      named: { type: "boolean", default: false },
    },
  });
  const number = (name: "count" | "minutes" | "jobs", ifMissing: number): number => {
    const given = values[name];
    if (given === undefined) return ifMissing;
    if (!/^[1-9]\d*$/.test(given)) usageError(USAGE, `--${name} ${given}: give a whole number above 0`);
    return Number(given);
  };
  return {
    count: number("count", 200),
    seed: values.seed,
    only: values.only ?? "",
    minutes: number("minutes", 100_000),
    jobs: number("jobs", 1),
    named: values.named,
  };
}

async function output(...command: readonly [string, ...string[]]): Promise<string> {
  const [program, ...args] = command;
  const { success, stdout } = await new Deno.Command(program, { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`${command.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim();
}

/** All faults that the operators can make, in the order of the files. */
export async function allMutants(): Promise<Mutant[]> {
  const files = (await output("git", "ls-files", ...ROOMS)).split("\n").filter((path) =>
    path.endsWith(".ts")
  );
  const found = await Promise.all(
    files.toSorted().map(async (path) => mutantsOf(parse(path, await Deno.readTextFile(path)))),
  );
  return found.flat();
}

async function candidates(
  { named: isNamed, only, seed: given, count }: Options,
): Promise<readonly Candidate[]> {
  if (isNamed) {
    const named: Candidate[] = [];
    for (const one of NAMED.filter(({ name, path }) => `${path} ${name}`.includes(only))) {
      const mutant = namedMutant(one, await Deno.readTextFile(one.path));
      if (mutant === undefined) {
        stale.push(`tests/mutation/named.ts: "${one.name}" has no place in ${one.path} now`);
      } else named.push({ name: one.name, mutant });
    }
    return named;
  }
  const all = (await allMutants()).filter(({ path }) => path.includes(only));
  const seed = given ?? await output("git", "rev-parse", "HEAD");
  const sample = new Random(1, seed).shuffled(all).slice(0, count);
  console.log(`${sample.length} of ${all.length} faults, drawn by ${seed.slice(0, 12)}`);
  return sample.map((mutant) => ({ name: mutant.operator, mutant }));
}

/** The tree as it is, with what is not committed yet. */
async function copy(folder: string): Promise<void> {
  const files = await output("git", "ls-files", "-co", "--exclude-standard", "--deduplicate");
  const list = await Deno.makeTempFile();
  await Deno.writeTextFile(list, files);
  await output("sh", "-c", `mkdir -p '${folder}' && tar -cf - -T '${list}' | tar -xf - -C '${folder}'`);
  await Deno.remove(list);
  await Deno.symlink(`${Deno.cwd()}/node_modules`, `${folder}/node_modules`);
}

interface Tried extends Candidate {
  readonly verdict: Verdict;
}

async function main(): Promise<boolean> {
  const chosen = options();
  const todo = [...await candidates(chosen)];
  const end = performance.now() + chosen.minutes * 60_000;
  const root = await Deno.makeTempDir({ prefix: "stas-mutate-" });
  const tried: Tried[] = [];
  try {
    const folders = Array.from({ length: chosen.jobs }, (_, at) => `${root}/${at}`);
    await Promise.all(folders.map(copy));
    const limits = await baseline(folders[0] ?? root);
    await Promise.all(folders.map(async (folder) => {
      for (;;) {
        const next = performance.now() < end ? todo.shift() : undefined;
        if (next === undefined) return;
        const { path, line } = next.mutant;
        const why = explanation(next.mutant, await Deno.readTextFile(path));
        if (why !== undefined) {
          console.log(`${"explained".padEnd(32)} ${path}:${line} ${next.name}: ${why}`);
          continue;
        }
        const verdict = await trial(folder, next.mutant, limits);
        tried.push({ ...next, verdict });
        const what = verdict.caught ? `caught by ${verdict.by}` : "SURVIVED";
        console.log(`${what.padEnd(32)} ${path}:${line} ${next.name}`);
      }
    }));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
  const survivors = tried.filter(({ verdict }) => !verdict.caught);
  for (const { name, mutant } of survivors) {
    const text = await Deno.readTextFile(mutant.path);
    console.log(`\n${mutant.path}:${mutant.line}: ${name}\n${difference(text, mutated(text, mutant))}`);
  }
  const failed = chosen.named ? survivors.length + stale.length : 0;
  for (const text of stale) console.log(text);
  console.log(`\n${tried.length - survivors.length} caught, ${survivors.length} survived`);
  if (todo.length > 0) console.log(`${todo.length} were not tried: the time was up`);
  // A survivor of the sample is a question; one of the list is a test that was lost.
  console.log(`mutate: ${tried.length - (chosen.named ? survivors.length : 0)} passed, ${failed} failed`);
  return failed === 0;
}

if (import.meta.main) await runScript("mutate", main);
