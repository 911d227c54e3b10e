import { seconds } from "../base/time.ts";

/**
 * Deno has one pool of 32 threads for every file operation and nonblocking call. Each kind of work has its
 * share, so that none can starve the others, 24 in all (L6). Hanging calls keep their threads; the other 8
 * are for the runtime's own reads and writes, and for requests of people.
 */
export const THREADS = {
  /** Waits for sockets. */
  reactor: 1,
  connect: 1,
  /** Each removal claims its block devices, and then deletes. */
  removals: 3,
  /** Opens of block devices that have not returned: while one hangs, nothing else is claimed. */
  hungClaims: 1,
  /** Checks of the use of a controller's namespaces. */
  looks: 1,
  /** Controllers in sysfs, for events and scans. */
  sysfsEvents: 4,
  sysfsQuestions: 4,
  commands: 5,
  names: 3,
  stateFile: 1,
} as const;

/** Log pages with more bytes left than these are read a few at a time (S6), each from its turn on in this time. */
export const LARGE_PAGES = { bytes: 1024 * 1024, atOnce: 3, time: seconds(60) } as const;
