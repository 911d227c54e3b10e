/** Tables of the page, as `deno fmt` writes them. */
import type { Result } from "./results.ts";

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |\n`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |\n`;
  return line(head) + rule + rows.map(line).join("");
}

/** "Commit abc1234, 2026-11-30." */
export const measuredAt = ({ commit, at }: Result<unknown>): string => `Commit ${commit}, ${at}.`;
