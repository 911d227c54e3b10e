/** Writes what is installed, file by file: a program that runs keeps its old file, and nobody sees half of a new one. */
import { dirname } from "node:path";
import { exists } from "../exists.ts";
import { adjustedUnit, type Place, type Placed } from "./place.ts";

async function same(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([Deno.readFile(one), Deno.readFile(other)]);
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** What is at the path of a configuration file. A link is never ours: Ubuntu's installer makes one to a file of its own. */
export async function stateOf(path: string, shipped: string): Promise<"missing" | "as shipped" | "changed"> {
  try {
    const { isFile } = await Deno.lstat(path);
    return isFile && await same(path, shipped) ? "as shipped" : "changed";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "missing";
    throw error;
  }
}

/** Makes `path` and the missing folders above it, 0755 whatever the umask is. */
async function makeFolder(path: string): Promise<void> {
  if (await exists(path)) return;
  await makeFolder(dirname(path));
  await Deno.mkdir(path);
  await Deno.chmod(path, 0o755);
}

async function put(entry: Placed, from: string, to: string, prefix: string): Promise<void> {
  const fresh = `${to}.new-nvme-stas`;
  await Deno.remove(fresh).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  if (entry.kind === "link") await Deno.symlink(entry.target, fresh);
  else {
    if (to.endsWith(".service")) {
      await Deno.writeTextFile(fresh, adjustedUnit(await Deno.readTextFile(from), prefix));
    } else await Deno.copyFile(from, fresh);
    await Deno.chmod(fresh, entry.mode);
  }
  await Deno.rename(fresh, to);
}

/** Installs `files` from the tree `root`; gives back the configuration files that stay as somebody changed them. */
export async function putAll(
  files: readonly Placed[],
  root: string,
  { prefix, destdir }: Place,
): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const entry of files) {
    const to = destdir + entry.to;
    const state = entry.kind === "config" ? await stateOf(to, root + entry.path) : "missing";
    if (state === "changed") kept.push(to);
    if (state !== "missing") continue;
    await makeFolder(dirname(to));
    await put(entry, root + entry.path, to, prefix);
  }
  return kept;
}
