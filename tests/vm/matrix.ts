/** `docs/matrix.md`: the last result of each image. A run replaces the results of its own images and no others. */
import { capture } from "../../scripts/run.ts";
import type { Counts } from "../../scripts/test_run.ts";
import type { Guest } from "./guest.ts";
import { type Image, TESTED } from "./images.ts";

export interface Result {
  readonly image: string;
  readonly date: string;
  /** The commit, with `+` when files were changed since. */
  readonly commit: string;
  /** Which scenarios: those of the short run, or all. */
  readonly extent: "short" | "all";
  readonly kernel: string;
  readonly systemd: string;
  readonly libnvme: string;
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly (readonly [scenario: string, reason: string])[];
}

export interface Facts {
  readonly kernel: string;
  readonly systemd: string;
  readonly libnvme: string;
}

/** One run on an image: what the machine is, how many scenarios ended how, and which did not pass. */
export interface Ran {
  readonly facts: Facts;
  readonly counts: Counts;
  readonly failed: readonly string[];
  readonly skipped: readonly (readonly [scenario: string, reason: string])[];
}

const FILE = "docs/matrix.md";
/** The results as they were written, for the next run. */
const DATA = /^<!-- (\[.*\]) -->$/m;

export async function factsOf(guest: Guest): Promise<Facts> {
  const text = await guest.run(
    "uname -rm; systemctl --version | head -n 1; dpkg-query -W -f '${Version}\\n' 'libnvme1*' 2>/dev/null | grep . || echo none",
  );
  const [kernel = "", systemd = "", libnvme = ""] = text.trimEnd().split("\n");
  return { kernel, systemd: /\((.*)\)/.exec(systemd)?.[1] ?? systemd, libnvme };
}

export async function currentCommit(): Promise<string> {
  const head = (await capture(["git", "rev-parse", "--short=10", "HEAD"])).trim();
  const changed =
    (await capture(["git", "status", "--porcelain", "--untracked-files=no", "--", ".", `:!${FILE}`])).trim();
  return changed === "" ? head : `${head}+`;
}

export function resultOf(
  image: Image,
  { facts, counts: { passed }, failed, skipped }: Ran,
  about: Pick<Result, "date" | "commit" | "extent">,
): Result {
  return { image: image.name, ...about, ...facts, passed, failed, skipped };
}

function isResult(value: unknown): value is Result {
  return typeof value === "object" && value !== null && "image" in value && "failed" in value &&
    Array.isArray(value.failed) && "skipped" in value && Array.isArray(value.skipped) && "passed" in value;
}

export function parseMatrix(text: string): Result[] {
  const data: unknown = JSON.parse(DATA.exec(text)?.[1] ?? "[]");
  return Array.isArray(data) ? data.filter(isResult) : [];
}

/** The results of `before` with those of `now` in their places, in the order of the images. */
export function merge(before: readonly Result[], now: readonly Result[]): Result[] {
  return TESTED.flatMap(({ name }) => {
    const found = [...now, ...before].find(({ image }) => image === name);
    return found === undefined ? [] : [found];
  });
}

/** Rows of several commits prove less than they seem to: the page says so. */
function commitsOf(results: readonly Result[]): string[] {
  const commits = new Set(results.map(({ commit }) => commit));
  return commits.size < 2 ? [] : [`The rows are of ${commits.size} different commits.`, ""];
}

export function matrixText(results: readonly Result[]): string {
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  const heads = [
    "image",
    "date",
    "commit",
    "kernel",
    "systemd",
    "libnvme",
    "scenarios",
    "passed",
    "failed",
    "skipped",
  ];
  const lines = [
    "# Where it was tested",
    "",
    "The compiled programs in virtual machines, on a real kernel with its own NVMe target. Made by",
    "`deno task test:matrix`; a commit with `+` had changes that were not committed yet. `short` are the scenarios",
    "of every change, `all` are all of them.",
    "",
    ...commitsOf(results),
    row(heads),
    row(heads.map(() => "---")),
    ...results.map((one) =>
      row([
        `\`${one.image}\``,
        one.date,
        one.commit,
        one.kernel,
        one.systemd,
        one.libnvme,
        one.extent,
        one.passed,
        one.failed.length,
        one.skipped.length,
      ])
    ),
    "",
    ...TESTED.map(({ name, what }) =>
      `- \`${name}\`: ${what}${results.some((one) => one.image === name) ? "" : " (not run yet)"}`
    ),
    "",
  ];
  const failed = results.flatMap(({ image, failed }) =>
    failed.map((scenario) => `- \`${image}\`: ${scenario}`)
  );
  const skipped = results.flatMap(({ image, skipped }) =>
    skipped.map(([scenario, reason]) => `- \`${image}\`: ${scenario}: ${reason}`)
  );
  if (failed.length > 0) lines.push("## Failed", "", ...failed, "");
  if (skipped.length > 0) lines.push("## Skipped", "", ...skipped, "");
  return [...lines, `<!-- ${JSON.stringify(results).replaceAll("-->", "-- >")} -->`, ""].join("\n");
}

/** Writes the results into the page. */
export async function keepResults(now: readonly Result[]): Promise<void> {
  let before = "";
  try {
    before = await Deno.readTextFile(FILE);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.writeTextFile(FILE, matrixText(merge(parseMatrix(before), now)));
  await capture([Deno.execPath(), "fmt", "--quiet", FILE]);
  console.log(`vm: ${FILE} has the results of ${now.map(({ image }) => image).join(", ")}`);
}
