/** Folders and files that other users must be able to read, whatever the unit's UMask=. */
import { errnoOf } from "./os_error.ts";

const ENOENT = 2;
const EEXIST = 17;

/** Makes a folder and its missing parents, each with mode 0755. An existing folder keeps its mode. */
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

/** Writes a file with mode 0644. `createNew`: fails if the file exists. */
export function writePublicFile(path: string, text: string, createNew = false): void {
  Deno.writeTextFileSync(path, text, { createNew });
  Deno.chmodSync(path, 0o644);
}
