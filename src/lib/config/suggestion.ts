/** Did you mean ...? */

/** A longer word than this does not count as mistyped, and a comparison costs the square of its length. */
const MAX_LENGTH = 80;

/**
 * The candidate nearest to the word, if it is near enough to be the intended one. Case, and `_` for `-`,
 * count little.
 */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(folded(word), folded(candidate));
    const limit = Math.max(1, Math.floor(candidate.length / 4));
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** ` (did you mean "x"?)`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = suggestion(word, candidates);
  return near === undefined ? "" : ` (did you mean "${near}"?)`;
}

const folded = (text: string): string => text.toLowerCase().replaceAll("_", "-").replace(/\s+/g, " ");

/**
 * The number of insertions, deletions, substitutions and swaps of neighbours that turn one into the other.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
