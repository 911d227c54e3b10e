import { LEAST_SET_MS, type StartClocks } from "../core/saved/clock_set.ts";
import type { Clock } from "../ports.ts";

/** Notices that the wall clock was set: it has moved relative to clocks that cannot be set. */
export class ClockWatch {
  readonly #clock: Clock;
  /** Wall clock minus monotonic clock. */
  #offset: number;
  /** Wall clock minus uptime: unlike the offset, it does not change when the machine is suspended. */
  #lead: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    const { mono, wall } = clock.now();
    [this.#offset, this.#lead] = [wall - mono, this.#leadNow()];
  }

  /** The clocks as last seen. */
  get clocks(): StartClocks {
    return { wall: this.#clock.now().wall, lead: this.#lead };
  }

  /** The change since the last call, in milliseconds; usually 0. */
  setBy({ mono, wall } = this.#clock.now()): number {
    const offset = wall - mono;
    if (Math.abs(offset - this.#offset) < LEAST_SET_MS) return 0;
    const lead = this.#leadNow();
    const ms = Math.round(lead - this.#lead);
    [this.#offset, this.#lead] = [offset, lead];
    return Math.abs(ms) < LEAST_SET_MS ? 0 : ms;
  }

  #leadNow(): number {
    const { mono, wall } = this.#clock.now();
    return wall - (this.#clock.uptime?.() ?? mono);
  }
}
