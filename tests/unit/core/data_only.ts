/**
 * A state is data: a function in it keeps the draft of the step that made it, with the state before that step, and so on
 * back to the start of the daemon.
 */
import { Table } from "../../../src/lib/base/table.ts";

/** All objects and functions that a value leads to, itself included, each once, with the way to it. */
function* reachable(value: unknown, root: string): Iterable<readonly [path: string, found: unknown]> {
  const seen = new Set<unknown>();
  const waiting: (readonly [path: string, found: unknown])[] = [[root, value]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, found] = next;
    const isObject = typeof found === "object" && found !== null;
    if ((!isObject && typeof found !== "function") || seen.has(found)) continue;
    seen.add(found);
    yield next;
    if (!isObject) continue;
    const parts = found instanceof Map || found instanceof Table
      ? [...found].flat().entries()
      : found instanceof Set
      ? [...found].entries()
      : Object.entries(found);
    for (const [name, part] of parts) waiting.push([`${path}.${name}`, part]);
  }
}

/** The way to a function in a value; undefined: it holds none. */
export function functionIn(value: unknown, root = "state"): string | undefined {
  for (const [path, found] of reachable(value, root)) if (typeof found === "function") return path;
  return undefined;
}

/** The number of objects that a value leads to, itself included. */
export const objectsIn = (value: unknown): number => [...reachable(value, "")].length;
