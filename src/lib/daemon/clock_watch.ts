import type { Clock } from "../ports.ts";

/** Less is no setting of the clock, but the two being read one after the other. */
const LEAST_MS = 1_000;

/** Notices that somebody set the wall clock: it has moved against the clocks that nobody can set. */
export class ClockWatch {
  readonly #clock: Clock;
  /** Wall clock less monotonic clock. */
  #offset: number;
  /** Wall clock less uptime: unlike the offset it is the same after the machine was suspended. */
  #lead: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    [this.#offset, this.#lead] = [this.#offsetNow(), this.#leadNow()];
  }

  /** By how many milliseconds since this was asked last; mostly 0. */
  setBy(): number {
    const offset = this.#offsetNow();
    if (Math.abs(offset - this.#offset) < LEAST_MS) return 0;
    const lead = this.#leadNow();
    const ms = Math.round(lead - this.#lead);
    [this.#offset, this.#lead] = [offset, lead];
    return Math.abs(ms) < LEAST_MS ? 0 : ms;
  }

  #offsetNow(): number {
    const { mono, wall } = this.#clock.now();
    return wall - mono;
  }

  #leadNow(): number {
    const { mono, wall } = this.#clock.now();
    return wall - (this.#clock.uptime?.() ?? mono);
  }
}
