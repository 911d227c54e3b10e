/** `-o`: in which form a command prints. */
import { Option } from "@commander-js/extra-typings";
import { formatLiteral, literalOf } from "./literal.ts";
import type { World } from "./world.ts";

export const FORMATS = ["table", "wide", "json", "jsonl", "name", "literal"] as const;
export type Format = typeof FORMATS[number];

/** Names the form for all commands that have it and are not given `-o`. */
export const OUTPUT_VARIABLE = "STAS_OUTPUT";

/** The option for a command that can print in these forms. */
export function outputOption<const F extends Format>(
  formats: readonly F[],
): Option<"-o, --output <format>", undefined, undefined, undefined, false, F> {
  return new Option("-o, --output <format>", "how to print").choices(formats);
}

/** JSON that a terminal can show: control characters beyond ASCII are written out, too. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

/** Prints a value that has no table: as JSON, JSON lines (of a list), or the original's literal. */
export function printValue(world: World, format: "json" | "jsonl" | "literal", value: unknown): void {
  switch (format) {
    case "json":
      world.out.write(jsonText(value, 2) + "\n");
      break;
    case "jsonl":
      for (const item of Array.isArray(value) ? value : [value]) world.out.write(jsonText(item) + "\n");
      break;
    case "literal":
      world.out.write(formatLiteral(literalOf(value)) + "\n");
      break;
  }
}
