/** What the demo says when something does not come about. */
import type { Duration } from "../src/lib/base/time.ts";

/** Something did not happen, or not in time; the message says what. */
export class DemoFailure extends Error {
  override readonly name = "DemoFailure";
}

/** Waits for work that must be done within the bound. `what` completes "within 20 s it did not happen that". */
export async function within<T>(bound: Duration, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new DemoFailure(tooLate(bound, what))), bound.ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export const tooLate = (bound: Duration, what: string): string =>
  `within ${bound.ms / 1000} s it did not happen that ${what}`;
