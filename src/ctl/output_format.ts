/** `-o`: the output format of a command. */
import { Option } from "@commander-js/extra-typings";
import { formatLiteral, literalOf } from "./literal.ts";
import type { V1Output } from "./v1_outputs.ts";
import type { V2Output } from "./v2_types.ts";
import type { World } from "./world.ts";

export const FORMATS = ["table", "wide", "json", "jsonl", "name", "literal"] as const;
export type Format = typeof FORMATS[number];

/** Names the form for all commands that have it and are not given `-o`. */
export const OUTPUT_VARIABLE = "STAS_OUTPUT";

/** The option for a command that can print in these forms. */
export function outputOption<const F extends Format>(
  formats: readonly F[],
): Option<"-o, --output <format>", undefined, undefined, undefined, false, F> {
  return new Option("-o, --output <format>", "output format").choices(formats);
}

export type Schema = 1 | 2;

/** The option for a command that prints JSON. */
export const schemaOption = (): Option<
  "--schema <number>",
  undefined,
  undefined,
  undefined,
  false,
  "1" | "2"
> => new Option("--schema <number>", "schema of the JSON (default: 1)").choices(["1", "2"]);

/** JSON that a terminal can show: control characters beyond ASCII are written out, too. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

/** A document, or with `jsonl` each of its parts as one. */
export interface Documents {
  readonly whole: () => V2Output;
  readonly lines?: () => readonly V2Output[];
}

/** Prints a value as JSON of schema 1, as it is, or as that of schema 2. */
export function printJson(
  { world, schema }: { readonly world: World; readonly schema: Schema },
  format: "json" | "jsonl",
  one: V1Output,
  two: Documents,
): void {
  if (schema === 1) printValue(world, format, one);
  else printDocuments(world, format, two);
}

export function printDocuments(world: World, format: "json" | "jsonl", { whole, lines }: Documents): void {
  if (format === "json" || lines === undefined) printValue(world, format, whole());
  else for (const line of lines()) printValue(world, "jsonl", line);
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
