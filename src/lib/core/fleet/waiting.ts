/** The queues of controllers that wait for a probe, and of those that wait for the one connect. */
import type { Fleet } from "./fleet.ts";

/**
 * Removes duplicates and entries that no longer wait, but only when the queue is longer than the number of
 * controllers: a controller that is given up or forgotten leaves its entry behind, and these pile up during a
 * long connect (S6).
 */
function stillWaiting<One>(
  queue: readonly One[],
  limit: number,
  keyOf: (one: One) => string,
  isWaiting: (key: string) => boolean,
): readonly One[] {
  if (queue.length <= limit) return queue;
  const seen = new Set<string>();
  return queue.filter((one) => {
    const key = keyOf(one);
    if (seen.has(key) || !isWaiting(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Appends all entries of a step at once: one at a time, each would copy the whole queue. */
export function linedUp(
  fleet: Fleet,
  begun: readonly string[],
  queued: Fleet["ready"],
  phaseOf: (key: string) => string | undefined,
): Fleet {
  const { size } = fleet.ctls;
  const toReach = begun.length === 0 ? fleet.toReach : fleet.toReach.concat(begun);
  const ready = queued.length === 0
    ? fleet.ready
    : fleet.ready.concat(queued).toSorted((a, b) => a.rank - b.rank);
  return {
    ...fleet,
    toReach: stillWaiting(toReach, size, (key) => key, (key) => phaseOf(key) === "reaching"),
    ready: stillWaiting(ready, size, ({ key }) => key, (key) => phaseOf(key) === "ready"),
  };
}
