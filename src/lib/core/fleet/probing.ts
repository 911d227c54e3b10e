/**
 * Selects the addresses that are tested for NVMe/TCP before the kernel connects (V6): those that only the
 * fabric has named. Also ranks the controllers in the queue for the kernel by what their tests found.
 */
import type { Failure } from "../../base/failure.ts";
import { namesTls } from "../../nvme/entry_tls.ts";
import { matchIndexKey } from "../../nvme/match.ts";
import { type ConnectRequest, NO_NVME_TCP, type Reached } from "../../ports.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { TurnPlace } from "./turns.ts";

/**
 * If an address keeps failing the test, the kernel tries it at every attempt of this number, after all other
 * controllers.
 */
const KERNEL_EVERY = 4;
/**
 * Failures above this number do not lower the rank any more: among such controllers the one that has waited
 * longest is first, so none waits for ever.
 */
const MAX_FAILURES = 6;
/** Added for a controller that could not be tested and was never connected. */
const UNPROVEN = 10;
const UNTESTED = 1_000;
const LAST = 1_000_000;

/** The kernel's errors after a wait: for the connection, for ICResp, for the answer to Connect. */
const TIMED_OUT: ReadonlySet<string> = new Set(["ETIMEDOUT", "EAGAIN", "EIO"]);

/** Must this address be tested? `liveAt`: addresses with a live connection, which are targets. */
export function asks(
  ctl: Ctl,
  { options }: Pick<ConnectRequest, "options">,
  liveAt: { has(address: string): boolean },
): boolean {
  if (ctl.tid.transport !== "tcp" || liveAt.has(matchIndexKey(ctl.tid))) return false;
  // A target does not answer before TLS is set up.
  if (options.tls === true || options.concat === true) return false;
  for (const claim of ctl.claims.values()) {
    if (claim.kind === "config" || claim.kind === "nbft") return false;
    if ((claim.kind === "log-page" || claim.kind === "referral") && namesTls(claim.entry)) return false;
  }
  const last = ctl.lastFailure?.failure;
  const wasLate = last?.phase === "connect" && TIMED_OUT.has(last.errno ?? "");
  return !ctl.proven || wasLate || (last !== undefined && isMute(last));
}

/** It does not answer as an NVMe/TCP target does. */
export const isMute = ({ phase, errno }: Failure): boolean => phase === "reach" && errno === NO_NVME_TCP;

/** The kernel tries it now nevertheless: the test may be wrong, and rules no address out. */
export const isKernelsTurn = ({ attempts }: Ctl): boolean => attempts % KERNEL_EVERY === KERNEL_EVERY - 1;

/** This test may be wrong, and the kernel, which knows, fails at once if the test is right. */
export const mayBeWrong = ({ tid }: Ctl, failure: Failure): boolean =>
  tid.transport === "fc" || isMute(failure);

/**
 * The rank in the queue for the kernel; controllers with fewer failures come first. `reached`: the result of the
 * test; `last`: behind all others. A controller that could not be tested and was never connected also goes
 * behind all others after a failed connect: each further one may hold the kernel for seconds.
 */
export function rankOf(ctl: Ctl, reached: Reached, last: boolean): number {
  const failures = Math.min(ctl.attempts, MAX_FAILURES);
  const hasFailed = !ctl.proven && ctl.lastFailure?.failure.phase === "connect";
  if (last || (reached === "untested" && hasFailed)) return LAST + failures;
  if (reached !== "untested") return failures;
  return UNTESTED + failures + (ctl.proven ? 0 : UNPROVEN);
}

/** The turn behind all others. */
const SILENT: TurnPlace = { lane: 2, authority: "silent", behind: true };

/** The turn that a controller of this rank takes. */
export function originAt(rank: number, origin: TurnPlace): TurnPlace {
  if (rank >= LAST) return SILENT;
  return rank >= UNTESTED ? { ...origin, behind: true } : origin;
}
