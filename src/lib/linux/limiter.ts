/**
 * Bounds work in flight. Deno has one pool of 32 threads for every file operation and nonblocking call; each kind of
 * work gets its share of it, so that none can starve the others, at most 24 in all (L6): 1 for the reactor, 1 connect,
 * 3 deletions, 4 sysfs readers for events and 4 for questions, 7 admin commands, 3 name lookups. The state file takes the
 * last one; what hangs keeps its share, and the other 8 are for whatever else the runtime reads and writes.
 */

export class Limiter {
  readonly #atOnce: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number, maxWaiting: number) {
    this.#atOnce = atOnce;
    this.#maxWaiting = maxWaiting;
  }

  /** Runs `work` when it is its turn, first come first served; undefined when too many are waiting already (S6). */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#maxWaiting) return undefined;
      // Whoever ends hands its place over, so the count does not change.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
