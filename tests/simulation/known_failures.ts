/**
 * What the daemons do not survive yet, by cause. Of the first seeds one has to fail by the rule that is stated, and none by
 * another. When all pass, the cause is mended: `unsurvived` of the fault goes, and every seed has it by its dice.
 */
import { FAULTS } from "./faults.ts";
import { type Options, Simulation, type Who } from "./simulation.ts";

export interface KnownFailure {
  /** The fault that has `unsurvived`. */
  readonly fault: string;
  readonly who: Who;
  readonly rules: readonly string[];
  /** A rule that is not kept yet and not judged elsewhere, and why; the fault itself is survived then. */
  readonly rule?: { readonly name: string; readonly cause: string };
  /** Other faults that it takes, and those that would make it good. */
  readonly also?: readonly string[];
  readonly without?: readonly string[];
}

/** Seeds that a cause may need to show itself. */
const SEEDS = 80;
export const KNOWN_FAILURES: readonly KnownFailure[] = [];

interface KnownSeed {
  readonly seed: number;
  readonly who: Who;
  readonly rule: string;
  readonly cause: string;
}

/** Seeds that fail with the faults that they have by their dice. */
export const KNOWN_SEEDS: readonly KnownSeed[] = [];

/** This seed is known to break this rule. */
export const isKnown = (seed: number, who: Who, rule: string): boolean =>
  KNOWN_SEEDS.some((known) => known.seed === seed && known.who === who && known.rule === rule);

const causeOf = (fault: string): string | undefined => FAULTS.find(({ name }) => name === fault)?.unsurvived;

/** The first seed that fails, and how. */
async function firstFailure(known: KnownFailure): Promise<string> {
  const { fault, who, rules, rule, also = [], without = [] } = known;
  const more = [fault, ...also];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const judging = new Set(rule === undefined ? [] : [rule.name]);
    const options: Options = { seed, who, judging, with: new Set(more), without: new Set(without) };
    const { violation } = await new Simulation(options).run();
    if (violation === undefined) continue;
    const left = without.length === 0 ? "" : ` --without ${without.join()}`;
    const command = `deno task sim --seed ${seed} --who ${who} --with ${more.join()}${left}`;
    if (!rules.includes(violation.rule)) {
      return `wrong: ${command}: not ${rules.join()}: ${violation.message}`;
    }
    return `known: ${command}\n       ${violation.rule}; ${rule?.cause ?? causeOf(fault)}`;
  }
  return `wrong: ${fault} is survived by ${who} in ${SEEDS} seeds: take it off known_failures.ts, and its unsurvived`;
}

/** What is wrong with the list: faults that are not on it, runs that pass or fail by another rule. */
export async function unknownToTheList(say: (line: string) => void = () => undefined): Promise<string[]> {
  const wrong = FAULTS.filter(({ name, unsurvived }) =>
    unsurvived !== undefined && !KNOWN_FAILURES.some(({ fault }) => fault === name)
  ).map(({ name }) => `${name}: nothing in known_failures.ts shows that it is not survived`);
  for (const known of KNOWN_FAILURES) {
    if (known.rule === undefined && causeOf(known.fault) === undefined) {
      wrong.push(`${known.fault} counts as survived: take it off known_failures.ts`);
      continue;
    }
    const found = await firstFailure(known);
    if (found.startsWith("known")) say(found);
    else wrong.push(found);
  }
  for (const { seed, who, rule, cause } of KNOWN_SEEDS) {
    const { violation } = await new Simulation({ seed, who }).run();
    const command = `deno task sim --seed ${seed} --who ${who}`;
    if (violation?.rule === rule) say(`known: ${command}\n       ${rule}: ${cause}`);
    else wrong.push(`${command} does not break "${rule}" any more: take it off KNOWN_SEEDS`);
  }
  return wrong;
}
