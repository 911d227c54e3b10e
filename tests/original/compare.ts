/** Our parser and the original's on the same configurations: every difference must be a reviewed one. */
import { makeCase, POOL } from "./generator.ts";
import { comparable, HOST_NQN, type Meaning, meaningOf, type Plain, type Row } from "./meaning.ts";
import { type Difference, REVIEWED } from "./reviewed.ts";
import type { Case } from "./generator.ts";

export interface Compared {
  readonly cases: number;
  /** Without any difference. */
  readonly equal: number;
  /** Differences by rule. */
  readonly reviewed: ReadonlyMap<string, number>;
  /** At most a few. */
  readonly unexplained: readonly {
    readonly seed: number;
    readonly text: string;
    readonly difference: Difference;
  }[];
  readonly unexplainedCount: number;
}

const MAX_SHOWN = 10;

const parsed = (line: string): Row => JSON.parse(line);

/** What the original reads in each. `packages` is the folder of its Python packages. */
export async function originals(packages: string, cases: readonly Case[]): Promise<readonly Row[]> {
  const child = new Deno.Command("python3", {
    args: ["-B", new URL("reader.py", import.meta.url).pathname, packages, HOST_NQN],
    env: { PYTHONUTF8: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = [JSON.stringify(POOL), ...cases.map((one) => JSON.stringify(one))].join("\n") + "\n";
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close());
  const [output] = await Promise.all([child.output(), written]);
  if (!output.success) throw new Error(`reader.py: ${new TextDecoder().decode(output.stderr)}`);
  return new TextDecoder().decode(output.stdout).trimEnd().split("\n").map(parsed);
}

/** Configurations of the seeds from `first` on. */
export async function compare(packages: string, first: number, count: number): Promise<Compared> {
  const seeds = Array.from({ length: count }, (_, n) => first + n);
  const cases = seeds.map(makeCase);
  const theirs = await originals(packages, cases);
  if (theirs.length !== count) throw new Error(`${count} configurations, ${theirs.length} answers`);
  const reviewed = new Map<string, number>();
  const unexplained: { seed: number; text: string; difference: Difference }[] = [];
  let equal = 0;
  let unexplainedCount = 0;
  cases.forEach((one, n) => {
    const differences = differencesOf(one, meaningOf(one, POOL), theirs[n] ?? {});
    if (differences.length === 0) equal++;
    for (const difference of differences) {
      const known = REVIEWED.find(({ explains }) => explains(difference));
      if (known !== undefined) reviewed.set(known.rule, (reviewed.get(known.rule) ?? 0) + 1);
      else {
        unexplainedCount++;
        if (unexplained.length < MAX_SHOWN) {
          unexplained.push({ seed: seeds[n] ?? 0, text: one.text, difference });
        }
      }
    }
  });
  return { cases: count, equal, reviewed, unexplained, unexplainedCount };
}

const same = (a: Plain, b: Plain): boolean => JSON.stringify(a) === JSON.stringify(b);
const row = (value: Plain | undefined): Row =>
  typeof value === "object" && value !== null && !isList(value) ? value : {};
const isList = (value: Plain | undefined): value is readonly Plain[] => Array.isArray(value);

export function differencesOf(
  { daemon, text }: Case,
  ours: Meaning | undefined,
  theirs: Row,
): readonly Difference[] {
  const found: Difference[] = [];
  const put = (of: Difference["of"], name: string, about: string, a: Plain, b: Plain): void => {
    if (!same(a, b)) found.push({ daemon, of, name, text: about, ours: a, theirs: b });
  };
  const rejected = theirs["rejected"] !== undefined;
  if (ours === undefined || rejected) {
    put("file", String(theirs["rejected"] ?? ""), text, ours === undefined, rejected);
    return found;
  }
  const values = row(theirs["values"]);
  for (const [name, value] of Object.entries(ours.values)) {
    put("value", name, text, value, plainOf(name, values[name]));
  }
  // What follows from such a difference is not told again.
  if (found.some(({ name }) => name === "ip-family" || name === "ignore-iface")) return found;
  const written = theirs["written"];
  if (!isList(written)) put("written", "controller", text, [...ours.written], written ?? null);
  else {
    put(
      "written",
      "controller",
      text,
      [...ours.written],
      written.filter((one) => one !== null && one !== ""),
    );
    controllersOf(written, theirs, ours, { daemon, text }, put);
  }
  excludesOf(theirs["excludes"], ours, text, put);
  return found;
}

type Put = (of: Difference["of"], name: string, about: string, a: Plain, b: Plain) => void;

/** One by one. */
function excludesOf(all: Plain | undefined, ours: Meaning, text: string, put: Put): void {
  const mine = ours.excludes.map(([one]) => one);
  if (!isList(all)) return put("exclude", "all", text, mine, all ?? null);
  const theirs = all.map((one): readonly [Plain, Plain] =>
    isList(one) ? [one[0] ?? null, one[1] ?? null] : [null, one]
  );
  for (const [written, matches] of theirs) if (written === "") put("exclude", "empty", "", null, matches);
  const rest = theirs.filter(([written]) => written !== "");
  put("written", "exclude", text, mine, rest.map(([written]) => written));
  ours.excludes.forEach(([entry, matches], n) =>
    put("exclude", "matches", entry, [...matches], rest[n]?.[1] ?? null)
  );
}

/** One by one, and key by key. */
function controllersOf(
  written: readonly Plain[],
  theirs: Row,
  ours: Meaning,
  { daemon, text }: Case,
  put: Put,
): void {
  const all = theirs["controllers"];
  if (!isList(all)) {
    put("controller", "all", text, [...ours.controllers], all ?? null);
    return;
  }
  const theirOnes = all.filter((_, n) => written[n] !== "" && written[n] !== null);
  const ignoreIface = ours.values["ignore-iface"] === true;
  ours.written.forEach((entry, n) => {
    const [mine = null, other = null] = [ours.controllers[n], theirOnes[n]];
    if (other === null || mine === null || typeof mine === "string") {
      const theirRow = other === null ? null : comparable(row(other), ignoreIface, daemon);
      put("controller", "whole", entry, mine, theirRow);
      return;
    }
    const [a, b] = [row(mine), comparable(row(other), ignoreIface, daemon)];
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      put("controller", key, entry, a[key] ?? null, b[key] ?? null);
    }
  });
}

/** A negative time span and an endless one are the same thing. */
function plainOf(name: string, value: Plain | undefined): Plain {
  if (name === "ip-family" && isList(value)) return [...new Set(value)].toSorted();
  // Neither the option nor its older place says true.
  if (name === "persistent-connections" && value === null) return false;
  if (name !== "zeroconf-connections-persistence") return value ?? null;
  const isEndless = value === "inf" || value === "-inf" || (typeof value === "number" && value < 0);
  return isEndless ? "for ever" : value ?? null;
}
