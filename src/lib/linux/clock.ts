/** Time of this machine. */
import { type Instant, type Now, reached } from "../nvme/time.ts";
import type { Clock } from "../ports.ts";

/** The longest delay of a timer (about 24 days); a later deadline is approached in steps. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export class SystemClock implements Clock {
  now(): Now {
    return { mono: performance.now(), wall: Date.now() };
  }

  wakeAt(deadline: Instant, wake: () => void): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (): void => {
      const left = Math.max(0, deadline.mono - performance.now());
      // A timer may be early by a fraction of a millisecond: then it is set once more.
      timer = setTimeout(
        () => reached(deadline, this.now()) ? wake() : wait(),
        Math.min(Math.ceil(left), MAX_DELAY_MS),
      );
    };
    if (deadline.mono !== Infinity) wait();
    return () => clearTimeout(timer);
  }
}
