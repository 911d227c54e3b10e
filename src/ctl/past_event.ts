/** Past events from the daemon's memory and from the journal: one list, each event once. */
import type { V1Event } from "../lib/dbus/v1_types.ts";
import { type EventType, MESSAGES } from "../lib/base/messages.ts";
import { printable } from "../lib/base/plain_text.ts";
import type { Tid } from "../lib/nvme/tid.ts";

export interface PastEvent {
  readonly at: number;
  readonly type: string;
  readonly tid: Tid | null;
  readonly text: string;
  readonly device: string;
  readonly message: string;
  readonly evidence: string | null;
  readonly uid: number | null;
}

/** Attempts and reports rather than changes: `monitor`, `explain` and the journal have them. */
const LEFT_OUT: ReadonlySet<string> = new Set<EventType>(["failed", "log-page", "less-safe"]);

/** The ids of the events that history shows, each with its name. */
export const TOLD: ReadonlyMap<string, string> = new Map(
  Object.entries(MESSAGES).filter(([type]) => !LEFT_OUT.has(type)).map(([type, id]) => [id, type]),
);
const TYPES: ReadonlySet<string> = new Set(TOLD.values());

/** The journal stamps an event after the daemon does, on a busy host noticeably later. */
export const SAME_MOMENT_MS = 2_000;

export const ofDaemon = (events: readonly V1Event[]): readonly PastEvent[] =>
  events.filter(({ type }) => TYPES.has(type)).map((event) => {
    const { at, type, tid, text, device, message, evidence = null, uid = null } = event;
    return { at, type, tid, text, device, message, evidence, uid };
  });

/**
 * Two records of one event agree in this key; their times may differ. The journal has no host NQN, and shows texts
 * escaped.
 */
function kindOf({ type, tid }: PastEvent): string {
  const parts = tid === null
    ? []
    : [tid.transport, tid.traddr, tid.trsvcid, tid.subsysnqn, tid.hostTraddr, tid.hostIface];
  return JSON.stringify([type, ...parts.map(printable)]);
}

/**
 * The oldest first, like both lists. Each of the daemon's events absorbs the nearest matching line of the journal,
 * and only that one: a link that is lost twice within a second was lost twice.
 */
export function together(
  daemon: readonly PastEvent[],
  journal: readonly PastEvent[],
): readonly PastEvent[] {
  const lines = new Map<string, PastEvent[]>();
  for (const line of journal) {
    const same = lines.get(kindOf(line));
    if (same === undefined) lines.set(kindOf(line), [line]);
    else same.push(line);
  }
  const taken = new Set<PastEvent>();
  const told = daemon.map((event): PastEvent => {
    const [nearest] = (lines.get(kindOf(event)) ?? [])
      .filter((line) => !taken.has(line) && distance(line.at, event.at) <= SAME_MOMENT_MS)
      .toSorted((a, b) => distance(a.at, event.at) - distance(b.at, event.at));
    if (nearest === undefined) return event;
    taken.add(nearest);
    return { ...event, evidence: event.evidence ?? nearest.evidence, uid: event.uid ?? nearest.uid };
  });
  return [...journal.filter((line) => !taken.has(line)), ...told].toSorted((a, b) => a.at - b.at);
}

const distance = (a: number, b: number): number => Math.abs(a - b);
