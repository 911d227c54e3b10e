/** nvme-cli's host-wide exclusions, if there are any (STAF-115). */
import { type Exclusion, parseExclusions } from "../nvme/exclusions.ts";
import type { Exclusions, Log } from "../ports.ts";
import { errnoOf, isGone } from "./os_error.ts";

const FOLDER = "/etc/nvme";
/** No file written by hand is longer than this (S6). */
const MAX_BYTES = 1024 * 1024;

export class ExclusionsFiles implements Exclusions {
  readonly #folder: string;
  readonly #log: Log;
  /** Problems are reported once, not at each reading. */
  readonly #told = new Set<string>();

  constructor(log: Log, folder: string = FOLDER) {
    this.#log = log;
    this.#folder = folder;
  }

  /** A file that is missing, or cannot be read, excludes nothing. */
  read(done: (list: readonly Exclusion[]) => void): void {
    void this.#read().then(done);
  }

  async #read(): Promise<readonly Exclusion[]> {
    const list: Exclusion[] = [];
    const problems = new Set<string>();
    for (const file of [`${this.#folder}/exclusions.conf`, ...await this.#dropIns(problems)]) {
      const text = await this.#attempt(file, () => Deno.readTextFile(file), problems);
      if (text === undefined) continue;
      if (text.length > MAX_BYTES) {
        problems.add(`${file} is longer than ${MAX_BYTES} bytes: it excludes nothing`);
        continue;
      }
      const parsed = parseExclusions(text, file);
      list.push(...parsed.entries);
      for (const { message } of parsed.problems) problems.add(message);
    }
    for (const message of problems) {
      if (!this.#told.has(message)) this.#log.write({ level: "warning", message });
    }
    // A corrected file may become invalid again, and is then reported again.
    this.#told.clear();
    for (const message of problems) this.#told.add(message);
    return list;
  }

  /** Drop-in files in the order of their names. */
  async #dropIns(problems: Set<string>): Promise<readonly string[]> {
    const folder = `${this.#folder}/exclusions.conf.d`;
    const names = await this.#attempt(folder, async () => {
      const found: string[] = [];
      for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".conf")) found.push(name);
      return found.sort();
    }, problems);
    return (names ?? []).map((name) => `${folder}/${name}`);
  }

  async #attempt<T>(what: string, work: () => Promise<T>, problems: Set<string>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 0) throw error;
      if (!isGone(errno)) problems.add(`${what} cannot be read, it excludes nothing: ${String(error)}`);
      return undefined;
    }
  }
}
