/** Lines of code in a manual page, for a terminal of 80 columns: what is wider goes on in a line below. */
import { wrapped } from "../../src/ctl/text_width.ts";

/** What a page leaves for its code, less for each definition that it stands in. */
const COLUMNS = 67;
const OF_DEFINITION = 7;

/** A line of a file is one line, however long. */
const UNBROKEN = /^\s*(?:controller|exclude|ExecStart)\s*=/;

export function fitted(line: string, kind: string, depth: number): readonly string[] {
  const room = COLUMNS - OF_DEFINITION * depth;
  if (line.length <= room || kind.startsWith("conf") || UNBROKEN.test(line)) return [line];
  const indent = /^ */.exec(line)?.[0] ?? "";
  if (kind === "console") {
    const more = `${indent}      `;
    const [first = "", ...rest] = wrapped(line.trim(), room - more.length - " \\".length);
    return [first, ...rest].map((one, n) =>
      `${n === 0 ? indent : more}${one}${n < rest.length ? " \\" : ""}`
    );
  }
  // Below the second column of what is a table, below the text of what is a bullet.
  const hang = (/^ *\S+ {2,}/.exec(line) ?? /^ *- /.exec(line))?.[0].length ?? indent.length + 4;
  const head = line.slice(0, Math.min(hang, line.length));
  const isHeaded = hang > indent.length + 4 || line.trimStart().startsWith("- ");
  const start = isHeaded ? head : indent;
  const [first = "", ...rest] = wrapped(line.slice(start.length), room - hang);
  return [`${start}${first}`, ...rest.map((one) => `${" ".repeat(hang)}${one}`)];
}
