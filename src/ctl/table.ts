/** Tables that fit the terminal. */
import type { Style, Tone } from "./style.ts";
import { harmless, hung, shortened, widthOf } from "./text_width.ts";

export interface Column {
  readonly title: string;
  /** How a text is cut when the line is too long; a fixed column never gives way. */
  readonly shrink: "never" | "end" | "middle" | "start";
  /** The minimum width; 10 by default. */
  readonly least?: number;
  readonly align?: "right";
  /** May be left out if the terminal is too narrow; the column with the highest number is left out first. */
  readonly drop?: number;
}

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

const GAP = "  ";

interface SafeCell {
  readonly text: string;
  readonly tone: Tone;
}

/**
 * Lines of a table, the title first, each ending with a newline. Nothing is cut when `width` is Infinity. A note of a row
 * is below it, whole.
 */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  style: Style,
  notes: readonly string[] = [],
): string {
  const safe = rows.map((row) =>
    row.map(({ text, tone }) => ({ text: harmless(text), tone: tone ?? "plain" }))
  );
  const all = columns.map((column, n) => ({
    column,
    cells: safe.map((row): SafeCell => row[n] ?? { text: "", tone: "plain" }),
    natural: Math.max(widthOf(column.title), ...safe.map((row) => widthOf(row[n]?.text ?? ""))),
  }));
  const shown = roomFor(all, width);
  const widths = fitted(shown, width);
  const title = shown.map(({ column }): SafeCell => ({ text: column.title, tone: "strong" }));
  const used = shown.map(({ column }) => column);
  return [
    title,
    ...rows.map((_, n) => shown.map(({ cells }) => cells[n] ?? { text: "", tone: "plain" as const })),
  ]
    .map((row, n) =>
      line(used, row, widths, style) + noteLine(n === 0 ? "" : notes[n - 1] ?? "", width, style)
    )
    .join("");
}

function noteLine(note: string, width: number, style: Style): string {
  if (note === "") return "";
  return hung(
    { lead: "    ", width: 4, indent: 4 },
    harmless(note),
    width,
    (text) => style.paint("faint", text),
  );
}

interface Sized {
  readonly column: Column;
  readonly natural: number;
}

const leastOf = ({ column, natural }: Sized): number =>
  column.shrink === "never"
    ? natural
    : Math.min(natural, Math.max(column.least ?? 10, widthOf(column.title)));

/** Leaves columns out until the rest has room. */
function roomFor<T extends Sized>(columns: readonly T[], width: number): readonly T[] {
  const needed = columns.reduce((sum, sized) => sum + leastOf(sized), GAP.length * (columns.length - 1));
  const drop = Math.max(0, ...columns.map(({ column }) => column.drop ?? 0));
  if (needed <= width || drop === 0) return columns;
  return roomFor(columns.filter(({ column }) => column.drop !== drop), width);
}

function line(
  columns: readonly Column[],
  row: readonly SafeCell[],
  widths: readonly number[],
  style: Style,
): string {
  const cells = columns.map((column, n) => {
    const { text, tone } = row[n] ?? { text: "", tone: "plain" };
    const wide = widths[n] ?? 0;
    const shown = shortened(text, wide, style.mark, column.shrink === "never" ? "end" : column.shrink);
    const padding = " ".repeat(Math.max(0, wide - widthOf(shown)));
    const painted = style.paint(tone, shown);
    return column.align === "right" ? padding + painted : painted + padding;
  });
  return cells.join(GAP).trimEnd() + "\n";
}

/** Widths that fit: the widest column that may shrink shrinks first. */
function fitted(columns: readonly Sized[], width: number): readonly number[] {
  const widths = columns.map(({ natural }) => natural);
  const gaps = GAP.length * (columns.length - 1);
  const least = columns.map(leastOf);
  for (;;) {
    const excess = widths.reduce((sum, wide) => sum + wide, gaps) - width;
    const flexible = widths.map((wide, n) => wide > (least[n] ?? 0) ? wide : 0);
    const widest = Math.max(0, ...flexible);
    if (excess <= 0 || widest === 0) return widths;
    const at = flexible.indexOf(widest);
    const second = Math.max(0, ...flexible.filter((_, n) => n !== at));
    const step = Math.min(excess, Math.max(1, widest - second));
    widths[at] = Math.max(widest - step, least[at] ?? 0);
  }
}
