/**
 * How long it takes from a discovery controller's event (AEN) to the connections that it leads to: stafd says when it heard
 * the event that made it read a page, and stacd, when a controller that was new on that page is connected.
 */

/** Upper bounds of the classes, in milliseconds; a last class has what took longer. */
export const LATENCY_BOUNDS: readonly number[] = [
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  30_000,
  60_000,
  300_000,
];

export interface AenLatency {
  /** Controllers to be connected because of an event, and when that was heard, in milliseconds since 1970. */
  readonly awaited: ReadonlyMap<string, number>;
  /** How many connections fell into each class of {@link LATENCY_BOUNDS}, and into the last. */
  readonly counts: readonly number[];
  /** Milliseconds, of all of them. */
  readonly sum: number;
}

export const emptyLatency: AenLatency = {
  awaited: new Map(),
  counts: [...LATENCY_BOUNDS, Infinity].map(() => 0),
  sum: 0,
};

/** Nobody waits for it any more. */
export function dropLatency(latency: AenLatency, key: string): AenLatency {
  if (!latency.awaited.has(key)) return latency;
  const awaited = new Map(latency.awaited);
  awaited.delete(key);
  return { ...latency, awaited };
}

/** It is connected. A clock that was set back meanwhile leaves nothing to measure. */
export function takeLatency(latency: AenLatency, key: string, connectedAt: number): AenLatency {
  const toldAt = latency.awaited.get(key);
  if (toldAt === undefined) return latency;
  const dropped = dropLatency(latency, key);
  const took = connectedAt - toldAt;
  if (took < 0) return dropped;
  const found = LATENCY_BOUNDS.findIndex((bound) => took <= bound);
  const at = found < 0 ? LATENCY_BOUNDS.length : found;
  return {
    ...dropped,
    counts: latency.counts.map((count, n) => n === at ? count + 1 : count),
    sum: latency.sum + took,
  };
}
