/** Tables of the program for the manual: kinds of findings, options of a connection. */
import { FINDING_KINDS } from "../../src/lib/config/finding_kind.ts";
import { CONNECT_OPTIONS, LINE_OPTIONS } from "../../src/lib/nvme/option_table.ts";
import type { Block } from "./man_block.ts";

const EXITS = { error: "exit status 1", warning: "exit status 0, with --strict 1", notice: "exit status 0" };

/** Each kind with severity, exit status and an example. */
export function findingBlocks(): readonly Block[] {
  return Object.entries(FINDING_KINDS).map(([kind, { severity, what, example }]): Block => ({
    is: "define",
    terms: [`**${kind}** (${severity}; ${EXITS[severity]})`],
    body: [{ is: "text", text: what }, {
      is: "code",
      kind: "",
      lines: [`${example.file}:`, ...example.lines],
    }],
  }));
}

/** What the kernel calls the options, which transports take them, and since when. */
export function optionBlocks(): readonly Block[] {
  const rows = [
    ["OPTION", "KERNEL", "TRANSPORTS", "SINCE"],
    ...[...LINE_OPTIONS, ...CONNECT_OPTIONS].map(({ name, kernel, transports, since }) => [
      name,
      kernel,
      transports.join(" "),
      since === undefined ? "" : `Linux ${since === "5.20" ? "6.0" : since}`,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join("  ").trimEnd());
  return [{ is: "code", kind: "", lines }];
}
