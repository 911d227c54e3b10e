/**
 * Deno has one pool of 32 threads for every file operation and nonblocking call. Each kind of work gets its share of it, so that
 * none can starve the others, 24 in all (L6). What hangs keeps its share; the other 8 are for whatever else the runtime reads
 * and writes, and for what a person asks.
 */
export const THREADS = {
  /** Waits for sockets. */
  reactor: 1,
  connect: 1,
  /** Each claims its block devices, and then deletes. */
  removals: 3,
  /** Opens of block devices that have not returned: while one hangs, nothing else is claimed. */
  hungClaims: 1,
  /** What holds and uses the namespaces of a controller. */
  looks: 1,
  /** Controllers in sysfs, for events and scans. */
  sysfsEvents: 4,
  sysfsQuestions: 4,
  commands: 5,
  names: 3,
  stateFile: 1,
} as const;
