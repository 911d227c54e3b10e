/** Tables that fit the terminal. */
import type { Style, Tone } from "./style.ts";
import { harmless, shortened, widthOf } from "./text_width.ts";

export interface Column {
  readonly title: string;
  /** How it gives way when the line is too long; a fixed column never does. */
  readonly shrink: "never" | "end" | "middle";
  readonly align?: "right";
}

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

const GAP = "  ";
/** No column becomes narrower than this. */
const NARROWEST = 10;

/** Lines of a table, the title first, each ending with a newline. Nothing is cut when `columns` is Infinity. */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  style: Style,
): string {
  const safe = rows.map((row) =>
    row.map(({ text, tone }) => ({ text: harmless(text), tone: tone ?? "plain" }))
  );
  const natural = columns.map((column, n) =>
    Math.max(widthOf(column.title), ...safe.map((row) => widthOf(row[n]?.text ?? "")))
  );
  const widths = fitted(columns, natural, width);
  const title = columns.map((column): { text: string; tone: Tone } => ({
    text: column.title,
    tone: "strong",
  }));
  return [title, ...safe].map((row) => line(columns, row, widths, style)).join("");
}

function line(
  columns: readonly Column[],
  row: readonly { readonly text: string; readonly tone: Tone }[],
  widths: readonly number[],
  style: Style,
): string {
  const cells = columns.map((column, n) => {
    const { text, tone } = row[n] ?? { text: "", tone: "plain" };
    const wide = widths[n] ?? 0;
    const shown = shortened(text, wide, style.mark, column.shrink === "middle" ? "middle" : "end");
    const padding = " ".repeat(Math.max(0, wide - widthOf(shown)));
    const painted = style.paint(tone, shown);
    return column.align === "right" ? padding + painted : painted + padding;
  });
  return cells.join(GAP).trimEnd() + "\n";
}

/** Widths that fit: what is widest among those that may shrink gives way first. */
function fitted(columns: readonly Column[], natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural];
  const gaps = GAP.length * (columns.length - 1);
  for (;;) {
    const excess = widths.reduce((sum, wide) => sum + wide, gaps) - width;
    const flexible = widths.map((wide, n) => columns[n]?.shrink === "never" ? 0 : wide);
    const widest = Math.max(...flexible);
    if (excess <= 0 || widest <= NARROWEST) return widths;
    const at = flexible.indexOf(widest);
    const second = Math.max(NARROWEST, ...flexible.filter((_, n) => n !== at));
    widths[at] = widest - Math.min(excess, Math.max(1, widest - second));
  }
}
