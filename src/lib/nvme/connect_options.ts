import type { Secret } from "../base/secret.ts";

/**
 * Connection parameters of `/dev/nvme-fabrics` that a person can set (CFG-25 to CFG-36, CFG-56).
 * Absent means: not passed, the kernel decides. Times are in the kernel's unit, seconds.
 */
export interface ConnectOptions {
  readonly hdrDigest?: boolean;
  readonly dataDigest?: boolean;
  /** Keep-alive time-out in seconds. */
  readonly kato?: number;
  readonly queueSize?: number;
  readonly nrIoQueues?: number;
  readonly nrWriteQueues?: number;
  readonly nrPollQueues?: number;
  /** Seconds. */
  readonly reconnectDelay?: number;
  /** Seconds; -1 is for ever. */
  readonly ctrlLossTmo?: number;
  readonly disableSqflow?: boolean;
  /** TLS 1.3 with a pre-shared key. */
  readonly tls?: boolean;
  /** Secure concatenation (TP8018). */
  readonly concat?: boolean;
  /** Keyring to look the pre-shared key up in: description (`.nvme`) or serial number. */
  readonly keyring?: string;
  /** Pre-shared key: identity or serial number. A reference, not the key itself. */
  readonly tlsKey?: string;
}

/** In-band authentication keys of one connection (KRN-35: the controller's own go before the host's). */
export interface DhchapKeys {
  readonly hostKey?: Secret;
  readonly ctrlKey?: Secret;
}
