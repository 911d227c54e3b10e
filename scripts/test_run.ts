/** Runs `deno test` and counts what it did, from its JUnit report and not from its text for people. */
import { exists } from "./exists.ts";
import { passLines } from "./run.ts";
import { REASONS_FILE } from "./skipped.ts";
import { wholePath } from "./system_packages.ts";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The closing line of every runner here; `.ci/run` adds up what these lines say. */
export function closingLine(name: string, counts: Counts): string {
  const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
  return `${name}: ${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

/** Counts the test cases of a JUnit report as `deno test` writes it. */
export function countJunit(xml: string): Counts {
  let counts = NOTHING;
  for (const [, content] of xml.matchAll(/<testcase\b[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)) {
    if (content !== undefined && /<(failure|error)\b/.test(content)) {
      counts = add(counts, { ...NOTHING, failed: 1 });
    } else if (content?.includes("<skipped")) counts = add(counts, { ...NOTHING, skipped: 1 });
    else counts = add(counts, { ...NOTHING, passed: 1 });
  }
  return counts;
}

/** Of what `deno test` prints, all but the tests that are fine and the sum, which is counted from the report. */
function isNews(line: string): boolean {
  return line !== "" && !/ \.\.\. ok \(|^ok \| /.test(line) && !/^running \d+ tests? from /.test(line);
}

/** The lines of a file that is there no more afterwards; none when there was no such file. */
async function takeLines(file: string): Promise<string[]> {
  try {
    const text = await Deno.readTextFile(file);
    await Deno.remove(file);
    return text.split("\n").filter((line) => line !== "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

export interface TestRun {
  /** What runs `deno test`, such as `unshare` with its options; nothing runs it directly. */
  readonly within?: readonly string[];
  /** Takes why tests were skipped, once for each of them. */
  readonly reasons?: string[];
}

/**
 * Runs the tests under `folders`, which may be files. A run that failed as a whole (a module that does not load, a missing
 * folder, not a single test) counts as at least one failure.
 */
export async function runTests(
  name: string,
  folders: readonly string[],
  flags: readonly string[] = [],
  print: (line: string) => void = console.log,
  { within = [], reasons = [] }: TestRun = {},
): Promise<Counts> {
  for (const folder of folders) {
    if (!await exists(folder)) {
      print(`${folder}: no such file or folder`);
      return { ...NOTHING, failed: 1 };
    }
  }
  const report = `build/${name}-junit.xml`;
  const skipped = `build/${name}-skipped.txt`;
  await Deno.mkdir("build", { recursive: true });
  await takeLines(skipped);
  const test = [Deno.execPath(), "test", "-A", "--no-check", "--quiet", `--junit-path=${report}`];
  const success = await passLines(
    [...within, ...test, ...flags, ...folders],
    (line) => {
      if (isNews(line)) print(line);
    },
    { PATH: wholePath(), [REASONS_FILE]: await Deno.realPath("build") + skipped.slice("build".length) },
  );
  const counts = countJunit((await takeLines(report)).join("\n"));
  reasons.push(...await takeLines(skipped));
  const nothing = counts.passed + counts.failed + counts.skipped === 0;
  return (!success || nothing) && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}
