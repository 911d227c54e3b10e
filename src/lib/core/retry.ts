import { type Duration, milliseconds, minutes, seconds } from "../nvme/time.ts";

/** Exponential back-off: the first pause, doubled with each further failure up to the longest one. */
export interface RetrySchedule {
  readonly first: Duration;
  readonly longest: Duration;
}

/** Attempts to connect. The first pause is the original's; it then backs off instead of jumping to 60 s (DESIGN.md, Time). */
export const CONNECT_RETRY: RetrySchedule = { first: seconds(3), longest: seconds(60) };
/** Reading a log page of a controller that is connected. */
export const READ_RETRY: RetrySchedule = { first: seconds(2), longest: seconds(20) };
/** Looking whether the generation of a log page has changed without a notification (L5): no back-off, only a spread. */
export const GENERATION_LOOK: RetrySchedule = { first: minutes(5), longest: minutes(5) };
/** Looking at all that the kernel has: an event that was lost is made good by then (L5). */
export const KERNEL_LOOK: RetrySchedule = { first: minutes(5), longest: minutes(5) };
/** Names that did not resolve. */
export const RESOLVE_RETRY: RetrySchedule = { first: seconds(2), longest: seconds(60) };
/** Asking stafd again after it gave no usable answer. */
export const FETCH_RETRY: RetrySchedule = { first: seconds(1), longest: seconds(30) };
/** Asking stafd again for what it does not know yet. */
export const UNKNOWN_RETRY: RetrySchedule = { first: seconds(5), longest: seconds(30) };
/** Deleting a controller that the kernel would not delete. */
export const DELETE_RETRY: RetrySchedule = { first: seconds(2), longest: seconds(60) };

/**
 * The pause after `failures` failures in a row (at least 1), spread by up to a fifth either way so that many controllers
 * that failed together do not come back together. The spread is a function of `who` and the count: the core has no dice.
 */
export function pause(schedule: RetrySchedule, failures: number, who: string): Duration {
  const doubled = schedule.first.ms * 2 ** Math.min(failures - 1, 30);
  const base = Math.min(doubled, schedule.longest.ms);
  let hash = failures;
  for (let i = 0; i < who.length; i++) hash = (Math.imul(hash, 31) + who.charCodeAt(i)) >>> 0;
  return milliseconds(Math.round(base * (0.8 + 0.4 * ((hash % 1000) / 1000))));
}
