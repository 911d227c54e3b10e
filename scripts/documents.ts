/**
 * The check of documents in `deno task ok`: requirements that are cited are written and indexed, files that are named
 * exist, and no phrase reads badly.
 */
import { bannedPhrases } from "./documents/phrases.ts";
import { staleBenchmarks } from "./documents/benchmarks.ts";
import { missingReferences } from "./documents/references.ts";
import { staleIndex, undefinedCitations } from "./documents/requirements.ts";
import { allTexts } from "./documents/texts.ts";
import { runScript } from "./run.ts";

async function main(): Promise<boolean> {
  const texts = await allTexts();
  const found = [
    ...undefinedCitations(texts),
    ...staleIndex(texts),
    ...await missingReferences(texts),
    ...bannedPhrases(texts),
    ...await staleBenchmarks(texts),
  ];
  for (const { path, line, message } of found) console.error(`${path}:${line}: ${message}`);
  return found.length === 0;
}

if (import.meta.main) await runScript("documents", main);
