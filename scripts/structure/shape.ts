/** Names and sizes of files. */
import type { Source, Violation } from "./rule.ts";

/** Over this a file has more than one subject. */
export const MAX_LINES = 500;

const EMPTY_NAMES = ["util", "utils", "helper", "helpers", "misc", "common", "shared", "stuff"];

export function shape({ path, text }: Source): Violation[] {
  const found: Violation[] = [];
  const say = (message: string) => found.push({ path, line: 0, rule: "shape", message });
  for (const part of path.replace(/\.tsx?$/, "").split("/")) {
    if (EMPTY_NAMES.includes(part)) say(`"${part}" says nothing about what is in it`);
    else if (!/^[a-z][a-z0-9_]*$/.test(part)) say(`"${part}" is not in snake_case`);
  }
  const lines = text.split("\n").length - 1;
  if ((path.startsWith("src/") || path.startsWith("cockpit/")) && lines > MAX_LINES) {
    say(`${lines} lines; more than ${MAX_LINES} is more than one subject`);
  }
  return found;
}
