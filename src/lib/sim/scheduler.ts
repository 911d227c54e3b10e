/**
 * Time of the simulated world: virtual, as fast as the machine allows and the same in each run; or real, for the
 * demo.
 */
import { setImmediate } from "node:timers";
import type { Duration, Instant, Now } from "../base/time.ts";
import type { Clock } from "../ports.ts";

/** Calls something later; the result cancels it. */
export interface Scheduler {
  readonly now: Instant;
  in(span: Duration, run: () => void): () => void;
}

/** All promises that can settle by themselves have settled. */
const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

interface Entry {
  readonly at: number;
  /** Of two at the same time, the one scheduled first runs first. */
  readonly turn: number;
  run: (() => void) | undefined;
}

/** A binary heap of future events; they run only inside {@link VirtualTime.runUntil}. */
export class VirtualTime implements Scheduler {
  readonly #heap: Entry[] = [];
  #mono = 0;
  #turns = 0;

  get now(): Instant {
    return { mono: this.#mono };
  }

  in(span: Duration, run: () => void): () => void {
    if (span.ms === Infinity) return () => undefined;
    const entry: Entry = { at: this.#mono + Math.max(0, span.ms), turn: this.#turns++, run };
    this.#push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  /**
   * Runs all events that are due until then. It ends early when `go` returns false. Promises that an event starts,
   * and that wait for no time, settle before the next event.
   */
  async runUntil(end: Instant, go: () => boolean = () => true): Promise<void> {
    await settled();
    while (go()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end.mono) {
        this.#mono = Math.max(this.#mono, end.mono);
        return;
      }
      this.#pop();
      if (next.run === undefined) continue;
      this.#mono = next.at;
      next.run();
      await settled();
    }
  }

  #before(a: Entry, b: Entry): boolean {
    return a.at < b.at || (a.at === b.at && a.turn < b.turn);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >>> 1;
      const parent = heap[up];
      if (parent === undefined || !this.#before(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      let child = heap[down];
      if (child === undefined) break;
      const right = heap[down + 1];
      if (right !== undefined && this.#before(right, child)) {
        child = right;
        down++;
      }
      if (!this.#before(child, last)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }
}

/** The same world on this machine's clock. */
export class RealTime implements Scheduler {
  readonly #start = performance.now();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  get now(): Instant {
    return { mono: performance.now() - this.#start };
  }

  in(span: Duration, run: () => void): () => void {
    if (span.ms === Infinity) return () => undefined;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, span.ms);
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      clearTimeout(timer);
    };
  }

  /** Cancels all later events. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** The clocks of the host: one that only goes forward, and one that can be set. */
export class SimClock implements Clock {
  readonly #time: Scheduler;
  #wall: number;

  /** `wall`: milliseconds since 1970 at the start. */
  constructor(time: Scheduler, wall: number) {
    this.#time = time;
    this.#wall = wall;
  }

  now(): Now {
    const { mono } = this.#time.now;
    return { mono, wall: Math.floor(this.#wall + mono) };
  }

  wakeAt(deadline: Instant, wake: () => void): () => void {
    return this.#time.in({ ms: deadline.mono - this.#time.now.mono }, wake);
  }

  /** Sets the date, forwards or backwards. */
  step(by: Duration): void {
    this.#wall += by.ms;
  }
}
