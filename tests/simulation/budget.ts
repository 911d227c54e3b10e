/** S11: the work of one step is bounded by what the daemon knows, and by what the step is told; never by paths through it. */
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import type { AnyEvent } from "./rules.ts";
import { Violation } from "./violation.ts";

/**
 * Looks and decisions for each thing that is known. A step may go over all controllers a few times (settle, release, settle
 * again), and each decision looks at a few things; most take up to 5. Where one connection serves a discovery controller by
 * three of its names, the decision about each asks about the other two and all that is said of them: a file that takes 30 such
 * away took 14.
 */
export const WORK_FOR_EACH = 18;
/** Things that any step may count on. */
const BASE = 16;

export interface Known {
  readonly fleet: Fleet;
  readonly lines: ReadonlyMap<string, unknown>;
  readonly services?: { readonly size: number };
  readonly pages?: { readonly size: number };
}

/** Controllers, what is said of them, devices, lines, services and pages. */
export function knownSize({ fleet, lines, services, pages }: Known): number {
  let size = fleet.ctls.size + fleet.devices.size + lines.size + (services?.size ?? 0) + (pages?.size ?? 0);
  for (const { claims, released } of fleet.ctls.values()) size += claims.size + released.size;
  return size;
}

/** What comes with the event. */
function toldSize(event: AnyEvent): number {
  switch (event.type) {
    case "config":
      return event.conf.controllers.length;
    case "scanned":
      return event.outcome.ok ? event.outcome.value.length : 0;
    case "log-read":
      return event.outcome.ok ? event.outcome.value.entries.length : 0;
    case "fetched":
      return event.outcome.ok
        ? event.outcome.value.dcs.reduce((sum, { entries }) => sum + entries.length + 1, 0) +
          event.outcome.value.retired.length
        : 0;
    default:
      return 0;
  }
}

export function withinBudget(
  who: string,
  before: Known,
  event: AnyEvent,
  next: { readonly state: Known; readonly work?: number },
): void {
  const things = BASE + Math.max(knownSize(before), knownSize(next.state)) + toldSize(event);
  const limit = WORK_FOR_EACH * things;
  if ((next.work ?? 0) <= limit) return;
  throw new Violation(
    "S11",
    `${who}: ${event.type} took ${next.work} looks and decisions, and ${things} things are known (limit ${limit})`,
  );
}
