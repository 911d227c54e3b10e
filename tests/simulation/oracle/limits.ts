/** The limits that the documentation states (S6), copied from it by hand: the product's own numbers are what is judged. */
export const LIMITS = {
  controllers: 16_384,
  past: 64,
  probes: 32,
  history: 12,
  releases: 32,
  referralDepth: 8,
  /** Reminders for each controller, and as many for the daemon itself. */
  reminders: 14,
  /** A removal waits for so long, and begins anew when it was wanted again meanwhile. */
  soakMs: 1_000,
} as const;

/** Part of every secret in the world: found anywhere else, it is a leak (S8). */
export const SECRET_MARK = "SECRETSECRETSECRET";
