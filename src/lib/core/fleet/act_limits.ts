/** The limits of persons' acts: an act beyond one is refused, with the limit in its answer (S6). */

/** Drains in force at once. */
export const MAX_DRAINS = 64;

/** Drains whose controllers are being examined. */
export const MAX_ASKS = 8;

/** Calls of `forget` whose answers wait for the state file. */
export const MAX_WAITING = 8;

/** Connections that renewals ended, and that are not connected again. */
export const MAX_DEMANDS = 64;

/** Controllers that one act names. */
export const MAX_NAMED = { drain: 4096, renew: 4096, forget: 1024 } as const;
