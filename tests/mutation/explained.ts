/**
 * Faults of the operators that change nothing that a test could see, each with the reason: `deno task mutate` does not try them.
 * A fault is named by its line as it is and as it would be, so that the list goes stale when the code changes.
 */
import { type Mutant, mutated } from "./operators.ts";

export interface Explained {
  readonly path: string;
  readonly line: string;
  readonly becomes: string;
  readonly why: string;
}

export const EXPLAINED: readonly Explained[] = [
  {
    path: "src/lib/core/stafd/mdns_services.ts",
    line: "const gone = most.length > own + 1 ? most[0] : undefined;",
    becomes: "const gone = most.length > own + 1 ? most[1] : undefined;",
    why: "any of the interface's services may give way: the table has no order",
  },
];

const lineAt = (text: string, line: number): string => text.split("\n")[line - 1]?.trim() ?? "";

/** Why this fault is not tried; undefined when it is. */
export function explanation(
  mutant: Mutant,
  text: string,
  list: readonly Explained[] = EXPLAINED,
): string | undefined {
  const is = lineAt(text, mutant.line);
  return list.find(({ path, line, becomes }) =>
    path === mutant.path && line === is && becomes === lineAt(mutated(text, mutant), mutant.line)
  )?.why;
}
