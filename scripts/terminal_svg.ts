/** What a terminal shows, as a picture: text with colours to SVG. */

/** Advance of one column and of one line, in pixels, of the fonts named below at {@link FONT_SIZE}. */
const COLUMN = 8.4;
const LINE = 19;
const FONT_SIZE = 14;
const FONT = "ui-monospace, 'SF Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace";
const MARGIN = 18;
const BAR = 34;

interface Look {
  readonly colour: string;
  readonly bold: boolean;
}

const PAPER = "#14181f";
const FRAME = "#2b3240";
const INK = "#d7dce5";
const BUTTONS = ["#e0605a", "#e3b341", "#58b368"];
const PLAIN: Look = { colour: INK, bold: false };

/** The codes that the tools use (src/ctl/style.ts), and those of the prompt. */
const CODES: Readonly<Record<string, Partial<Look>>> = {
  "0": PLAIN,
  "1": { bold: true },
  "2": { colour: "#8a94a6" },
  "31": { colour: "#f0837c" },
  "32": { colour: "#7fd08e" },
  "33": { colour: "#ecc463" },
};

const CODE = new RegExp("(\u001b\\[\\d+m)");

interface Run {
  readonly look: Look;
  readonly text: string;
}

/** A line in runs of the same look. */
function runsOf(line: string): Run[] {
  const runs: Run[] = [];
  let look = PLAIN;
  for (const part of line.split(CODE)) {
    const code = part.startsWith("\u001b[") ? part.slice(2, -1) : undefined;
    if (code === undefined) {
      if (part !== "") runs.push({ look, text: part });
      continue;
    }
    const change = CODES[code];
    if (change === undefined) throw new Error(`no colour is known for the code ${code}`);
    look = { ...look, ...change };
  }
  return runs;
}

/** A line that is longer than the terminal is wide goes on in the next one. */
function wrapped(runs: readonly Run[], columns: number): Run[][] {
  const lines: Run[][] = [[]];
  let left = columns;
  for (const { look, text } of runs) {
    let rest = [...text];
    while (rest.length > 0) {
      if (left === 0) {
        lines.push([]);
        left = columns;
      }
      const now = rest.slice(0, left);
      lines.at(-1)?.push({ look, text: now.join("") });
      rest = rest.slice(now.length);
      left -= now.length;
    }
  }
  return lines;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const round = (value: number): string => String(Math.round(value * 100) / 100);

/** One line; each run stands at its column and takes its columns, whatever font the reader has. */
function lineSvg(runs: readonly Run[], y: number): string {
  let column = 0;
  let svg = "";
  for (const { look, text } of runs) {
    const width = [...text].length;
    const body = text.trimEnd();
    if (body.trim() !== "") {
      const lead = body.length - body.trimStart().length;
      const shown = body.trimStart();
      const x = round(MARGIN + (column + lead) * COLUMN);
      const length = round([...shown].length * COLUMN);
      const weight = look.bold ? ' font-weight="700"' : "";
      svg += `<text x="${x}" y="${round(y)}" textLength="${length}" fill="${look.colour}"${weight}>${
        escaped(shown)
      }</text>\n`;
    }
    column += width;
  }
  return svg;
}

/** A window with the title, and in it the text. `columns`: the terminal's width. */
export function terminalSvg(title: string, text: string, columns: number): string {
  const lines = text.trimEnd().split("\n").flatMap((line) => wrapped(runsOf(line), columns));
  const width = Math.round(2 * MARGIN + columns * COLUMN);
  const height = Math.round(BAR + lines.length * LINE + 2 * MARGIN - 6);
  const buttons = BUTTONS.map((colour, n) =>
    `<circle cx="${20 + n * 18}" cy="17" r="5.5" fill="${colour}"/>`
  );
  const body = lines.map((line, n) => lineSvg(line, BAR + MARGIN + n * LINE + 10)).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="9" fill="${PAPER}" stroke="${FRAME}"/>
<path d="M0.5 ${BAR}.5h${width - 1}" stroke="${FRAME}"/>
${buttons.join("")}
<g font-family="${escaped(FONT)}" font-size="${FONT_SIZE}" xml:space="preserve">
<text x="${round(width / 2)}" y="22" text-anchor="middle" fill="#8a94a6" font-size="12.5">${
    escaped(title)
  }</text>
${body}</g>
</svg>
`;
}
