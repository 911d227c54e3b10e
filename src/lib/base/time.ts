/**
 * A span of time. The constructor names the unit, so that a bare number never stands for a time.
 * `forever` is `Infinity` milliseconds.
 */
export interface Duration {
  readonly ms: number;
}

export const milliseconds = (n: number): Duration => ({ ms: n });
export const seconds = (n: number): Duration => ({ ms: n * 1_000 });
export const minutes = (n: number): Duration => ({ ms: n * 60_000 });
export const hours = (n: number): Duration => ({ ms: n * 3_600_000 });
export const forever: Duration = { ms: Infinity };

/** A point on the monotonic clock, in milliseconds since an arbitrary start. It means nothing after a restart. */
export interface Instant {
  readonly mono: number;
}

/** The present: both clocks, read together. Deadlines use `mono`; `wall` (milliseconds since 1970) is for showing and storing. */
export interface Now extends Instant {
  readonly wall: number;
}

export const after = (start: Instant, span: Duration): Instant => ({ mono: start.mono + span.ms });
export const reached = (deadline: Instant, now: Instant): boolean => deadline.mono <= now.mono;
/** Time left until the deadline; never negative. */
export const until = (deadline: Instant, now: Instant): Duration => ({
  ms: Math.max(0, deadline.mono - now.mono),
});
export const earlier = (a: Instant | undefined, b: Instant | undefined): Instant | undefined =>
  a === undefined ? b : b === undefined || a.mono <= b.mono ? a : b;

/** `2026-11-22T20:15:44Z`, from milliseconds since 1970. A time that is none, from a file or a peer, is shown as such. */
export function isoTime(wall: number): string {
  const date = new Date(Math.floor(wall / 1000) * 1000);
  return Number.isNaN(date.getTime()) ? "an impossible time" : date.toISOString().replace(".000Z", "Z");
}
