/** `deno task sim`: many seeds of stafd alone, of stacd alone and of both, in a process for each processor. */
import { taskArguments, usageError } from "../../scripts/task_arguments.ts";
import { adversariesReport, type Judged, judged } from "./among_adversaries.ts";
import { realCores } from "./cores.ts";
import { Coverage, toReach } from "./coverage.ts";
import { isKnown, unknownToTheList } from "./known_failures.ts";
import { RELEASES } from "../../src/lib/sim/release.ts";
import { shrink } from "./shrink.ts";
import { type Options, Simulation, type Who } from "./simulation.ts";
import { MIX } from "./sizes.ts";

const KINDS: readonly Who[] = ["stafd", "stacd", "both"];

interface Arguments {
  readonly runs: number;
  /** Worlds among adversaries. */
  readonly adversaries: number;
  /** The number was given. */
  readonly isAmong: boolean;
  readonly first: number;
  readonly who: readonly Who[];
  readonly seed: number | undefined;
  readonly without: ReadonlySet<string>;
  readonly with: ReadonlySet<string>;
  readonly faultsMs: number | undefined;
  readonly part: { readonly of: number; readonly at: number } | undefined;
}

const USAGE = `usage: deno task sim [--runs N] [--first N] [--who stafd|stacd|both]
       deno task sim --seed N [--who stafd|stacd|both | --adversaries 1]

Runs the daemons against the simulated world, with faults, and checks the safety rules at every step.
How to read a story: tests/simulation/README.md

  --runs N       seeds of each kind (default: 2000)
  --first N      the first seed (default: 1)
  --adversaries N  worlds that are also measured with adversaries and without them (default: one of 50 runs);
                 with --seed: this world among adversaries, with its story
  --who WHO      only stafd, stacd or both
  --seed N       one seed, with its story
  --without A,B  leave these kinds of faults out
  --with A,B     have these kinds of faults in every seed, also those that the daemons do not survive yet
  --faults MS    let the faults end after so many virtual milliseconds
`;

function parse(): Arguments {
  const text = { type: "string" } as const;
  const { values } = taskArguments(USAGE, {
    options: {
      runs: text,
      first: text,
      who: text,
      seed: text,
      without: text,
      with: text,
      faults: text,
      adversaries: text,
      // Which share of the seeds this process has, as AT/OF.
      part: text,
    },
  });
  const number = (name: "runs" | "first" | "seed" | "faults" | "adversaries"): number | undefined => {
    const given = values[name];
    if (given === undefined) return undefined;
    if (!/^\d+$/.test(given)) usageError(USAGE, `--${name} ${given}: give a whole number`);
    return Number(given);
  };
  const { who } = values;
  const kinds = KINDS.filter((kind) => who === undefined || kind === who);
  if (kinds.length === 0) usageError(USAGE, `--who ${who}: must be one of ${KINDS.join(", ")}`);
  const [at, of] = (values.part ?? "").split("/").map(Number);
  const runs = number("runs") ?? 2_000;
  return {
    runs,
    adversaries: number("adversaries") ?? Math.ceil(runs / 50),
    isAmong: (number("adversaries") ?? 0) > 0,
    first: number("first") ?? 1,
    who: kinds,
    seed: number("seed"),
    without: new Set(values.without?.split(",") ?? []),
    with: new Set(values.with?.split(",") ?? []),
    faultsMs: number("faults"),
    part: at === undefined || of === undefined ? undefined : { at, of },
  };
}

const faultOptions = (args: Arguments): Pick<Options, "without" | "with" | "faultsMs"> => ({
  without: args.without,
  with: args.with,
  ...(args.faultsMs === undefined ? {} : { faultsMs: args.faultsMs }),
});

/** The command that repeats a run. */
function command({ seed, who, without, with: more, faultsMs }: Options): string {
  const parts = [`deno task sim --seed ${seed} --who ${who}`];
  if (without !== undefined && without.size > 0) parts.push(`--without ${[...without].join(",")}`);
  if (more !== undefined && more.size > 0) parts.push(`--with ${[...more].join(",")}`);
  if (faultsMs !== undefined) parts.push(`--faults ${faultsMs}`);
  return parts.join(" ");
}

/** One world among adversaries. */
async function oneAmong(seed: number): Promise<boolean> {
  const one = await judged({ seed, cores: realCores, tell: (line) => console.log(line) });
  for (const line of [...adversariesReport([one]), ...one.problems]) console.log(line);
  return one.problems.length === 0;
}

async function one(args: Arguments, seed: number): Promise<boolean> {
  let ok = true;
  for (const who of args.who) {
    const simulation = new Simulation({
      seed,
      who,
      ...faultOptions(args),
      tell: (line) => console.log(line),
    });
    const { violation, steps, at, faults } = await simulation.run();
    console.log(
      `--- seed ${seed}, ${who}: ${steps} steps, ${(at / 1000).toFixed(0)} s, faults: ${faults.join(", ")}`,
    );
    console.log(violation === undefined ? "all rules hold" : violation.message);
    ok &&= violation === undefined;
  }
  return ok;
}

interface PartResult {
  readonly failures: readonly { readonly seed: number; readonly who: Who; readonly message: string }[];
  readonly coverage: readonly (readonly [string, number])[];
  readonly steps: number;
  readonly virtualMs: number;
  readonly judged: readonly Judged[];
}

