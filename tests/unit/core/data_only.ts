/**
 * A state is data: a function in it keeps the draft of the step that made it, with the state before that step, and so on
 * back to the start of the daemon.
 */
import { Table } from "../../../src/lib/base/table.ts";

/** The path of a function in a value; undefined: it holds none. */
export function functionIn(value: unknown, path = "state", seen = new Set<unknown>()): string | undefined {
  if (typeof value === "function") return path;
  if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
  seen.add(value);
  const parts = value instanceof Map || value instanceof Table
    ? [...value].flat()
    : value instanceof Set
    ? [...value]
    : undefined;
  for (const [name, part] of parts?.entries() ?? Object.entries(value)) {
    const found = functionIn(part, `${path}.${name}`, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}
