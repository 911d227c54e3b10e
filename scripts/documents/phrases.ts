/** Phrases that read badly, in strings, comments and pages, and what to write instead (docs/words.md). */
import type { Problem, Text } from "./texts.ts";

/** These name them. */
const NAMING = ["docs/words.md", "scripts/documents/phrases.ts", "tests/unit/scripts/phrases_test.ts"];

const BANNED: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\blet(?:s|ting)? go\b/i, "withdraw (a source), drop (a discovery controller), disconnect (a connection)"],
  [/\bin vain\b/i, "without success: timed out, refused"],
  [
    /\b(?:nobody|everybody|somebody|whoever|who) (?:else )?(?:asks?|asked|wants?|wanted)\b/i,
    "no source wants it; the sources that want it",
  ],
  [/\bnobody (?:said|says|tells?|told)\b/i, "no source has withdrawn it; not reported"],
  [
    /\b(?:is|are|was|were)(?: not|n't)? (?:still |already |also )?there\b(?! (?:is|are|was|were|a|an|any(?! more\b)|anything|no|another|more)\b)/i,
    "exists; is missing; is installed; is connected",
  ],
  [/\bwhat is known\b/i, "known controllers; the last known state; as last read"],
  [/\bin clear\b/i, "not encrypted; without TLS"],
  [/\bneeds not\b/i, "need not"],
  [/\bNeeded are\b/, "Requires"],
  [/\bas good as none\b/i, "counts as empty"],
  [/\bis to go\b/i, "is to be removed"],
  [/\bblanks\b/i, "spaces"],
  [/\btells? (?:why|whether|how)\b/i, "explains why; says whether; describes how"],
  [/\bbelongs? into\b/i, "belongs in"],
  [/\bfor want of\b/i, "for lack of; because ... is missing"],
  [/\bwhose word\b/i, "the authority that it goes back to"],
  [/\bnot alike\b/i, "with different values"],
  [/\bin sum\b/i, "in total"],
  [/\blook(?:s|ed|ing)? after\b/i, "manages; checks"],
  [/\b(?:connected|made|tried|renewed) anew\b/i, "again"],
];

export function bannedPhrases(texts: readonly Text[]): readonly Problem[] {
  const found: Problem[] = [];
  for (const { path, lines } of texts) {
    if (NAMING.includes(path)) continue;
    for (const [at, line] of lines.entries()) {
      for (const [pattern, instead] of BANNED) {
        const hit = pattern.exec(line)?.[0];
        if (hit !== undefined) {
          found.push({ path, line: at + 1, message: `"${hit}" reads badly; ${instead}` });
        }
      }
    }
  }
  return found;
}
