/** What small distributions in folders have in common: a shell, libraries, and programs that only note how they were called. */
import { dirname } from "node:path";
import { capture, collect, type Ended } from "../../../scripts/run.ts";
import { wholePath } from "../../../scripts/system_packages.ts";
import { ownMounts } from "../../lacking.ts";

/** $0 is the system's folder. What is mounted here is gone with the last process in it. */
const ENTER = 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec "$@"';

/** Where programs of the distribution note how they were called. */
const NOTES = "/var/log/calls";

/** A command that enters the system by itself. */
export const within = (root: string, command: readonly string[]): Promise<Ended> =>
  collect([...ownMounts(), "sh", "-c", ENTER, root, ...command], { env: { PATH: wholePath() } });

/**
 * The distribution's own files: `tools` of this machine, libraries for them and for `program`, and what only notes that it
 * was called.
 */
export async function layOut(
  tree: string,
  program: string,
  tools: readonly string[],
  noting: readonly string[],
): Promise<void> {
  // The loader tells libraries below /lib or, where the two are one folder, below /usr/lib.
  for (const path of ["/bin", "/lib", "/usr/bin", "/usr/lib", "/run/systemd/system", "/var/log"]) {
    await Deno.mkdir(tree + path, { recursive: true });
  }
  for (const name of tools) await Deno.copyFile(`/bin/${name}`, `${tree}/bin/${name}`);
  const libraries = await capture(["ldd", program, ...tools.map((name) => `/bin/${name}`)]);
  for (const [library] of libraries.matchAll(/\/\S+(?= \(0x)/g)) {
    await Deno.mkdir(tree + dirname(library), { recursive: true });
    await Deno.copyFile(library, tree + library);
    await Deno.chmod(tree + library, 0o755);
  }
  for (const name of noting) {
    const text = `#!/bin/sh\necho "${name} $*" >>${NOTES}\n`;
    await Deno.writeTextFile(`${tree}/usr/bin/${name}`, text, { mode: 0o755 });
  }
}

export class SmallSystem {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Which programs the packages' scripts have called since the last time. */
  async calls(): Promise<readonly string[]> {
    try {
      const text = await Deno.readTextFile(this.root + NOTES);
      await Deno.remove(this.root + NOTES);
      return text.trimEnd().split("\n");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  read(path: string): Promise<string> {
    return Deno.readTextFile(this.root + path);
  }

  write(path: string, text: string): Promise<void> {
    return Deno.writeTextFile(this.root + path, text);
  }

  /** Paths below a folder that are not folders, sorted. */
  async files(path: string): Promise<readonly string[]> {
    const found = await capture([
      "sh",
      "-c",
      `cd '${this.root}' && find .${path} ! -type d 2>/dev/null | sort`,
    ]);
    return found.split("\n").filter((line) => line !== "").map((line) => line.slice(1));
  }
}
