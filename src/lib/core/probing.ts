/** Which addresses are asked for NVMe/TCP before the kernel is (V6): those that only the fabric has named. */
import type { Failure } from "../nvme/failure.ts";
import { matchIndexKey } from "../nvme/match.ts";
import type { ConnectRequest } from "../ports.ts";
import { NO_NVME_TCP } from "../ports.ts";
import type { Ctl } from "./ctl.ts";

/** Of attempts in a row at what does not answer as a target, the kernel makes every so manieth, after all others. */
const KERNEL_EVERY = 4;
/** Behind all others in the queue for the kernel. */
export const LAST_RANK = 1_000_000;

/** What the kernel says when it has waited: for the connection, for ICResp, for the answer to Connect. */
const TIMED_OUT: ReadonlySet<string> = new Set(["ETIMEDOUT", "EAGAIN", "EIO"]);

/** Is it to be asked? `connectedAt`: addresses with a connection, which are targets. */
export function asks(
  ctl: Ctl,
  { options }: Pick<ConnectRequest, "options">,
  connectedAt: ReadonlySet<string>,
): boolean {
  if (ctl.tid.transport !== "tcp" || connectedAt.has(matchIndexKey(ctl.tid))) return false;
  // Before TLS is set up a target answers nothing.
  if (options.tls === true || options.concat === true) return false;
  for (const claim of ctl.claims.values()) {
    if (claim.kind === "config" || claim.kind === "nbft") return false;
    if ((claim.kind === "log-page" || claim.kind === "referral") && /'tls/.test(claim.entry["tsas"] ?? "")) {
      return false;
    }
  }
  const last = ctl.lastFailure?.failure;
  const wasLate = last?.phase === "connect" && TIMED_OUT.has(last.errno ?? "");
  return !ctl.proven || wasLate || (last !== undefined && isMute(last));
}

/** It does not answer as a target does. */
export const isMute = ({ phase, errno }: Failure): boolean => phase === "reach" && errno === NO_NVME_TCP;

/** The kernel tries it all the same now: the test may be wrong, and forbids nothing. */
export const isKernelsTurn = ({ attempts }: Ctl): boolean => attempts % KERNEL_EVERY === KERNEL_EVERY - 1;
