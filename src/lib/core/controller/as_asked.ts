/**
 * Is a connection as it was asked for? A less safe one is shown, degrades the health, and is never
 * disconnected for that (S15): it may carry a mounted file system.
 */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { ConnectRequest } from "../../ports.ts";

type Requested = Pick<ConnectRequest, "options" | "keys" | "discovery">;

/**
 * The missing security, in words: asked for, and not a property of the connection. Empty if the kernel was
 * not read.
 */
export function lessSafe({ options, keys }: Requested, { made, state }: KernelCtrl): readonly string[] {
  if (made === undefined) return [];
  const lacking: string[] = [];
  // The kernel shows the key only while the link is up, and has no attribute for it without TLS.
  const inClear = made.tls === "none" || (made.tls === "unproven" && state === "live");
  if (options.concat === true && inClear) lacking.push("TLS by secure concatenation");
  else if (options.tls === true && inClear) lacking.push("TLS");
  if (keys.hostKey !== undefined && made.dhchap === false) lacking.push("authentication (DH-HMAC-CHAP)");
  if (keys.ctrlKey !== undefined && made.dhchapCtrl === false) {
    lacking.push("authentication of the controller");
  }
  return lacking;
}

/** Other options that differ from those asked for: they take effect at the next connection (CFG-61). */
export function differences({ options, discovery }: Requested, { made }: KernelCtrl): readonly string[] {
  if (made === undefined) return [];
  const found: string[] = [];
  const compare = (name: string, asked: number | undefined, is: number | undefined, same: boolean): void => {
    if (asked !== undefined && is !== undefined && !same) found.push(`${name} is ${is}, not ${asked}`);
  };
  const { kato, reconnectDelay, ctrlLossTmo, queueSize, nrIoQueues, nrWriteQueues, nrPollQueues } = options;
  compare("kato", kato, made.kato, kato === made.kato);
  compare("reconnect-delay", reconnectDelay, made.reconnectDelay, reconnectDelay === made.reconnectDelay);
  compare("ctrl-loss-tmo", ctrlLossTmo, made.ctrlLossTmo, sameLossTmo(ctrlLossTmo, made));
  if (!discovery) {
    // The controller may grant fewer queues than asked for, and the host has no more queues than processors.
    compare("queue-size", queueSize, made.queueSize, (made.queueSize ?? 0) <= (queueSize ?? 0));
    const queues = nrIoQueues === undefined
      ? undefined
      : nrIoQueues + (nrWriteQueues ?? 0) + (nrPollQueues ?? 0);
    compare("the number of I/O queues", queues, made.ioQueues, (made.ioQueues ?? 0) <= (queues ?? 0));
  }
  if (options.tls === true && made.tls === "concat") {
    found.push("TLS is by secure concatenation, not by a given key");
  }
  if (options.concat === true && made.tls === "tls") {
    found.push("TLS is by a given key, not by secure concatenation");
  }
  return found;
}

/** The kernel counts attempts, so it rounds up to a multiple of reconnect-delay. */
function sameLossTmo(asked: number | undefined, made: NonNullable<KernelCtrl["made"]>): boolean {
  const { ctrlLossTmo, reconnectDelay } = made;
  if (asked === undefined || ctrlLossTmo === undefined) return true;
  if (asked < 0 || ctrlLossTmo < 0) return asked < 0 && ctrlLossTmo < 0;
  const delay = Math.max(reconnectDelay ?? 1, 1);
  return Math.ceil(asked / delay) * delay === ctrlLossTmo || asked === ctrlLossTmo;
}

/** Requested options that sysfs does not show. */
export function unshown({ options }: Requested): readonly string[] {
  return [
    options.hdrDigest === true ? "hdr-digest" : "",
    options.dataDigest === true ? "data-digest" : "",
  ].filter((name) => name !== "");
}

export const lessSafeText = (lacking: readonly string[]): string =>
  `less safe than asked: without ${lacking.join(", ")}`;

/** What a person can do about it. */
export const lessSafeRemedy = (device: string): string =>
  `it stays, because something may use it; when nothing does, run "nvme disconnect -d ${device}", and it is connected as asked for; ` +
  "or remove the option that the other side does not support";
