/**
 * Is a namespace in use (S12)? Mounts and other holders are known at once; a program that reads or writes the
 * device directly is recognised by its traffic between two looks. A namespace of unknown use counts as in
 * use.
 */
import {
  type IoCounters,
  type NamespaceLook,
  type NamespacePath,
  serves,
} from "../../nvme/namespace_look.ts";
import { type Duration, type Instant, until } from "../../base/time.ts";

/** A look, and when it was made. */
export interface Sample {
  readonly at: Instant;
  readonly look: NamespaceLook;
}

export type Use =
  | { readonly is: "unused" }
  /** In words: `mounted on /srv`. */
  | { readonly is: "used"; readonly why: string }
  /** Nothing holds it; another look, this much later, will show whether a program reads or writes it. */
  | { readonly is: "look-again"; readonly in: Duration };

/** udev, LVM and other programs read less than this (1 MiB) when they examine a device once. */
const MAX_READ_SECTORS = 2048;

/** The same text for every sign of traffic, so that a held connection is not reported again at each look. */
const RAW_USE = "a program reads or writes it";

const written = (io: IoCounters): number => io.writtenSectors + io.discardedSectors + io.flushes;

/** The counters of the head and of each path: where the kernel counts differs from version to version. */
function counters(look: NamespaceLook): ReadonlyMap<string, IoCounters> {
  const found = new Map<string, IoCounters>();
  if (look.io !== undefined) found.set("", look.io);
  for (const { device, io } of look.paths) if (io !== undefined) found.set(device, io);
  return found;
}

/** Traffic between two looks at the same counters; `unclear` when none of them can be compared. */
function traffic(before: NamespaceLook, now: NamespaceLook): "busy" | "quiet" | "unclear" {
  const earlier = counters(before);
  let compared = false;
  for (const [who, io] of counters(now)) {
    const then = earlier.get(who);
    // The counters of a new path start at zero.
    if (then === undefined || written(io) < written(then) || io.readSectors < then.readSectors) continue;
    compared = true;
    if (written(io) > written(then) || io.readSectors - then.readSectors > MAX_READ_SECTORS) return "busy";
  }
  return compared ? "quiet" : "unclear";
}

/**
 * `first` is the look with which the wait began, `now` the newest. `span` is `in-use-window`; 0 looks at no
 * traffic. A device that was never written to has no direct user that could lose data, and needs no window.
 */
export function useOf(first: Sample, now: Sample, span: Duration): Use {
  const { holders, unknown } = now.look;
  if (holders.length > 0) return { is: "used", why: holders.join(", ") };
  if (unknown !== undefined) return { is: "used", why: `use unknown: ${unknown}` };
  if (span.ms <= 0) return { is: "unused" };
  const all = [...counters(now.look).values()];
  if (all.length === 0) return { is: "used", why: "use unknown: no I/O counters can be read" };
  if (all.some(({ inFlight }) => inFlight > 0)) return { is: "used", why: RAW_USE };
  if (all.every((io) => written(io) === 0)) return { is: "unused" };
  const seen = traffic(first.look, now.look);
  if (seen === "unclear") return { is: "used", why: "use unknown: the I/O counters started again" };
  if (seen === "busy") return { is: "used", why: RAW_USE };
  const end = { mono: first.at.mono + span.ms };
  return now.at.mono >= end.mono ? { is: "unused" } : { is: "look-again", in: until(end, now.at) };
}

/** The other paths that serve the namespace at present. */
export const otherWays = (look: NamespaceLook, controller: string): readonly NamespacePath[] =>
  look.paths.filter((path) => path.device !== controller && serves(path));