async function part(
  args: Arguments,
  { at, of }: { readonly of: number; readonly at: number },
): Promise<PartResult> {
  const coverage = new Coverage();
  const failures: { seed: number; who: Who; message: string }[] = [];
  let steps = 0;
  let virtualMs = 0;
  for (let seed = args.first + at; seed < args.first + args.runs; seed += of) {
    for (const who of args.who) {
      const result = await new Simulation({ seed, who, ...faultOptions(args) }).run();
      coverage.add(result.coverage.counts);
      steps += result.steps;
      virtualMs += result.at;
      const isNews = result.violation !== undefined && !isKnown(seed, who, result.violation.rule);
      if (result.violation !== undefined && isNews) {
        failures.push({ seed, who, message: result.violation.message });
      }
    }
  }
  const among: Judged[] = [];
  for (let seed = args.first + at; seed < args.first + args.adversaries; seed += of) {
    among.push(await judged({ seed, cores: realCores }));
  }
  return { failures, coverage: [...coverage.counts], steps, virtualMs, judged: among };
}

async function parts(args: Arguments): Promise<boolean> {
  const begin = performance.now();
  const of = Math.max(1, navigator.hardwareConcurrency);
  const flags = ["--runs", String(args.runs), "--first", String(args.first)];
  flags.push("--adversaries", String(args.adversaries));
  if (args.who.length === 1) flags.push("--who", args.who.join());
  if (args.without.size > 0) flags.push("--without", [...args.without].join());
  if (args.with.size > 0) flags.push("--with", [...args.with].join());
  if (args.faultsMs !== undefined) flags.push("--faults", String(args.faultsMs));
  const script = new URL(import.meta.url).pathname;
  const results = await Promise.all(
    Array.from({ length: of }, async (_, at): Promise<PartResult> => {
      const run = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", script, ...flags, "--part", `${at}/${of}`],
        stdout: "piped",
        stderr: "inherit",
      }).output();
      if (!run.success) throw new Error(`a part of the simulation ended with exit status ${run.code}`);
      return JSON.parse(new TextDecoder().decode(run.stdout));
    }),
  );
  const failures = results.flatMap((result) => result.failures).toSorted((a, b) => a.seed - b.seed);
  const sum = (of: (result: PartResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const hours = (sum(({ virtualMs }) => virtualMs) / 3_600_000).toFixed(0);
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  const kinds = args.who.join(", ");
  console.log(
    `${args.runs} seeds of ${kinds}: ${
      sum(({ steps }) => steps)
    } steps, ${hours} virtual hours, in ${seconds} s`,
  );
  const among = results.flatMap(({ judged }) => judged);
  if (among.length > 0) console.log(adversariesReport(among).join("\n"));
  const late = among.filter(({ problems }) => problems.length > 0);
  const covered = report(results.flatMap(({ coverage }) => coverage), args);
  for (const { seed, who, message } of failures.slice(0, 20)) {
    console.log(`FAILED  deno task sim --seed ${seed} --who ${who}\n        ${message}`);
  }
  for (const { seed, problems } of late) {
    console.log(`FAILED  deno task sim --seed ${seed} --adversaries 1\n        ${problems.join("; ")}`);
  }
  const [first] = failures;
  if (first !== undefined) {
    console.log(`${failures.length} failures; the first one shrunk: ${command(await shrink(first))}`);
  }
  const unknown = args.with.size > 0 ? [] : await unknownToTheList((line) => console.log(line));
  for (const line of unknown) console.log(`FAILED  ${line}`);
  console.log(
    `sim: ${args.runs * args.who.length + among.length - failures.length - late.length} passed, ${
      failures.length + unknown.length + late.length
    } failed`,
  );
  return failures.length === 0 && unknown.length === 0 && late.length === 0 && covered;
}

/** What was reached, and what was not. With few seeds, what is missing is only said. */
function report(counts: readonly (readonly [string, number])[], args: Arguments): boolean {
  const coverage = new Coverage();
  coverage.add(counts);
  const daemons = (["stafd", "stacd"] as const).filter((daemon) =>
    args.who.includes("both") || args.who.includes(daemon)
  );
  const wanted = daemons.flatMap(toReach);
  const absent = wanted.filter((what) => !coverage.counts.has(what));
  console.log(
    `coverage: ${wanted.length - absent.length} of ${wanted.length} events, effects and link moves`,
  );
  for (const what of absent) console.log(`  not reached: ${what}`);
  const isMixed = mixed(coverage, args.runs * args.who.length);
  return (absent.length === 0 && isMixed) || args.runs < 1_000;
}

/** What worlds there were. Chance may miss what is owed by a tenth. */
function mixed(coverage: Coverage, worlds: number): boolean {
  const owed = new Map([
    ...MIX,
    ...RELEASES.slice(0, -1).map((release) => [`kernel ${release}`, 10] as const),
  ]);
  const shares = [...owed].map(([what, least]) => {
    const share = 100 * (coverage.counts.get(`world ${what}`) ?? 0) / worlds;
    return { text: `${what} ${share.toFixed(1)} %`, isThere: share >= 0.9 * least };
  });
  console.log(`worlds: ${shares.map(({ text }) => text).join(", ")}`);
  const rare = shares.filter(({ isThere }) => !isThere);
  for (const { text } of rare) console.log(`  too rare: ${text}`);
  return rare.length === 0;
}

function whole(args: Arguments): Promise<boolean> {
  if (args.seed === undefined) return parts(args);
  return args.isAmong ? oneAmong(args.seed) : one(args, args.seed);
}

if (import.meta.main) {
  const args = parse();
  if (args.part !== undefined) console.log(JSON.stringify(await part(args, args.part)));
  else Deno.exit((await whole(args)) ? 0 : 1);
}
