/**
 * The structure check of `deno task ok`: what the compiler and the linter cannot see. Import direction
 * between rooms, purity of the pure rooms, no way past the type checker, no promise left alone, names and sizes.
 */
import { runScript } from "./run.ts";
import { judges } from "./structure/judges.ts";
import { floatingPromises } from "./structure/promises.ts";
import { purity } from "./structure/purity.ts";
import { importCycles, importDirection } from "./structure/rooms.ts";
import { parse, type Rule, type Source, type Violation } from "./structure/rule.ts";
import { shape } from "./structure/shape.ts";
import { strictness } from "./structure/strictness.ts";

const FOLDERS = ["src", "scripts", "demo", "tests"];
const RULES: readonly Rule[] = [importDirection, judges, purity, strictness, shape];

/** Paths of all TypeScript files below a folder; none when it does not exist. */
async function typescriptFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) found.push(...await typescriptFiles(path));
      else if (entry.isFile && entry.name.endsWith(".ts")) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

/** What all rules find in these sources. */
export function check(sources: readonly Source[]): Violation[] {
  return [...sources.flatMap((source) => RULES.flatMap((rule) => rule(source))), ...importCycles(sources)];
}

async function main(): Promise<boolean> {
  const paths = (await Promise.all(FOLDERS.map(typescriptFiles))).flat().sort();
  const sources = await Promise.all(paths.map(async (path) => parse(path, await Deno.readTextFile(path))));
  const found = [...check(sources), ...await floatingPromises(paths)];
  for (const { path, line, rule, message } of found) {
    console.error(`${line === 0 ? path : `${path}:${line}`}: ${message} [${rule}]`);
  }
  if (sources.length === 0) throw new Error("found no TypeScript file: run it from the repository's root");
  return found.length === 0;
}

if (import.meta.main) await runScript("structure", main);
