/** References to files and documents that do not exist. */
import { exists } from "../exists.ts";
import { dirname, normalize } from "node:path";
import { type Problem, prose, type Text } from "./texts.ts";

/** A path from the repository's root, as comments and pages name it. */
const ROOTED = /(?<![\w./$@{}<-])(?:src|scripts|demo|tests|docs|packaging|systemd)\/[\w./-]*\w/g;
/** A page in the repository's root. */
const ROOT_PAGE = /(?<![\w./-])[A-Z]{4,}\.md\b/g;
const LINK = /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g;

/** Names of documents that were never part of this repository. */
const ELSEWHERE: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bspec (?:\d\d|and)\b/i, "cite a requirement, or a chapter: requirements 60"],
  [/\bREADME decisions?\b|\bdecisions? \d+\b/i, "cite the decision as DEC-11"],
  [/\bnotes? (?:\d|on libnvme|section)|\bnotes\/|\bfindings?\/|\bfindings [A-Z]\d/i, "say the fact itself"],
];

/** Names what must not be named. */
const HERE = "scripts/documents/references.ts";

/** Made by tasks, or named as what does not exist. */
const MADE = /^(docs\/html|tests\/fuzz\/corpus\/NAME)/;

export function namedPaths(text: Text, line: string): readonly string[] {
  const words = prose(text, line);
  const found = [ROOTED, ROOT_PAGE].flatMap((pattern) => [...words.matchAll(pattern)].map(([path]) => path));
  if (text.path.endsWith(".md")) {
    const folder = dirname(text.path);
    found.push(...[...line.matchAll(LINK)].map(([, link = ""]) => normalize(`${folder}/${link}`)));
  }
  return found;
}

export async function missingReferences(texts: readonly Text[]): Promise<readonly Problem[]> {
  const found: Problem[] = [];
  const known = new Map<string, boolean>();
  for (const text of texts.filter(({ path }) => path !== HERE)) {
    for (const [at, line] of text.lines.entries()) {
      const say = (message: string) => found.push({ path: text.path, line: at + 1, message });
      for (const path of namedPaths(text, line)) {
        if (MADE.test(path)) continue;
        const isThere = known.get(path) ?? await exists(path);
        known.set(path, isThere);
        if (!isThere) say(`${path} does not exist`);
      }
      for (const [pattern, instead] of ELSEWHERE) {
        const hit = pattern.exec(line)?.[0];
        if (hit !== undefined) say(`"${hit}" is no document of this repository: ${instead}`);
      }
    }
  }
  return found;
}
