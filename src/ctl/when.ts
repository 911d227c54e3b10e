/** Times for people. All are milliseconds since 1970. */

/** `3 s`, `12 min`, `5 h`, `3 d`: one unit, rounded down. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** `in 12 s`, `now`. */
export function until(at: number, now: number): string {
  return at <= now ? "now" : `in ${span(Math.ceil((at - now) / 1000) * 1000)}`;
}

/** Local time of day, with the date when it is another day: `20:41:05`, `2026-11-21 20:41:05`. */
export function clock(at: number, now: number): string {
  const [day, time] = local(at);
  return day === local(now)[0] ? time : `${day} ${time}`;
}

/** For a log: date, time and zone: `2026-11-21T20:41:05+01:00`. */
export function stamp(at: number): string {
  const minutes = -new Date(at).getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const zone = [hours, rest].map((n) => String(n).padStart(2, "0")).join(":");
  return `${local(at).join("T")}${minutes < 0 ? "-" : "+"}${zone}`;
}

/** A daemon's text with its times, which have a zone, converted to local time, so that a screen has one clock. */
export const withLocalTimes = (text: string, now: number): string =>
  text.replaceAll(
    /\b\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?Z| \d\d:\d\d:\d\d[+-]\d\d:\d\d)/g,
    (stamp) => clock(Date.parse(stamp.replace(" ", "T")), now),
  );

function local(at: number): readonly [day: string, time: string] {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, "0");
  return [
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
  ];
}
