import type { Instant } from "../nvme/time.ts";

/**
 * What is to be looked at, and when; sorted by time. An entry is a reminder, not a decision: whoever is reminded looks at
 * the present state. So nothing is ever removed from the middle, and a reminder too many does no harm.
 */
export type Agenda = readonly Reminder[];

export interface Reminder {
  readonly at: Instant;
  readonly key: string;
}

export const emptyAgenda: Agenda = [];

export function remind(agenda: Agenda, at: Instant, key: string): Agenda {
  if (at.mono === Infinity) return agenda;
  let low = 0;
  let high = agenda.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const reminder = agenda[middle];
    if (reminder !== undefined && reminder.at.mono <= at.mono) low = middle + 1;
    else high = middle;
  }
  const before = agenda[low - 1];
  if (before !== undefined && before.at.mono === at.mono && before.key === key) return agenda;
  return agenda.toSpliced(low, 0, { at, key });
}

/** Those whose time has come, each key once, and the agenda without them. */
export function due(
  agenda: Agenda,
  now: Instant,
): { readonly keys: ReadonlySet<string>; readonly rest: Agenda } {
  let count = 0;
  const keys = new Set<string>();
  for (const reminder of agenda) {
    if (reminder.at.mono > now.mono) break;
    keys.add(reminder.key);
    count++;
  }
  return { keys, rest: count === 0 ? agenda : agenda.slice(count) };
}
