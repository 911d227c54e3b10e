/** Time of this machine. */
import { type Instant, type Now, reached } from "../base/time.ts";
import type { Clock } from "../ports.ts";
import { errnoOf } from "./os_error.ts";

/** The longest delay of a timer (about 24 days); a later deadline is approached in steps. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export class SystemClock implements Clock {
  now(): Now {
    return { mono: performance.now(), wall: Date.now() };
  }

  /** `performance.now()` stands still while the machine is suspended; this does not. */
  uptime(): number {
    try {
      return 1000 * Number.parseFloat(Deno.readTextFileSync("/proc/uptime"));
    } catch (error) {
      // Without /proc a suspension looks like a change of the clock, which affects only displayed times.
      if (errnoOf(error) === 0) throw error;
      return performance.now();
    }
  }

  wakeAt(deadline: Instant, wake: () => void): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (): void => {
      const left = Math.max(0, deadline.mono - performance.now());
      // A timer may fire a fraction of a millisecond early: then it is set once more.
      timer = setTimeout(
        () => reached(deadline, this.now()) ? wake() : wait(),
        Math.min(Math.ceil(left), MAX_DELAY_MS),
      );
    };
    if (deadline.mono !== Infinity) wait();
    return () => clearTimeout(timer);
  }
}
