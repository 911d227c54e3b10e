/** Folders and files that others are to read, whatever UMask= the unit has. */
import { errnoOf } from "./os_error.ts";

const ENOENT = 2;
const EEXIST = 17;

/** Makes a folder, and those above it that are missing, each 0755. One that exists keeps its mode. */
export function makePublicFolder(path: string): void {
  try {
    Deno.mkdirSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === EEXIST) return;
    const above = path.replace(/\/[^/]*$/, "");
    if (errno !== ENOENT || above === "" || above === path) throw error;
    makePublicFolder(above);
    return makePublicFolder(path);
  }
  Deno.chmodSync(path, 0o755);
}

/** Writes a file of mode 0644. `createNew`: fails where there is one. */
export function writePublicFile(path: string, text: string, createNew = false): void {
  Deno.writeTextFileSync(path, text, { createNew });
  Deno.chmodSync(path, 0o644);
}
