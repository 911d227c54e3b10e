/**
 * Limits log lines that outside parties can cause without limit: a few lines for each source in each period,
 * then the number of suppressed ones. A source is an interface or a controller, never a name that a peer may
 * choose.
 */
import { after, type Duration, type Instant, minutes, type Now, reached } from "../../base/time.ts";
import { Table } from "../../base/table.ts";

/** Lines of one source in one period (S6). */
export const LINES_OF_SOURCE = 20;
export const LOG_PERIOD: Duration = minutes(1);
/** The number of separate sources; all others share one limit. */
export const MAX_SOURCES = 1024;

const OTHERS = "other sources";

export interface Told {
  readonly until: Instant;
  readonly lines: number;
  readonly left: number;
}

export type ToldBySource = Table<Told>;

export const toldNothing: ToldBySource = Table.empty();

interface Permission {
  readonly told: ToldBySource;
  readonly says: boolean;
  /** The source whose suppressed lines are to be counted in the log, and when. */
  readonly remind?: { readonly source: string; readonly at: Instant };
}

/** Whether the source may cause one more line now. */
export function mayTell(told: ToldBySource, asked: string, now: Now): Permission {
  const roomy = told.has(asked) || told.size < MAX_SOURCES ? told : withoutEnded(told, now);
  const source = roomy.has(asked) || roomy.size < MAX_SOURCES ? asked : OTHERS;
  const known = roomy.get(source);
  // The reminder will still report the suppressed lines.
  if (known === undefined || (known.left === 0 && reached(known.until, now))) {
    return { told: roomy.with(source, { until: after(now, LOG_PERIOD), lines: 1, left: 0 }), says: true };
  }
  if (known.lines < LINES_OF_SOURCE) {
    return { told: roomy.with(source, { ...known, lines: known.lines + 1 }), says: true };
  }
  const next = { told: roomy.with(source, { ...known, left: known.left + 1 }), says: false };
  return known.left > 0 ? next : { ...next, remind: { source, at: known.until } };
}

/** The report at the end of a period, if any. */
export function periodEnded(
  told: ToldBySource,
  source: string,
  now: Now,
): { readonly told: ToldBySource; readonly text: string | undefined } {
  const known = told.get(source);
  if (known === undefined || !reached(known.until, now)) return { told, text: undefined };
  const text = known.left === 0
    ? undefined
    : `${known.left} more messages about ${source} were suppressed within ${LOG_PERIOD.ms / 1000} s`;
  return { told: told.without(source), text };
}

function withoutEnded(told: ToldBySource, now: Now): ToldBySource {
  let left = told;
  for (const [source, one] of told) {
    if (one.left === 0 && reached(one.until, now)) left = left.without(source);
  }
  return left;
}
