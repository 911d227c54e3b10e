/**
 * Brings the npm packages of package-lock.json into node_modules, when they are missing or stale.
 * Run on its own it is `deno task setup`; every task that needs packages runs it first.
 */
import { taskArguments } from "./task_arguments.ts";

/** Says from which package.json and lock file node_modules was installed. */
export const STAMP = "node_modules/.package-lock.sha256";

/** True when node_modules was installed by this script from the present package.json and lock file. */
async function isFresh(wanted: string): Promise<boolean> {
  try {
    return (await Deno.readTextFile(STAMP)).trim() === wanted;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function lockDigest(): Promise<string> {
  const parts = [await Deno.readFile("package.json"), await Deno.readFile("package-lock.json")];
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return new Uint8Array(digest).toHex();
}

/** Installs the locked packages; throws with what to do about it when npm is missing or fails. */
export async function setUpPackages(): Promise<void> {
  const wanted = await lockDigest();
  if (await isFresh(wanted)) return;
  console.error("setup: npm ci");
  const npm = await new Deno.Command("npm", {
    args: ["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"],
    stdout: "inherit",
    stderr: "inherit",
  }).output().catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error("npm is not installed: install Node.js 20 or newer, which brings it");
    }
    throw error;
  });
  if (!npm.success) throw new Error(`npm ci failed with exit status ${npm.code} (its message is above)`);
  await Deno.writeTextFile(STAMP, wanted + "\n");
}

const USAGE = `usage: deno task setup

Installs the npm packages of package-lock.json into node_modules, if they are missing or stale. Every task does
this first.
`;

if (import.meta.main) {
  taskArguments(USAGE, {});
  try {
    await setUpPackages();
  } catch (error) {
    console.error(`setup: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
