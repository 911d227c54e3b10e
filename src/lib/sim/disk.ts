/** The state files of the daemons: a disk that may be full, and files that may be damaged. */
import type { Outcome } from "../base/failure.ts";
import { milliseconds } from "../base/time.ts";
import type { Done, StateFile } from "../ports.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

export class SimDisk {
  /** The contents of the files. */
  readonly texts = new Map<string, string>();
  /** How many times in a row a file was loaded by a daemon that has given no sign of life since. */
  readonly loads = new Map<string, number>();
  full = false;
  /** Probability that a write never ends. */
  hangs = 0;
  /** Writes that do not return. */
  readonly stuck: (() => void)[] = [];
  readonly time: Scheduler;
  readonly random: Random;

  constructor(time: Scheduler, random: Random) {
    this.time = time;
    this.random = random;
  }

  /** Leaves only half of the file. */
  tear(name: string): void {
    const text = this.texts.get(name);
    if (text !== undefined) this.texts.set(name, text.slice(0, text.length >>> 1));
  }

  lose(name: string): void {
    this.texts.delete(name);
  }
}

export class DiskPort implements StateFile {
  readonly #disk: SimDisk;
  readonly #name: string;
  #closed = false;

  constructor(disk: SimDisk, name: string) {
    this.#disk = disk;
    this.#name = name;
  }

  close(): void {
    this.#closed = true;
  }

  load(): unknown {
    const text = this.#disk.texts.get(this.#name);
    if (text === undefined) return undefined;
    this.#disk.loads.set(this.#name, (this.#disk.loads.get(this.#name) ?? 0) + 1);
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return undefined;
    }
  }

  /** Loaded state never crashes a daemon here, so that files are not set aside. */
  proven(): void {
    this.#disk.loads.delete(this.#name);
  }

  save(state: string, done: Done<void>): void {
    const { time, random } = this.#disk;
    const write = (): void => {
      // Renamed into place or not: a process that was killed meanwhile leaves the old file or the new one.
      if (this.#closed && random.chance(0.5)) return;
      const outcome: Outcome<void> = this.#disk.full
        ? {
          ok: false,
          failure: { phase: "file", kind: "transient", errno: "ENOSPC", message: "the disk is full" },
        }
        : { ok: true, value: undefined };
      if (outcome.ok) this.#disk.texts.set(this.#name, state);
      if (!this.#closed) done(outcome);
    };
    // A process that is killed while a write hangs ends when it returns, and renames nothing.
    const late = (): void => this.#closed ? undefined : write();
    if (random.maybe(this.#disk.hangs)) return void this.#disk.stuck.push(late);
    time.in(milliseconds(random.between(1, 6)), write);
  }
}
