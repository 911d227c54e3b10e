/** Requirements, and where they are cited. */
import type { Problem, Text } from "./texts.ts";

export const PAGE = "docs/requirements.md";
export const INDEX = "docs/requirements-index.md";

const ID = /\b(?:CFG|CLI|DBUS|DEC|ISS|KRN|LIM|PKG|STAC|STAF|TID|TST)-\d+[a-z]?\b/g;
const RANGE = /\b([A-Z]{3,4})-(\d+)[a-z]? to (?:\1-)?(\d+)/g;
const ROW = /^\| ((?:[A-Z]{3,4}-\d+[a-z]?)|[KHV]\d) +\|/;

/** Files by the requirement that they cite. */
export type Citations = ReadonlyMap<string, ReadonlySet<string>>;

const isCiting = ({ path }: Text): boolean =>
  path !== PAGE && path !== INDEX && !path.startsWith("scripts/documents/");

/** What a text cites; of a range, "TID-40 to TID-49" or "TID-40 to 49", all that there are. */
function cited(text: string, ids: ReadonlySet<string>): readonly string[] {
  const found = [...text.matchAll(ID)].map(([id]) => id);
  for (const [, kind = "", first, last] of text.matchAll(RANGE)) {
    for (const id of ids) {
      const number = Number(/^[A-Z]+-(\d+)/.exec(id)?.[1]);
      if (id.startsWith(`${kind}-`) && number >= Number(first) && number <= Number(last)) found.push(id);
    }
  }
  return found;
}

export function citations(texts: readonly Text[]): Citations {
  const ids = defined(texts);
  const found = new Map<string, Set<string>>();
  for (const { path, lines } of texts.filter(isCiting)) {
    for (const id of cited(lines.join("\n"), ids)) {
      const files = found.get(id) ?? new Set();
      found.set(id, files.add(path));
    }
  }
  return found;
}

/** The ids that have a row. */
export function defined(texts: readonly Text[]): ReadonlySet<string> {
  const page = texts.find(({ path }) => path === PAGE);
  return new Set(page?.lines.map((line) => ROW.exec(line)?.[1]).filter((id) => id !== undefined));
}

/** Citations without a row. */
export function undefinedCitations(texts: readonly Text[]): readonly Problem[] {
  const ids = defined(texts);
  const found: Problem[] = [];
  for (const { path, lines } of texts.filter(isCiting)) {
    for (const [at, line] of lines.entries()) {
      for (const [id] of line.matchAll(ID)) {
        if (!ids.has(id)) found.push({ path, line: at + 1, message: `${id} has no sentence in ${PAGE}` });
      }
    }
  }
  return found;
}

const isTest = (path: string): boolean => path.startsWith("tests/");
const byNumber = new Intl.Collator("en", { numeric: true }).compare;

/** A table of all requirements with the files that cite them. */
export function indexPage(ids: ReadonlySet<string>, cited: Citations): string {
  const list = (files: readonly string[]): string => files.map((path) => `\`${path}\``).join(" ") || "-";
  const rows = [...ids].filter((id) => id.includes("-")).map((id) => {
    const files = [...cited.get(id) ?? []].toSorted(byNumber);
    return `| ${id} | ${list(files.filter((path) => !isTest(path)))} | ${list(files.filter(isTest))} |`;
  });
  return `<!-- deno-fmt-ignore-file -->
# Index of requirements

Made by \`deno task requirements --write\` from the files that cite [the requirements](requirements.md).

| Requirement | Cited by | Tested by |
| ----------- | -------- | --------- |
${rows.join("\n")}
`;
}

/** A problem when the index in the tree is not what `--write` would make of the files now. */
export function staleIndex(texts: readonly Text[]): readonly Problem[] {
  const written = texts.find(({ path }) => path === INDEX)?.lines.join("\n");
  if (written === indexPage(defined(texts), citations(texts))) return [];
  return [{ path: INDEX, line: 1, message: "is stale: deno task requirements --write" }];
}
