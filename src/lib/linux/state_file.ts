/**
 * The daemon's state over a restart: JSON, mode 0600, replaced as a whole (STAF-120 to STAF-122; DEC-7).
 *
 * Written on the main thread: the unit's runtime directory is in memory, so that a write is a copy, while
 * eight calls on another thread would delay every new connection, which waits for its record.
 */
import type { Failure, Outcome } from "../base/failure.ts";
import type { Done, Log, StateFile } from "../ports.ts";
import { errnoOf, isGone } from "./os_error.ts";

const NAME = "last-known-config.json";
const FORMAT = "nvme-stas-state";
const VERSION = 1;
/** A larger file is not one of ours (S6). */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * In the unit's runtime directory (if it has several, the one with our name), or `/run/stafd` without a unit.
 */
export function stateFilePath(program: string, runtimeDirectory = Deno.env.get("RUNTIME_DIRECTORY")): string {
  const folders = runtimeDirectory?.split(":");
  // systemd sorts them.
  const folder = folders?.find((path) => path.endsWith(`/${program}`)) ?? folders?.[0];
  return `${folder === undefined || folder === "" ? `/run/${program}` : folder}/${NAME}`;
}

export class JsonStateFile implements StateFile {
  readonly #path: string;
  readonly #log: Log;
  #next: { readonly state: string; readonly done: readonly Done<void>[] } | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /**
   * A file that is damaged, foreign or of another version counts as empty: the state can be rebuilt
   * (STAF-121).
   */
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

  /** Loads are not counted. */
  proven(): void {}

  /** Of several saves in one turn only the last is written; its outcome goes to all callers. */
  save(state: string, done: Done<void>): void {
    const first = this.#next === undefined;
    this.#next = { state, done: [...this.#next?.done ?? [], done] };
    // Not during the call itself.
    if (first) queueMicrotask(() => this.#saveNext());
  }

  #saveNext(): void {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return;
    const outcome = this.#write(`{"format":"${FORMAT}","version":${VERSION},"state":${next.state}}\n`);
    for (const done of next.done) done(outcome);
  }

  /** The file is complete and on the disk before it gets its name. */
  #write(text: string): Outcome<void> {
    const building = `${this.#path}.new`;
    try {
      {
        using file = create(building);
        for (const bytes of encoded(text)) {
          for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
        }
        file.syncSync();
      }
      Deno.renameSync(building, this.#path);
      using folder = Deno.openSync(this.#path.slice(0, this.#path.lastIndexOf("/")) || "/");
      folder.syncSync();
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

/** Characters that are written at once: a hostile fabric makes the text tens of megabytes long. */
const PIECE = 64 * 1024;
/** Of one UTF-16 unit in UTF-8. */
const LONGEST = 3;

/** The text in UTF-8, piece by piece; each is good until the next. */
function* encoded(text: string): Iterable<Uint8Array> {
  const encoder = new TextEncoder();
  const room = new Uint8Array(Math.min(PIECE, text.length) * LONGEST);
  for (let at = 0; at < text.length;) {
    // It takes no half of a character that has two units, and a piece that ends in the middle leaves it to the next.
    const end = isInside(text, at + PIECE) ? at + PIECE - 1 : at + PIECE;
    const { written } = encoder.encodeInto(text.slice(at, end), room);
    yield room.subarray(0, written);
    at = end;
  }
}

/** Is this in the middle of a surrogate pair? */
const isInside = (text: string, at: number): boolean => /^[\ud800-\udbff]$/.test(text[at - 1] ?? "");

/** A new file, in place of any unfinished one: a check in advance would cost more than the error. */
function create(path: string): Deno.FsFile {
  const options = { write: true, createNew: true, mode: 0o600 };
  try {
    return Deno.openSync(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    Deno.removeSync(path);
    return Deno.openSync(path, options);
  }
}

const notSaved = (path: string, error: unknown): Failure => ({
  phase: "file",
  kind: "transient",
  message: `cannot save ${path}: ${error instanceof Error ? error.message : String(error)}`,
  remedy:
    "without it a restart begins with the fabric's state at that time; check the folder and its free space",
});
