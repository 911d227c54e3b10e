/**
 * The time from a discovery controller's event (AEN) to the connections that follow from it: stafd reports
 * when it received the event that made it read a page, and stacd measures until a controller that was new on
 * that page is connected.
 */

/** Upper bounds of the classes, in milliseconds; one more class has the longer times. */
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
  /**
   * Controllers to be connected because of an event, and when stafd received that event, in milliseconds
   * since 1970.
   */
  readonly awaited: ReadonlyMap<string, number>;
  /** How many connections fell into each class of {@link LATENCY_BOUNDS}, and into the last. */
  readonly counts: readonly number[];
  /** Milliseconds, the sum over all connections. */
  readonly sum: number;
}

export const emptyLatency: AenLatency = {
  awaited: new Map(),
  counts: [...LATENCY_BOUNDS, Infinity].map(() => 0),
  sum: 0,
};

/** The controller is not awaited any more. */
export function dropLatency(latency: AenLatency, key: string): AenLatency {
  if (!latency.awaited.has(key)) return latency;
  const awaited = new Map(latency.awaited);
  awaited.delete(key);
  return { ...latency, awaited };
}

/** The controller is connected. If the clock was set back meanwhile, there is nothing to measure. */
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
