/** Time spans as people write them (CFG-50, CFG-51). */
import { type Duration, forever, seconds } from "../base/time.ts";

const NUMBER = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+)?$/i;
const INFINITE = /^[+-]?inf(?:inity)?$/i;

/** The units, in the order in which they may follow each other. */
const UNITS: readonly { readonly names: readonly string[]; readonly factor: number }[] = [
  { names: ["d", "dy", "dys", "day", "days"], factor: 86_400 },
  { names: ["h", "hr", "hrs", "hour", "hours"], factor: 3_600 },
  { names: ["m", "min", "mins", "minute", "minutes"], factor: 60 },
  { names: ["s", "sec", "secs", "second", "seconds"], factor: 1 },
];

/** Seconds, with the sign as written; undefined when the text is not a time span. */
export function timeSpanSeconds(text: string): number | undefined {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return Number(trimmed.replaceAll("_", ""));
  if (INFINITE.test(trimmed)) return trimmed.startsWith("-") ? -Infinity : Infinity;
  const sign = trimmed.startsWith("-") ? -1 : 1;
  const unsigned = /^[+-]/.test(trimmed) ? trimmed.slice(1).trimStart() : trimmed;
  const value = clock(unsigned, /^(\d{1,2}):(\d\d(?:\.\d+)?)$/) ??
    clock(unsigned, /^(\d+):(\d\d):(\d\d):(\d\d(?:\.\d+)?)$/) ??
    clock(unsigned, /^:(\d\d(?:\.\d+)?)$/) ??
    units(unsigned);
  return value === undefined ? undefined : sign * Math.round(value * 1_000) / 1_000;
}

/** {@link timeSpanSeconds} as a duration: a negative span means for ever (CFG-51). */
export function parseTimeSpan(text: string): Duration | undefined {
  const value = timeSpanSeconds(text);
  if (value === undefined) return undefined;
  return value < 0 ? forever : seconds(value);
}

/** The fields of a clock are, from the right: seconds, minutes, hours, days. */
function clock(text: string, form: RegExp): number | undefined {
  const fields = form.exec(text)?.slice(1);
  if (fields === undefined) return undefined;
  const factors = UNITS.slice(-fields.length);
  return fields.reduce((sum, field, i) => sum + Number(field) * (factors[i]?.factor ?? 0), 0);
}

/** `1 day, 2h 3.5 min 4s`, or days followed by `H:MM:SS`. */
function units(text: string): number | undefined {
  const part = /(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+)\s*(?:[,/]\s*)?/iy;
  let rank = -1;
  let sum: number | undefined;
  let rest = text;
  for (;;) {
    const hours = rank <= 0 ? clock(rest, /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/) : undefined;
    if (hours !== undefined) return (sum ?? 0) + hours;
    if (rest === "") return sum;
    part.lastIndex = 0;
    const match = part.exec(rest);
    const name = match?.[2]?.toLowerCase();
    const next = name === undefined ? -1 : UNITS.findIndex((unit) => unit.names.includes(name));
    const unit = UNITS[next];
    if (match === null || unit === undefined || next <= rank) return undefined;
    sum = (sum ?? 0) + Number(match[1]) * unit.factor;
    rank = next;
    rest = rest.slice(match[0].length);
  }
}
