import type { Clock } from "../ports.ts";

/** A smaller difference is not a clock change: the two clocks are read one after the other. */
const LEAST_MS = 1_000;

/** Notices that the wall clock was set: it has moved relative to clocks that cannot be set. */
export class ClockWatch {
  readonly #clock: Clock;
  /** Wall clock minus monotonic clock. */
  #offset: number;
  /** Wall clock minus uptime: unlike the offset, it does not change when the machine is suspended. */
  #lead: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    [this.#offset, this.#lead] = [this.#offsetNow(), this.#leadNow()];
  }

  /** The change since the last call, in milliseconds; usually 0. */
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
