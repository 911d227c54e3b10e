/** The files of the source, in the order in which they are packed. */
import { exists } from "../exists.ts";
import { capture } from "../run.ts";

/** Made from the rest, or fetched. */
const NOT_SOURCE = [".git", "build", "coverage", "node_modules"];

/** Files and links below a folder, sorted; `skip` are names at its top. */
export async function filesBelow(folder: string, skip: readonly string[] = []): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (skip.includes(name)) continue;
    const path = folder === "." ? name : `${folder}/${name}`;
    if (isDirectory) found.push(...await filesBelow(path));
    else found.push(path);
  }
  return found.sort();
}

/** In a clone what git tracks and new files that it does not ignore; in an unpacked tarball everything in it. */
export async function sourceFiles(): Promise<readonly string[]> {
  if (!await exists(".git")) return filesBelow(".", NOT_SOURCE);
  const listed = await capture(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const files = listed.split("\0").filter((file) => file !== "").sort();
  const present = await Promise.all(files.map(async (file) => await exists(file) ? [file] : []));
  return present.flat();
}
