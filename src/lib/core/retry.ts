/** Every time after which something is tried or looked at again (L4): the manual, nvme-stas(7), has them in one table. */
import { spreadOf, SPREADS } from "../base/name_numbers.ts";
import { type Duration, milliseconds, minutes, seconds } from "../base/time.ts";

/** Exponential back-off: the first pause, doubled with each further failure up to the longest one. */
export interface RetrySchedule {
  readonly first: Duration;
  readonly longest: Duration;
}

/** Attempts to connect. The first pause is the original's; it then backs off instead of jumping to 60 s. */
export const CONNECT_RETRY: RetrySchedule = { first: seconds(3), longest: seconds(60) };
/**
 * Attempts at an address that accepts connections but does not answer as a target; the kernel makes one of
 * four.
 */
export const SILENT_RETRY: RetrySchedule = { first: seconds(10), longest: seconds(120) };
/** A connect that holds the kernel longer than this is a long one (kernel_lock.ts). */
export const LONG_CONNECT: Duration = seconds(1);
/** After a long connect, others of the same authority, if only mDNS leads to it: three times as long as that took. */
export const CONNECT_REST: RetrySchedule = { first: seconds(3), longest: minutes(10) };
/** Reading a log page of a controller that is connected. */
export const READ_RETRY: RetrySchedule = { first: seconds(2), longest: seconds(20) };
/** Reading a log page again that was not kept for lack of room. */
export const ROOM_RETRY: RetrySchedule = { first: seconds(60), longest: seconds(60) };
/** Adding controllers that were left out, once there is room. */
export const ROOM_LOOK: Duration = seconds(5);
/**
 * Checking whether the generation of a log page has changed without a notification (L5): no back-off, only a
 * spread.
 */
export const GENERATION_LOOK: RetrySchedule = { first: minutes(5), longest: minutes(5) };
/** Reading all of the kernel's connections, to recover from a lost event (L5). */
export const KERNEL_LOOK: RetrySchedule = { first: minutes(5), longest: minutes(5) };
/** Resolving a name again after a failure. */
export const RESOLVE_RETRY: RetrySchedule = { first: seconds(2), longest: seconds(60) };
/** Asking stafd again after it gave no usable answer. */
export const FETCH_RETRY: RetrySchedule = { first: seconds(1), longest: seconds(30) };
/** Asking stafd again for information that it lacks. */
export const UNKNOWN_RETRY: RetrySchedule = { first: seconds(5), longest: seconds(30) };
/** Deleting a controller after a failed delete. */
export const DELETE_RETRY: RetrySchedule = { first: seconds(2), longest: seconds(60) };

/** Pause after the kernel removed a device, and before it is connected again (STAF-62). */
export const REMOVED_PAUSE: Duration = seconds(3);
/** The minimum distance of a retry prompted by news from the last attempt. */
export const NUDGE_DISTANCE: Duration = seconds(1);
/** A scan that failed is tried again. */
export const SCAN_RETRY: Duration = seconds(2);
/** A connection whose completion no event announces is read again. */
export const FORMING_LOOK: Duration = seconds(5);
/** A connection that the kernel goes on making by itself counts as failed after this. */
export const FORMING_LIMIT: Duration = seconds(10);
/** What a connection that came up adds to the state file is written by then, together with that of others. */
export const SAVE_DELAY: Duration = milliseconds(500);
/** A save that failed is tried again. */
export const SAVE_RETRY: Duration = seconds(10);
/** How often the states of all connections are checked, while there are any. */
export const STATE_POLL: Duration = seconds(5);
/** A held connection is checked again after this time. */
export const GUARD_INTERVAL: Duration = seconds(30);
/** A name is resolved again after this time, while its controller is not connected. */
export const NAME_RECHECK: Duration = seconds(60);

/** The target of a probe without an answer by then counts as unreachable. */
export const PROBE_TIMEOUT: Duration = seconds(3);
/** Removals soak this long: long enough for a zoning edit in two steps, short enough to be noticed. */
export const REMOVAL_SOAK: Duration = seconds(1);
/**
 * A connection is taken over only if it was read within this time: the loss of a link changes it without an
 * event.
 */
