/** The limits that the documentation states (S6), copied from it by hand: the product's own numbers are what is judged. */
export const LIMITS = {
  controllers: 12_288,
  past: 64,
  probes: 32,
  history: 12,
  releases: 32,
  referralDepth: 8,
  /** Sources of log lines that are counted, and all others together. */
  logSources: 1_025,
  /** Reminders that count: for each controller and for the daemon itself; one for each line and for each source of log lines. */
  reminders: 6,
  /** Reminders that count for nothing any more: as many as of the others, and so many. */
  staleReminders: 64,
  /** A removal waits for so long, and begins anew when it was wanted again meanwhile. */
  soakMs: 1_000,
  /** Attempts at one controller in a minute that no news asked for: 0, 3, 9, 21 and 45 s, a reminder, and the spread. */
  attemptsInAMinute: 8,
  /** Lines above debug in a minute, and what each piece of news may add, and each of the first attempts. */
  linesInAMinute: 40,
  linesForNews: 12,
  linesForFirst: 2,
  /** A connect that hangs takes 61 s, others may wait for it; a command is given 30 s. */
  callMs: 240_000,
  /** A target that accepts connections and is silent holds the kernel for so long, and one that hangs at the last command. */
  silentConnectMs: 10_200,
  hangingConnectMs: 61_000,
  /** What only mDNS names rests after a connect of more than a second, three times as long, and ten minutes at most (S16). */
  longConnectMs: 1_000,
  restTimes: 3,
  longestRestMs: 600_000,
  /** A notification that was lost is made good in this time (L5). */
  lostNewsMs: 360_000,
  /** Events of a connection so soon after it was made do not tell that it was lost. */
  newConnectionMs: 5_000,
} as const;

/** Part of every secret in the world: found anywhere else, it is a leak (S8). */
export const SECRET_MARK = "SECRETSECRETSECRET";
