/**
 * The structure check of `deno task ok`: what the compiler and the linter cannot see. Import direction
 * between rooms, purity of the pure rooms, no way past the type checker, no promise left alone, names and sizes, named faults with
 * their place.
 * With arguments it says what it finds in those files only.
 */
import { typescriptFiles } from "./gate/sources.ts";
import { runScript } from "./run.ts";
import { deadExports } from "./structure/exports.ts";
import { judges } from "./structure/judges.ts";
import { staleMutants } from "./structure/mutants.ts";
import { floatingPromises } from "./structure/promises.ts";
import { purity } from "./structure/purity.ts";
import { importCycles, importDirection } from "./structure/rooms.ts";
import { parse, type Rule, type Source, type Violation } from "./structure/rule.ts";
import { shape } from "./structure/shape.ts";
import { strictness } from "./structure/strictness.ts";

const RULES: readonly Rule[] = [importDirection, judges, purity, strictness, shape];

/** What all rules find in these sources. */
export function check(sources: readonly Source[]): Violation[] {
  return [
    ...sources.flatMap((source) => RULES.flatMap((rule) => rule(source))),
    ...importCycles(sources),
  ];
}

async function main(): Promise<boolean> {
  const paths = await typescriptFiles();
  const chosen = Deno.args.length === 0 ? paths : paths.filter((path) => Deno.args.includes(path));
  const sources = await Promise.all(paths.map(async (path) => parse(path, await Deno.readTextFile(path))));
  const found = [
    ...check(sources),
    ...deadExports(sources),
    ...staleMutants(sources),
    ...await floatingPromises(chosen),
  ]
    .filter(({ path }) => chosen.includes(path));
  for (const { path, line, rule, message } of found) {
    console.error(`${line === 0 ? path : `${path}:${line}`}: ${message} [${rule}]`);
  }
  return found.length === 0;
}

if (import.meta.main) await runScript("structure", main);
