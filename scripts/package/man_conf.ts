/** The options of a configuration file for its manual page, from the comments in the file itself. */
import type { Block } from "./man_block.ts";

/** Lines of comment as blocks: indented ones are kept as they are. */
function comment(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let text: string[] = [];
  let code: string[] = [];
  const flush = (): void => {
    if (text.length > 0) blocks.push({ is: "text", text: text.join(" ") });
    if (code.length > 0) blocks.push({ is: "code", kind: "", lines: code });
    text = [];
    code = [];
  };
  for (const line of lines) {
    const indented = /^ {3}(.*)$/.exec(line);
    if (indented !== null) {
      if (text.length > 0) flush();
      code.push(indented[1] ?? "");
    } else if (line.trim() === "") flush();
    else {
      if (code.length > 0) flush();
      text.push(line.trim());
    }
  }
  flush();
  return blocks;
}

/** Blocks for everything from the first section on; what stands before it is about the file, not about an option. */
export function confBlocks(conf: string): readonly Block[] {
  const blocks: Block[] = [];
  let said: string[] = [];
  let terms: string[] = [];
  let inSection = false;
  const flush = (): void => {
    if (terms.length > 0) blocks.push({ is: "define", terms, body: comment(said) });
    else if (inSection) blocks.push(...comment(said));
    said = [];
    terms = [];
  };
  for (const line of [...conf.split("\n"), ""]) {
    const section = /^\[(.+)\]$/.exec(line);
    const option = /^#([a-z][a-z-]*) =(.*)$/.exec(line);
    if (section !== null) {
      flush();
      inSection = true;
      blocks.push({ is: "subsection", text: `[${section[1] ?? ""}]` });
    } else if (option !== null) {
      const value = (option[2] ?? "").trim();
      terms.push(`**${option[1] ?? ""}** =${value === "" ? "" : ` *${value}*`}`);
    } else if (line.startsWith("#")) {
      if (terms.length > 0) flush();
      said.push(line.slice(1));
    } else flush();
  }
  return blocks;
}
