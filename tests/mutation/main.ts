/**
 * `deno task mutate`: are the tests able to see a fault? Small faults are put into `core`, `config` and `nvme`, one at a time and
 * in a copy of the tree; each that no test notices is a survivor.
 *
 *   --count N     faults of the sample (200)
 *   --seed TEXT   what the sample is drawn by (the commit)
 *   --jobs N      copies that are tried at once (1)
 *   --named       the list of tests/mutation/named.ts instead: each of these must be caught
 *   --only TEXT   faults in files, or with names, that have the text in them
 *   --minutes N   begin no further fault after so long
 */
import { parse } from "../../scripts/structure/rule.ts";
import { runScript } from "../../scripts/run.ts";
import { Random } from "../../src/lib/sim/random.ts";
import { NAMED, namedMutant } from "./named.ts";
import { difference, type Mutant, mutantsOf, mutated } from "./operators.ts";
import { baseline, trial, type Verdict } from "./trial.ts";

const ROOMS = ["src/lib/core", "src/lib/config", "src/lib/nvme"];

interface Candidate {
  readonly name: string;
  readonly mutant: Mutant;
}

/** Named faults whose text is not in the code any more. */
const stale: string[] = [];

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(name);
  return at < 0 ? undefined : Deno.args[at + 1];
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

async function candidates(): Promise<readonly Candidate[]> {
  const only = option("--only") ?? "";
  if (Deno.args.includes("--named")) {
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
  const seed = option("--seed") ?? await output("git", "rev-parse", "HEAD");
  const count = Number(option("--count") ?? "200");
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
  const todo = [...await candidates()];
  const end = performance.now() + Number(option("--minutes") ?? "100000") * 60_000;
  const root = await Deno.makeTempDir({ prefix: "stas-mutate-" });
  const tried: Tried[] = [];
  try {
    const jobs = Math.max(1, Number(option("--jobs") ?? "1"));
    const folders = Array.from({ length: jobs }, (_, at) => `${root}/${at}`);
    await Promise.all(folders.map(copy));
    const limits = await baseline(folders[0] ?? root);
    await Promise.all(folders.map(async (folder) => {
      for (;;) {
        const next = performance.now() < end ? todo.shift() : undefined;
        if (next === undefined) return;
        const verdict = await trial(folder, next.mutant, limits);
        tried.push({ ...next, verdict });
        const { path, line } = next.mutant;
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
  const isNamed = Deno.args.includes("--named");
  const failed = isNamed ? survivors.length + stale.length : 0;
  for (const text of stale) console.log(text);
  console.log(`\n${tried.length - survivors.length} caught, ${survivors.length} survived`);
  if (todo.length > 0) console.log(`${todo.length} were not tried: the time was up`);
  // A survivor of the sample is a question; one of the list is a test that was lost.
  console.log(`mutate: ${tried.length - (isNamed ? survivors.length : 0)} passed, ${failed} failed`);
  return failed === 0;
}

if (import.meta.main) await runScript("mutate", main);
