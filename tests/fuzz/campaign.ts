/** Runs one fuzzer: mutates inputs, keeps those with a new kind of outcome, and makes what fails small. */
import type { Fuzzer } from "./fuzzer.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";

export interface Finding {
  readonly input: Uint8Array;
  readonly error: unknown;
}

export interface Report {
  readonly runs: number;
  /** Kinds of outcomes seen. */
  readonly kinds: number;
  /** Inputs with a kind of outcome that no input of the beginning had, small ones first. */
  readonly fresh: readonly Uint8Array[];
  readonly finding: Finding | undefined;
}

/** What the run throws, or undefined. */
export function attempt(fuzzer: Fuzzer, input: Uint8Array): Finding | undefined {
  try {
    fuzzer.run(input);
    return undefined;
  } catch (error) {
    return { input, error };
  }
}

/** A smaller input that fails as well. */
export function minimise(fuzzer: Fuzzer, finding: Finding): Finding {
  let best = finding;
  for (let size = best.input.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= best.input.length;) {
      const { input } = best;
      const shorter = new Uint8Array(input.length - size);
      shorter.set(input.subarray(0, at));
      shorter.set(input.subarray(at + size), at);
      const again = attempt(fuzzer, shorter);
      if (again === undefined) at += size;
      else best = again;
    }
  }
  return best;
}

/** Goes on while `more` says so, or until something fails. */
export function campaign(
  fuzzer: Fuzzer,
  corpus: readonly Uint8Array[],
  seed: number,
  more: (runs: number) => boolean,
): Report {
  const random = new Random(seed);
  const kinds = new Set<string>();
  const pool: Uint8Array[] = [];
  const fresh: Uint8Array[] = [];
  let runs = 0;
  const empty = new Uint8Array(0);
  const feed = (input: Uint8Array, isNew: boolean): Finding | undefined => {
    runs++;
    let kind = "";
    const failed = attempt({ ...fuzzer, run: (bytes) => kind = fuzzer.run(bytes) }, input);
    if (failed !== undefined) return minimise(fuzzer, failed);
    const before = kinds.size;
    for (const one of kind.split("\n")) kinds.add(one);
    if (kinds.size > before) {
      pool.push(input);
      if (isNew) fresh.push(input);
    }
    return undefined;
  };
  let finding: Finding | undefined;
  for (const input of [...fuzzer.seeds, ...corpus, empty]) finding ??= feed(input, false);
  while (finding === undefined && more(runs)) {
    finding = feed(mutate(random, random.pick(pool, empty), random.pick(pool, empty)), true);
  }
  fresh.sort((a, b) => a.length - b.length);
  return { runs, kinds: kinds.size, fresh, finding };
}
