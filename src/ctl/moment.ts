/** Moments as people write them, in the simple forms of systemd.time(7). All are milliseconds since 1970. */
import { timeSpanSeconds } from "../lib/config/time_span.ts";

export const MOMENT_FORMS = 'such as "2026-11-21 20:41", 20:41, today, yesterday, -2h, "2h ago"';

/** Local time where no zone is given; undefined when the text is not a moment. */
export function parseMoment(text: string, now: number): number | undefined {
  const trimmed = text.trim();
  switch (trimmed.toLowerCase()) {
    case "now":
      return now;
    case "today":
      return midnight(now, 0);
    case "yesterday":
      return midnight(now, -1);
  }
  const epoch = /^@(\d{1,11})$/.exec(trimmed);
  if (epoch !== null) return Number(epoch[1]) * 1000;
  return ofCalendar(trimmed, now) ?? ago(trimmed, now);
}

function midnight(now: number, days: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

const CLOCK = String.raw`(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?`;
/** Date, time, or both; both together may have a zone, as `monitor` and `history` print them. */
const CALENDAR = new RegExp(
  String.raw`^(?:(\d{4})-(\d\d)-(\d\d))?(?:(?:^|[T ]+)${CLOCK}(Z|[+-]\d\d:\d\d)?)?$`,
  "i",
);

function ofCalendar(text: string, now: number): number | undefined {
  const match = CALENDAR.exec(text);
  if (match === null || text === "") return undefined;
  const today = new Date(now);
  const [, year, month, day, hour = "0", minute = "0", second = "0", zone] = match;
  if (zone !== undefined && year === undefined) return undefined;
  const [y, m, d] = year === undefined
    ? [today.getFullYear(), today.getMonth(), today.getDate()]
    : [Number(year), Number(month) - 1, Number(day)];
  const [h, min, s] = [Number(hour), Number(minute), Number(second)];
  // Computed in UTC, which has no summer time. A day that does not exist turns into one of another month.
  const utc = new Date(Date.UTC(y, m, d, h, min, s));
  if (h > 23 || min > 59 || s > 59 || utc.getUTCMonth() !== m) return undefined;
  if (zone === undefined) return new Date(y, m, d, h, min, s).getTime();
  const offset = offsetOf(zone);
  return offset === undefined ? undefined : utc.getTime() - offset;
}

function offsetOf(zone: string): number | undefined {
  if (zone.toUpperCase() === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4))];
  if (hours > 14 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function ago(text: string, now: number): number | undefined {
  const span = /^-(.+)$/s.exec(text)?.[1] ?? /^(.+?)\s*\bago$/is.exec(text)?.[1];
  if (span === undefined || /^\s*[+-]/.test(span)) return undefined;
  const weeks = /^\s*(\d{1,4})\s*(?:w|weeks?)\s*$/i.exec(span)?.[1];
  const seconds = weeks === undefined ? timeSpanSeconds(span) : Number(weeks) * 7 * 86_400;
  if (seconds === undefined || !Number.isFinite(seconds)) return undefined;
  const at = Math.round(now - seconds * 1000);
  // A moment before 1970 counts as 1970, which is older than any journal.
  return Math.max(0, at);
}
