/** The npm modules that a build needs, so that one without a network finds them. */
import lock from "../../package-lock.json" with { type: "json" };
import { STAMP } from "../setup.ts";
import { filesBelow } from "./source_files.ts";

/** The bundler; its program for the machine is a package of its own. */
const BUNDLER = [
  "node_modules/esbuild",
  "node_modules/@esbuild/linux-x64",
  "node_modules/@esbuild/linux-arm64",
];

/** Folders in node_modules: what the program holds, the bundler, and nothing that only tests use. */
export function vendoredFolders(): readonly string[] {
  return Object.entries(lock.packages).filter(([path, one]) =>
    path !== "" && (BUNDLER.includes(path) || !("dev" in one && one.dev === true))
  ).map(([path]) => path);
}

/** Files in those folders that are installed here, and the stamp by which `deno task setup` knows that they are. */
export async function vendoredFiles(): Promise<readonly string[]> {
  const files = new Set([STAMP]);
  for (const folder of vendoredFolders()) {
    try {
      for (const file of await filesBelow(folder)) files.add(file);
    } catch (error) {
      // The bundler of the other machine.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return [...files].sort();
}