export const RECENT: Duration = seconds(1);
/** A record of the state file that a source claims again within this time counts as unbroken. */
export const STOOD: Duration = minutes(2);
/** A report confirms no removal if it was requested from stafd this long ago, or longer. */
export const CONFIRMED_FOR: Duration = seconds(10);
/** After Avahi's return: services not announced again by then count as withdrawn. */
export const AVAHI_SETTLE: Duration = seconds(30);
/** `rediscover` and `connected` come together: one look is enough for both. */
export const SYNC_COALESCE: Duration = milliseconds(30);
/** A `connected` event this soon after our connect is not news. */
export const CONNECTED_ECHO: Duration = seconds(2);
/** Attributes of a new device are not complete when its event comes (STAC-61). */
export const AUDIT_DELAY: Duration = seconds(1);

/** Whether a drain is possible is forgotten this long after it could be told, if no call comes for it. */
export const DRAIN_PATIENCE: Duration = minutes(1);

/** A renewed connection has to be there again after this long: a connect may wait for another one in the kernel. */
export const RENEW_LIMIT: Duration = minutes(4);
/** After that it has to serve the namespaces in use: its paths and their ANA states appear after the connect. */
export const RENEW_SERVES: Duration = seconds(30);
/** A target that does not accept a new key ends the connection before this. */
export const RENEW_SETTLE: Duration = seconds(5);
/** How often that is looked at. */
export const RENEW_LOOK: Duration = seconds(1);

/** Times as in the manual: what waits, and how long. */
export const WAITS: readonly (readonly [what: string, time: Duration])[] = [
  ["an address that is tried counts as unreachable", PROBE_TIMEOUT],
  ["a connect that the kernel goes on with has failed", FORMING_LIMIT],
  ["a connect that holds the kernel is a long one", LONG_CONNECT],
  ["a controller that no source wants any more goes", REMOVAL_SOAK],
  ["a report is too old to confirm that", CONFIRMED_FOR],
  ["sysfs is read again before a connection is taken", RECENT],
  ["a connection of others is audited", AUDIT_DELAY],
  ["services not heard of again count as withdrawn", AVAHI_SETTLE],
  ["events of one link are answered, together", SYNC_COALESCE],
  ["an event of a new connection is news", CONNECTED_ECHO],
  ["a controller of before the restart counts as new", STOOD],
  ["the state file tells that a connection came up", SAVE_DELAY],
  ["a drain that was asked for is forgotten", DRAIN_PATIENCE],
  ["a renewal ends if a path is not back", RENEW_LIMIT],
  ["or does not serve what the old one served", RENEW_SERVES],
  ["which is looked at every", RENEW_LOOK],
  ["a connection with a new key is looked at", RENEW_SETTLE],
];

/** Retries as in the manual: the action, the first pause, and the longest one. */
export const PACES: readonly (readonly [what: string, pace: RetrySchedule | Duration])[] = [
  ["connect, after a failure", CONNECT_RETRY],
  ["connect, after a removal by the kernel", REMOVED_PAUSE],
  ["connect, to what does not answer as a target", SILENT_RETRY],
  ["connect, for a reason (at least)", NUDGE_DISTANCE],
  ["connect, found by mDNS, after a long connect", CONNECT_REST],
  ["disconnect, after a failure", DELETE_RETRY],
  ["read a log page, after a failure", READ_RETRY],
  ["read a log page that had no room", ROOM_RETRY],
  ["take in what had no room, when there is some", ROOM_LOOK],
  ["look at a log page's generation", GENERATION_LOOK],
  ["look at all that the kernel has", KERNEL_LOOK],
  ["the same, after a failure", SCAN_RETRY],
  ["the same, while something is set up", FORMING_LOOK],
  ["look at the links of connections", STATE_POLL],
  ["look at what is held in use", GUARD_INTERVAL],
  ["resolve a name, after a failure", RESOLVE_RETRY],
  ["resolve a name, not connected", NAME_RECHECK],
  ["ask stafd, after a failure", FETCH_RETRY],
  ["ask stafd, for what it did not know", UNKNOWN_RETRY],
  ["write the state file, after a failure", SAVE_RETRY],
];

/**
 * The pause after `failures` failures in a row (at least 1), spread by up to a fifth either way so that many
 * controllers that failed together do not come back together. The spread is a function of `who` and the
 * count: the core has no random numbers.
 */
export function pause(schedule: RetrySchedule, failures: number, who: string): Duration {
  const doubled = schedule.first.ms * 2 ** Math.min(failures - 1, 30);
  const base = Math.min(doubled, schedule.longest.ms);
  return milliseconds(Math.round(base * (0.8 + 0.4 * (spreadOf(who, failures) / SPREADS))));
}
