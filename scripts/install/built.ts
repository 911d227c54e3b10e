/** The program in build/, compiled again only when its source is newer: `make` as a user, `make install` as root. */
import { build, type Built, BUILT_FILE, PROGRAM } from "../build.ts";
import { hostTarget } from "../denort.ts";
import { parseRecord } from "../runtime.ts";

const SOURCES = ["src", "package-lock.json", "scripts/build.ts"];

async function newest(path: string): Promise<number> {
  const { isDirectory, mtime } = await Deno.stat(path);
  if (!isDirectory) return mtime?.getTime() ?? 0;
  let latest = 0;
  for await (const { name } of Deno.readDir(path)) latest = Math.max(latest, await newest(`${path}/${name}`));
  return latest;
}

async function builtBefore(dir: string): Promise<Built | undefined> {
  try {
    const { mtime } = await Deno.stat(`${dir}/${PROGRAM}`);
    const record = parseRecord(await Deno.readTextFile(`${dir}/${BUILT_FILE}`));
    const source = Math.max(...await Promise.all(SOURCES.map(newest)));
    if (mtime === null || mtime.getTime() < source || record === undefined) return undefined;
    return { program: `${dir}/${PROGRAM}`, binDir: `${dir}/bin`, ...record };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export async function builtProgram(dir = "build"): Promise<Built> {
  const before = await builtBefore(dir);
  if (before !== undefined) return before;
  console.error(`install: ${dir}/${PROGRAM} is missing or older than its source: building it`);
  return build(hostTarget(), dir);
}
