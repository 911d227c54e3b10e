/**
 * S16 as a number: each world twice, with adversaries and without them, and without any other fault. How long do this host's
 * own sources take until all that they lead to is connected, and how long does a subsystem take that one of them lists anew?
 *
 * The bound is three times the time without adversaries, and twice the longest time for which one of their targets holds the
 * kernel: when the change comes, each daemon may have a connect in the kernel that hangs, and nothing takes it back.
 */
import type { Target } from "../../src/lib/sim/fabric.ts";
import { Random } from "../../src/lib/sim/random.ts";
import { HANGING } from "./adversaries.ts";
import type { Cores } from "./cores.ts";
import { configuredDcs, missing } from "./expected.ts";
import { FAULTS } from "./faults.ts";
import { ADVERSARIES, mannersOf } from "./faults/hostile_faults.ts";
import { sameAddress } from "./oracle/address.ts";
import { allows } from "./oracle/conf.ts";
import { LIMITS } from "./oracle/limits.ts";
import { Simulation } from "./simulation.ts";
import { isConnected, newcomer } from "./storm.ts";

const TIMES = 3;
/** Connects that hang when the change comes: one of each daemon. */
const HUNG = 2;
const LOOK_MS = 50;
/** The change comes at some time after all is connected. */
const LATER_MS = 20_000;
/** What takes longer is not waited for. */
const PATIENCE_MS = 600_000;

const KINDS = ["start", "change"] as const;
type Kind = typeof KINDS[number];

/**
 * Milliseconds. `start`: from the start of the daemons until all that this host's own sources lead to is connected; `change`:
 * from the entry in a page to the connection. Infinity: not within {@link PATIENCE_MS}.
 */
type Times = Readonly<Record<Kind, number>>;

export interface Judged {
  readonly seed: number;
  /** Undefined: no discovery controller that this host's files name answers, or a rule was broken. */
  readonly alone: Times | undefined;
  readonly among: Times | undefined;
  /** What is wrong. */
  readonly problems: readonly string[];
}

async function until(sim: Simulation, done: () => boolean): Promise<number> {
  const begin = sim.mono;
  while (!done()) {
    if (sim.mono - begin >= PATIENCE_MS) return Infinity;
    await sim.go(LOOK_MS);
  }
  return sim.mono - begin;
}

/** One of this host's own discovery controllers, whose page can list a newcomer. */
function ownDc({ rules, landscape }: Simulation): Target | undefined {
  const families = rules.conf("stacd")?.families ?? new Set();
  const named = configuredDcs(rules).flat();
  return landscape.dcs.find(({ discovery, address: { traddr, trsvcid } }) =>
    discovery !== undefined && allows(families, traddr) &&
    named.some((tid) => sameAddress(tid.traddr, traddr) && tid.trsvcid === trsvcid)
  );
}

async function timesIn(sim: Simulation): Promise<Times | undefined> {
  const { rules } = sim;
  await until(sim, () => rules.conf("stafd") !== undefined && rules.conf("stacd") !== undefined);
  const dc = ownDc(sim);
  if (dc?.discovery === undefined) return undefined;
  const start = await until(sim, () => missing(rules, configuredDcs(rules)).length === 0);
  if (start === Infinity) return { start, change: Infinity };
  await sim.go(new Random(sim.options.seed, "change").between(0, LATER_MS));
  const { target, entry } = newcomer(sim, dc);
  sim.tell("fault", `--- ${target.text} is listed by ${dc.text}`);
  dc.discovery.list(entry, sim.mono);
  return { start, change: await until(sim, () => isConnected(sim, target)) };
}

interface Run {
  readonly seed: number;
  readonly cores: Cores;
  readonly tell?: ((line: string) => void) | undefined;
}

async function run(
  { seed, cores, tell }: Run,
  hostile: boolean,
): Promise<{ readonly times: Times | undefined; readonly problem: string | undefined }> {
  let times: Times | undefined;
  const others = FAULTS.map(({ name }) => name).filter((name) => !hostile || name !== ADVERSARIES);
  const { violation } = await new Simulation({
    seed,
    who: "both",
    cores,
    faultsMs: 0,
    with: new Set(hostile ? [ADVERSARIES] : []),
    without: new Set(others),
    ...(tell === undefined ? {} : { tell }),
    meanwhile: async (sim) => {
      times = await timesIn(sim);
    },
  }).run();
  return { times, problem: violation?.message };
}

/** The longest time for which one target of the adversaries of this seed holds the kernel. */
function holdMs(seed: number): number {
  const manners = mannersOf(new Random(seed, `${ADVERSARIES} dice`));
  return manners === HANGING ? LIMITS.hangingConnectMs : LIMITS.silentConnectMs;
}

const text = (ms: number): string => ms === Infinity ? "no time" : `${(ms / 1000).toFixed(1)} s`;

export async function judged(world: Run): Promise<Judged> {
  const { seed, cores } = world;
  const quiet = await run({ seed, cores }, false);
  const alone = quiet.times;
  if (alone === undefined) {
    return { seed, alone, among: undefined, problems: quiet.problem === undefined ? [] : [quiet.problem] };
  }
  const { times: among, problem } = await run(world, true);
  const problems = problem === undefined ? [] : [problem];
  for (const kind of among === undefined ? [] : KINDS) {
    const bound = TIMES * alone[kind] + HUNG * holdMs(seed);
    const took = among?.[kind] ?? 0;
    if (took <= bound) continue;
    problems.push(
      `S16: ${kind} took ${text(took)} among adversaries, ${text(alone[kind])} without them (bound ${
        text(bound)
      })`,
    );
  }
  return { seed, alone, among, problems };
}

/** Median and most, with and without adversaries. */
export function adversariesReport(all: readonly Judged[]): readonly string[] {
  const pairs = all.flatMap(({ alone, among }) =>
    alone === undefined || among === undefined ? [] : [{ alone, among }]
  );
  const summary = (kind: Kind, which: "alone" | "among"): string => {
    const sorted = pairs.map((pair) => pair[which][kind]).toSorted((a, b) => a - b);
    return `${text(sorted[sorted.length >> 1] ?? 0)}, at most ${text(sorted.at(-1) ?? 0)}`;
  };
  const late = all.filter(({ problems }) => problems.length > 0).length;
  return [
    `adversaries: ${pairs.length} worlds of ${all.length} seeds, ${late} with a violation (S16: ${TIMES} times the time without ` +
    `them, and ${HUNG} connects that hang)`,
    ...KINDS.map((kind) => `  ${kind}: ${summary(kind, "among")}; without them ${summary(kind, "alone")}`),
  ];
}
