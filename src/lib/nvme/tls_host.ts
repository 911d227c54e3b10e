/** The means of this host for TLS connections, as far as they are visible. */

export interface TlsHost {
  /** A daemon does the handshakes for the kernel (tlshd); undefined: not known. */
  readonly daemon: boolean | undefined;
  /** Pairs of host and subsystem NQN with a pre-shared key ({@link tlsPair}); undefined: they cannot be read. */
  readonly pairs: ReadonlySet<string> | undefined;
}

/** Separated by a space, which no NQN has. */
export const tlsPair = (hostNqn: string, subsysnqn: string): string => `${hostNqn} ${subsysnqn}`;

/** `NVMe0R01 HOSTNQN SUBSYSNQN` and a digest since version 1. Generated keys (G) belong to one connection each. */
const IDENTITY = /^NVMe[01]R0[12] (\S+) (\S+)(?: \S+)?$/;

/**
 * Pairs that have a usable key, from the lines of /proc/keys: serial number, flags, uses, time left, permissions,
 * user, group, type, description. Revoked, dead, invalidated and expired keys are not usable.
 */
export function pairsOfKeys(text: string): ReadonlySet<string> {
  const pairs = new Set<string>();
  for (const line of text.split("\n")) {
    const found = /^\s*[0-9a-f]+ (\S+)\s+\d+\s+(\S+)\s+[0-9a-f]+\s+\d+\s+-?\d+\s+psk\s+(.*?)(?:: \d+)?\s*$/
      .exec(line);
    if (found === null) continue;
    const [, flags = "", left = "", description = ""] = found;
    if (!flags.startsWith("I") || /[RDNUi]/.test(flags) || left === "expd") continue;
    const identity = IDENTITY.exec(description);
    if (identity !== null) pairs.add(tlsPair(identity[1] ?? "", identity[2] ?? ""));
  }
  return pairs;
}
