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

/**
 * `2026-11-22T20:15:44Z`, from milliseconds since 1970. Computed by arithmetic, because the pure rooms have no access
 * to a clock.
 */
export function isoTime(wall: number): string {
  const secs = Math.floor(wall / 1000);
  const days = Math.floor(secs / 86_400);
  const ofDay = secs - days * 86_400;
  // Days are counted from 0000-03-01, so that the leap day is the last of its year.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number): string => String(n).padStart(2, "0");
  const hms = [Math.floor(ofDay / 3600), Math.floor(ofDay / 60) % 60, ofDay % 60].map(two).join(":");
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${hms}Z`;
}
