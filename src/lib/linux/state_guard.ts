/**
 * A state file that crashes its daemon must not do so for ever. Before the daemon loads the file, it writes a
 * mark beside it: only the mark survives a SIGKILL by the watchdog. The daemon removes the mark after it has
 * run for a while with the loaded state, or when it ends in an orderly way. A file that was loaded shortly
 * before each of the last crashes is set aside: the daemon begins without a state, takes over the kernel's
 * connections, and disconnects none of them for that reason.
 */
import { type Done, type Log, PROVEN_AFTER, type StateFile } from "../ports.ts";
import { errnoOf, isGone } from "./os_error.ts";

/** Crashes in a row after which the file is not loaded again. */
const CRASHES = 2;

export class GuardedStateFile implements StateFile {
  readonly #file: StateFile;
  readonly #path: string;
  readonly #mark: string;
  readonly #log: Log;

  constructor(file: StateFile, path: string, log: Log) {
    this.#file = file;
    this.#path = path;
    this.#mark = `${path}.loading`;
    this.#log = log;
  }

  load(): unknown {
    let crashes = 0;
    try {
      if (!exists(this.#path)) {
        remove(this.#mark);
        return undefined;
      }
      crashes = this.#crashes();
      if (crashes >= CRASHES) return this.#setAside(crashes);
      Deno.writeTextFileSync(this.#mark, `${crashes + 1}\n`, { mode: 0o600 });
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      const message = `cannot count crashes in ${this.#mark}: ${String(error)}`;
      this.#log.write({ level: "warning", message });
    }
    return crashes >= CRASHES ? undefined : this.#file.load();
  }

  save(state: string, done: Done<void>): void {
    this.#file.save(state, done);
  }

  proven(): void {
    try {
      remove(this.#mark);
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      this.#log.write({ level: "warning", message: `cannot remove ${this.#mark}: ${String(error)}` });
    }
  }

  /**
   * The number of loads in a row after which the daemon neither proved itself nor ended in an orderly way.
   */
  #crashes(): number {
    try {
      const text = Deno.readTextFileSync(this.#mark).trim();
      return /^\d{1,6}$/.test(text) ? Number(text) : 0;
    } catch (error) {
      if (isGone(errnoOf(error))) return 0;
      throw error;
    }
  }

  #setAside(crashes: number): undefined {
    const aside = `${this.#path}.set-aside`;
    Deno.renameSync(this.#path, aside);
    remove(this.#mark);
    this.#log.write({
      level: "error",
      message:
        `${this.#path} was loaded less than ${
          PROVEN_AFTER.ms / 1000
        } s before each of the last ${crashes} crashes. ` +
        `It is renamed to ${aside} and not loaded: this start has no saved state, takes over the connections ` +
        "that exist, and disconnects none of them for that reason. Please report this as a bug, with that file",
    });
    return undefined;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (isGone(errnoOf(error))) return false;
    throw error;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isGone(errnoOf(error))) throw error;
  }
}
