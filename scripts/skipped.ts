/** Tests that were skipped: why, how many, and what a person can do to have them run. */
import { missing, type Need, remedy } from "./system_packages.ts";
import { DENO_VERSION } from "./denort.ts";

/** Names the file in which tests note why they are skipped, one line for each of them. */
export const REASONS_FILE = "NVME_STAS_SKIPPED";
/** What a reason begins with when root lacks nothing. */
export const ONLY_ROOT = "needs root";

/** The reasons with their numbers, the most frequent first. */
export function countReasons(
  reasons: readonly string[],
): readonly (readonly [reason: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** What to print about skipped tests; nothing when there are none. */
export async function aboutSkipped(
  reasons: readonly string[],
  needs: readonly Need[],
  task: string,
): Promise<readonly string[]> {
  if (reasons.length === 0) return [];
  const lines = countReasons(reasons).map(([reason, count]) => `skipped ${count}: ${reason}`);
  const lacking = missing(needs);
  if (lacking.length > 0) lines.push(await remedy(lacking));
  if (reasons.some((reason) => reason.startsWith(ONLY_ROOT))) {
    lines.push(`What needs root runs with:\n  sudo npx -y deno@${DENO_VERSION} task ${task}`);
  }
  return lines;
}
