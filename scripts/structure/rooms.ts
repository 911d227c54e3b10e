/** Rooms of the house and who may know whom: imports point one way, and never in a ring. */
import { isHomeless, resolveImport, ROOMS, wrongImport } from "./house.ts";
import { importsOf, lineOf, type Source, type Violation } from "./rule.ts";

export function importDirection(source: Source): Violation[] {
  if (isHomeless(source.path)) {
    const rooms = ROOMS.map((known) => known.at).join(", ");
    return [{ path: source.path, line: 0, rule: "room", message: `belongs to no room; there are: ${rooms}` }];
  }
  return importsOf(source).flatMap(({ specifier, node }) => {
    const message = wrongImport(source.path, specifier);
    return message === undefined
      ? []
      : [{ path: source.path, line: lineOf(source, node), rule: "direction", message }];
  });
}

/** Rings of files that import values from each other; type-only imports do not count. */
export function importCycles(sources: readonly Source[]): Violation[] {
  const edges = new Map(sources.map((source) => [
    source.path,
    importsOf(source).filter((entry) => !entry.typeOnly)
      .map((entry) => resolveImport(source.path, entry.specifier))
      .filter((path) => path !== undefined),
  ]));
  const done = new Set<string>();
  const found: Violation[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const ring = [...trail.slice(at), path].join(" -> ");
      found.push({ path, line: 0, rule: "cycle", message: `files import each other: ${ring}` });
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return found;
}
