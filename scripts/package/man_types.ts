/** Declarations of TypeScript for a manual page: the JSON that an interface or a tool speaks, in lines that a terminal has room for. */
import { wrapped } from "../../src/ctl/text_width.ts";
import type { Block } from "./man_block.ts";

/** Where types of JSON are declared. */
const TYPES = [
  "src/lib/dbus/v1_types.ts",
  "src/lib/dbus/v1_pages.ts",
  "src/lib/ports.ts",
  "src/ctl/v2_types.ts",
  "src/ctl/v2_acts.ts",
];
/** What is left of 80 columns beside the margins of a page. */
const COLUMNS = 66;

/** The declarations of these types, with their comments. */
export function typeBlocks(names: readonly string[]): readonly Block[] {
  const sources = TYPES.map((file) => Deno.readTextFileSync(file)).join("\n");
  return names.map((name): Block => {
    const text = new RegExp(
      `^export (?:interface ${name} (?:extends \\w+ )?\\{.*?^\\}|type ${name} =.*?;)$`,
      "ms",
    ).exec(sources)?.[0];
    if (text === undefined) throw new Error(`${TYPES.join(" and ")} have no ${name}`);
    const plain = text.replaceAll("readonly ", "").replace(/^export /, "")
      .replaceAll(/typeof (\w+)\[number\]/g, (_, list: string) => wordsOf(sources, list));
    return { is: "code", kind: "", lines: narrowed(plain) };
  });
}

/** The words of a list in the source, one below the other. */
function wordsOf(source: string, list: string): string {
  const words = new RegExp(`^export const ${list} = \\[(.*?)\\] as const;$`, "ms").exec(source)?.[1]?.match(
    /"[^"]+"/g,
  );
  if (words === null || words === undefined) throw new Error(`v1_types.ts has no list ${list}`);
  return words.map((word) => `\n  | ${word}`).join("");
}

function narrowed(declaration: string): readonly string[] {
  return declaration.replaceAll(/^( *)\/\*\*(.*?)\*\/$/gms, (_, indent: string, inside: string) => {
    const text = inside.replaceAll(/^ *\* ?/gm, "").replaceAll(/\s+/g, " ").trim();
    const line = `${indent}/** ${text} */`;
    if (line.length <= COLUMNS) return line;
    const lines = wrapped(text, COLUMNS - indent.length - " * ".length);
    return [`${indent}/**`, ...lines.map((one) => `${indent} * ${one}`), `${indent} */`].join("\n");
  }).split("\n").flatMap((line) => {
    if (line.length <= COLUMNS) return [line];
    const indent = /^ */.exec(line)?.[0] ?? "";
    const more = `${indent}    `;
    const [first = "", ...rest] = wrapped(line.trim(), COLUMNS - more.length);
    return [`${indent}${first}`, ...rest.map((one) => `${more}${one}`)];
  });
}
