/** The daemon's state over a restart: JSON, mode 0600, replaced as a whole (STAF-120 to STAF-122; README decision 7). */
import type { Failure, Outcome } from "../nvme/failure.ts";
import type { Done, Log, StateFile } from "../ports.ts";
import { errnoOf, isGone } from "./os_error.ts";

const NAME = "last-known-config.json";
const FORMAT = "nvme-stas-state";
const VERSION = 1;
/** A larger file is not one of ours (S6). */
const MAX_BYTES = 256 * 1024 * 1024;

/** In the unit's runtime directory; `/run/stafd` where there is no unit. */
export function stateFilePath(program: string, runtimeDirectory = Deno.env.get("RUNTIME_DIRECTORY")): string {
  const folder = runtimeDirectory?.split(":", 1)[0];
  return `${folder === undefined || folder === "" ? `/run/${program}` : folder}/${NAME}`;
}

export class JsonStateFile implements StateFile {
  readonly #path: string;
  readonly #log: Log;
  #next: { readonly text: string; readonly done: Done<void>[] } | undefined;
  #saving = false;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Damaged, foreign or of another version is as good as none: the state can be found out again (STAF-121). */
  load(): unknown {
    try {
      if (Deno.statSync(this.#path).size > MAX_BYTES) return this.#ignored("it is too large");
      const content: unknown = JSON.parse(Deno.readTextFileSync(this.#path));
      if (
        typeof content !== "object" || content === null || !("format" in content) || content.format !== FORMAT
      ) {
        return this.#ignored("it is not a state file");
      }
      if (!("version" in content) || content.version !== VERSION) {
        return this.#ignored("it is of another version");
      }
      return "state" in content ? content.state : undefined;
    } catch (error) {
      if (isGone(errnoOf(error))) return undefined;
      if (error instanceof SyntaxError) return this.#ignored("it is damaged");
      if (errnoOf(error) === 0) throw error;
      return this.#ignored(String(error));
    }
  }

  /** While one version is written only the newest of the following waits; all who wait learn of its outcome. */
  save(value: unknown, done: Done<void>): void {
    const text = `${JSON.stringify({ format: FORMAT, version: VERSION, state: value })}\n`;
    this.#next = { text, done: [...this.#next?.done ?? [], done] };
    if (!this.#saving) void this.#saveAll();
  }

  async #saveAll(): Promise<void> {
    this.#saving = true;
    // Not from inside the call of save.
    await Promise.resolve();
    for (let next = this.#next; next !== undefined; next = this.#next) {
      this.#next = undefined;
      const outcome = await this.#write(next.text);
      for (const done of next.done) done(outcome);
    }
    this.#saving = false;
  }

  /** Complete and on the disk before it has the name. */
  async #write(text: string): Promise<Outcome<void>> {
    const building = `${this.#path}.new`;
    try {
      await removeIfThere(building);
      {
        using file = await Deno.open(building, { write: true, createNew: true, mode: 0o600 });
        const bytes = new TextEncoder().encode(text);
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        await file.sync();
      }
      await Deno.rename(building, this.#path);
      using folder = await Deno.open(this.#path.slice(0, this.#path.lastIndexOf("/")) || "/");
      await folder.sync();
      return { ok: true, value: undefined };
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return { ok: false, failure: notSaved(this.#path, error) };
    }
  }

  #ignored(why: string): undefined {
    this.#log.write({ level: "warning", message: `${this.#path} is not used: ${why}` });
    return undefined;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!isGone(errnoOf(error))) throw error;
  }
}

const notSaved = (path: string, error: unknown): Failure => ({
  phase: "file",
  kind: "transient",
  message: `cannot save ${path}: ${error instanceof Error ? error.message : String(error)}`,
  remedy:
    "without it a restart begins with what the fabric says at that time; check the folder and its free space",
});
