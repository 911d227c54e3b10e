/** The checks of `deno task ok`: what each is called, what it looks at, and how it runs on some files only. */
import { collect, type Ended } from "../run.ts";
import { type Counts, NOTHING, runTests } from "../test_run.ts";
import { affected, changedFiles } from "./changes.ts";
import { typescriptFiles } from "./sources.ts";

/** What a check says: its counts, and its text when there is something to read. */
export interface Outcome {
  readonly counts: Counts;
  readonly text: string;
}

/** The files to look at; undefined means all. */
export interface Scope {
  readonly changed: readonly string[];
  /** The changed TypeScript files, and all that import them. */
  readonly affected: readonly string[];
}

export interface Check {
  readonly name: string;
  readonly about: string;
  run(scope: Scope | undefined, reasons: string[]): Promise<Outcome>;
}

const DENO = Deno.execPath();
const UNIT = ["tests/unit", "tests/property"];
const FORMATTED = /\.(tsx?|mjs|js|json|md|ya?ml|css|html)$/;
const isTypescript = (path: string): boolean => /\.tsx?$/.test(path);

export const SKIPPED: Outcome = { counts: NOTHING, text: "" };

function outcome({ success, stdout, stderr }: Ended): Outcome {
  const text = `${stdout}${stderr}`.trim();
  return { counts: success ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 }, text };
}

/** A check that is a command; `files` chooses those that it looks at when not all are. */
function command(
  name: string,
  about: string,
  line: readonly string[],
  files: (scope: Scope) => readonly string[] | "all",
): Check {
  return {
    name,
    about,
    run: async (scope) => {
      const chosen = scope === undefined ? "all" : files(scope);
      if (chosen.length === 0) return SKIPPED;
      return outcome(await collect([DENO, ...line, ...(chosen === "all" ? [] : chosen)], { env: color() }));
    },
  };
}

/** Programs whose output is collected do not see the terminal that it is shown on. */
const color = (): Record<string, string> =>
  Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };

async function unit(scope: Scope | undefined, reasons: string[]): Promise<Outcome> {
  const isTest = (path: string): boolean =>
    path.endsWith("_test.ts") && UNIT.some((folder) => path.startsWith(`${folder}/`));
  const paths = scope === undefined ? UNIT : scope.affected.filter(isTest);
  if (paths.length === 0) return SKIPPED;
  const lines: string[] = [];
  const counts = await runTests("unit", paths, ["--parallel"], (line) => lines.push(line), { reasons });
  return { counts, text: lines.join("\n") };
}

export const CHECKS: readonly Check[] = [
  command(
    "format",
    "deno fmt --check",
    ["fmt", "--check", "--quiet"],
    ({ changed }) => changed.filter((path) => FORMATTED.test(path)),
  ),
  command("lint", "deno lint", ["lint", "--quiet"], ({ changed }) => changed.filter(isTypescript)),
  command("types", "deno check", ["check", "--quiet"], ({ affected }) => affected),
  command(
    "structure",
    "import directions, purity, names and sizes of files, promises",
    ["run", "-A", "scripts/structure.ts"],
    ({ changed }) => changed.filter(isTypescript),
  ),
  command(
    "documents",
    "requirements that are cited are written, files that are named exist, no phrase of docs/words.md",
    ["run", "-A", "scripts/documents.ts"],
    () => "all",
  ),
  { name: "unit", about: "unit and property tests", run: unit },
];

/** What `--changed` and `--since` look at. */
export async function scopeOf(since?: string): Promise<Scope> {
  const changed = await changedFiles(since);
  const paths = await typescriptFiles();
  const texts = new Map(
    await Promise.all(
      paths.map(async (path): Promise<[string, string]> => [path, await Deno.readTextFile(path)]),
    ),
  );
  const reached = affected(texts, changed);
  return { changed, affected: paths.filter((path) => reached.has(path)) };
}
