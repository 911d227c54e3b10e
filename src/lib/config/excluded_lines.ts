/**
 * `controller=` lines that can never be connected because an `exclude=` line of the same daemon matches them.
 */
import { toTid } from "./controller_line.ts";
import type { PlacedLine } from "./duplicate_lines.ts";
import { excludedBy, type ExcludeLine } from "./exclude.ts";
import type { FindingList } from "./finding.ts";
import { originText } from "./origin.ts";

/**
 * Reports the line that excludes it. A host NQN that is not written matches no exclusion here: it may be any.
 */
export function noteExcluded(
  lines: readonly PlacedLine[],
  excludes: readonly ExcludeLine[],
  ignoreIface: boolean,
  findings: FindingList,
): void {
  for (const { line, at } of lines) {
    const tid = toTid(line, { hostNqn: "", ignoreIface });
    const { subsysnqn } = line.fields;
    // An empty nqn excludes the lines that have none (K7).
    const exclude = excludedBy(tid, excludes) ?? excludedBy({ ...tid, subsysnqn }, excludes);
    if (exclude === undefined) continue;
    const place = exclude.origin.kind === "file" && line.origin.kind === "file" &&
        exclude.origin.file === line.origin.file
      ? `line ${exclude.origin.line}`
      : originText(exclude.origin);
    findings.add(
      "impossible",
      at,
      `${place} excludes this controller, so it is never connected; remove one of the two lines`,
    );
  }
}
