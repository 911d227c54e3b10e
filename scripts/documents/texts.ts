/** The texts of the tree that people read: sources, pages, configuration, scripts. */
import { capture } from "../run.ts";

export interface Text {
  readonly path: string;
  readonly lines: readonly string[];
}

export interface Problem {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

/** What is read byte for byte, made by programs, of others, or a test of these checks. */
const LEFT_OUT: readonly RegExp[] = [
  /^(tests\/fuzz\/corpus|tests\/vectors|docs\/screenshots)\//,
  /\.(svg|bin|json)$/,
  /^(LICENSE|tests\/unit\/scripts\/documents_test\.ts)$/,
];

/** All texts of the repository, committed or not, but for what git ignores. */
export async function allTexts(): Promise<readonly Text[]> {
  const listed = await capture(["git", "ls-files", "-co", "--exclude-standard", "--deduplicate"]);
  const paths = listed.split("\n").filter((path) =>
    path !== "" && !LEFT_OUT.some((pattern) => pattern.test(path))
  ).toSorted();
  const texts = await Promise.all(paths.map(textAt));
  return texts.filter((text) => text !== undefined);
}

/** Undefined for what is no text, a folder or deleted. */
async function textAt(path: string): Promise<Text | undefined> {
  try {
    const text = await Deno.readTextFile(path);
    return text.includes("\0") ? undefined : { path, lines: text.split("\n") };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) return undefined;
    throw error;
  }
}

const isCode = (path: string): boolean => /\.(ts|mjs|js)$/.test(path);

/** The part of a line that is written for readers of the file: of code the comment, of anything else all. */
export function prose({ path }: Text, line: string): string {
  if (!isCode(path)) return line;
  return /^\s*(?:\/?\*+|\/\/)(.*)$/.exec(line)?.[1] ?? /\s\/\/ (.*)$/.exec(line)?.[1] ?? "";
}
