/** Small files of sysfs and procfs, read in the thread pool: a missing file is not an error. */
import { EINVAL, errnoOf, isGone } from "./os_error.ts";

/**
 * The names in a folder, sorted because the kernel lists them in no order; empty if the folder does not
 * exist.
 */
export async function names(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) found.push(name);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  return found.sort();
}

/** The trimmed text of a file; undefined if the file does not exist. */
export async function text(path: string): Promise<string | undefined> {
  const found = await read(path);
  if (typeof found === "string" || isAbsent(found)) return typeof found === "string" ? found : undefined;
  throw found;
}

/** The trimmed text of a file, or the system's error. */
export async function read(path: string): Promise<string | Error> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Error && errnoOf(error) !== 0) return error;
    throw error;
  }
}

/** Missing, removed meanwhile, or an attribute without a value. */
export function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return isGone(errno) || errno === ENOTDIR || errno === EINVAL;
}

const ENOTDIR = 20;
