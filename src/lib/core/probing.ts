/**
 * Selects the addresses that are tested for NVMe/TCP before the kernel connects (V6): those that only the
 * fabric has named.
 */
import type { Failure } from "../nvme/failure.ts";
import { matchIndexKey } from "../nvme/match.ts";
import type { ConnectRequest } from "../ports.ts";
import { NO_NVME_TCP } from "../ports.ts";
import type { Ctl } from "./ctl.ts";

/**
 * If an address keeps failing the test, the kernel tries it at every attempt of this number, after all other
 * controllers.
 */
const KERNEL_EVERY = 4;
/** The rank behind all others in the queue for the kernel. */
export const LAST_RANK = 1_000_000;

/** The kernel's errors after a wait: for the connection, for ICResp, for the answer to Connect. */
const TIMED_OUT: ReadonlySet<string> = new Set(["ETIMEDOUT", "EAGAIN", "EIO"]);

/** Must this address be tested? `connectedAt`: addresses with a connection, which are targets. */
export function asks(
  ctl: Ctl,
  { options }: Pick<ConnectRequest, "options">,
  connectedAt: ReadonlySet<string>,
): boolean {
  if (ctl.tid.transport !== "tcp" || connectedAt.has(matchIndexKey(ctl.tid))) return false;
  // A target does not answer before TLS is set up.
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

/** It does not answer as an NVMe/TCP target does. */
export const isMute = ({ phase, errno }: Failure): boolean => phase === "reach" && errno === NO_NVME_TCP;

/** The kernel tries it now nevertheless: the test may be wrong, and rules no address out. */
export const isKernelsTurn = ({ attempts }: Ctl): boolean => attempts % KERNEL_EVERY === KERNEL_EVERY - 1;
