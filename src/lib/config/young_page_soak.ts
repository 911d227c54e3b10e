/**
 * `young-page-soak`: how long a log page of a discovery controller that has just come back withdraws nothing
 * (S14).
 */
import { type Duration, hours, minutes } from "../base/time.ts";
import type { OptionReader } from "./option_reader.ts";
import type { Value } from "./origin.ts";
import { type Parsed, parseSpan } from "./scalar.ts";

/** Arrays and CDCs need 5 to 15 minutes to come back completely. */
export const YOUNG_PAGE_SOAK: Duration = minutes(15);
const LONGEST: Duration = hours(24);

/** Each daemon has this option, in the section about its connections. */
export const youngPageSoak = (reader: OptionReader, section: string): Value<Duration> =>
  reader.value(section, "young-page-soak", soak, YOUNG_PAGE_SOAK, "15 minutes");

/** A finite time span. */
function soak(text: string): Parsed<Duration> {
  const parsed = parseSpan(text);
  return parsed.ok && parsed.value.ms <= LONGEST.ms
    ? parsed
    : { ok: false, expected: 'a time span of at most one day, such as "15 minutes" or "0" (off)' };
}
