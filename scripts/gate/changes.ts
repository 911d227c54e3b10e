/** What differs from the branch that work is landed on, and which files that can break. */
import { capture, collect } from "../run.ts";
import { resolveImport } from "../structure/house.ts";

/** What work is landed on. */
const TRUNK = "main";

/** Paths that differ from where this branch left the trunk, committed or not; what was deleted is not among them. */
export async function changedFiles(since?: string): Promise<readonly string[]> {
  const git = async (...args: readonly string[]): Promise<string> => (await capture(["git", ...args])).trim();
  const base = await collect(["git", "merge-base", "HEAD", since ?? TRUNK]);
  if (!base.success && since !== undefined) throw new Error(`--since ${since}: ${base.stderr.trim()}`);
  const from = base.success ? base.stdout.trim() : "HEAD";
  const found = [
    await git("diff", "--name-only", "--diff-filter=d", from),
    await git("ls-files", "--others", "--exclude-standard"),
  ];
  return [...new Set(found.flatMap((text) => text.split("\n")).filter((path) => path !== ""))].toSorted();
}

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

/** The files that reach a changed one by imports, and those that name a changed file in their text. */
export function affected(
  texts: ReadonlyMap<string, string>,
  changed: readonly string[],
): ReadonlySet<string> {
  const importers = new Map<string, string[]>();
  const found = new Set<string>();
  const others = changed.filter((path) => !texts.has(path));
  for (const [path, text] of texts) {
    for (const [, specifier = ""] of text.matchAll(IMPORT)) {
      const target = resolveImport(path, specifier);
      if (target !== undefined) importers.set(target, [...importers.get(target) ?? [], path]);
    }
    if (changed.includes(path) || others.some((other) => text.includes(folderOrFile(other)))) found.add(path);
  }
  // A set grows while it is walked.
  for (const path of found) {
    for (const importer of importers.get(path) ?? []) found.add(importer);
  }
  return found;
}

/** How the text of a test names a file that it reads: often by its folder only. */
function folderOrFile(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? path : path.slice(0, end);
}
