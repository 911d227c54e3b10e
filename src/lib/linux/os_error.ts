/** Errors of the system: those of Deno's file operations as numbers, and numbers as errors. */
import { errnoName } from "../nvme/errno.ts";

/** The error that Deno would have thrown, for a call made without Deno. */
export class SystemError extends Error {
  constructor(what: string, errno: number) {
    super(`${what}: ${errnoName(errno)} (os error ${errno})`);
  }
}

/**
 * The error number inside an error of a Deno file operation; 0 when it carries none. The text contains the
 * number even if Deno has neither a class nor a `code` for it (ENOKEY, EKEYREJECTED, EALREADY).
 */
export function errnoOf(error: unknown): number {
  if (!(error instanceof Error)) return 0;
  const found = /\(os error (\d+)\)/.exec(error.message);
  return found === null ? 0 : Number(found[1]);
}

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
const ENXIO = 6;
export const EAGAIN = 11;
export const EACCES = 13;
export const EBUSY = 16;
export const ENODEV = 19;
export const EINVAL = 22;
export const EHOSTUNREACH = 113;

/** True if nothing has that name, or no longer. */
export const isGone = (errno: number): boolean => errno === ENOENT || errno === ENODEV || errno === ENXIO;
