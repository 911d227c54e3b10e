/** Manual pages as troff, in the man macros that groff and mandoc have in common. */
import type { Block, Page } from "./man_block.ts";
import { fitted } from "./man_fit.ts";

/** Plain text: nothing in it is a request or an escape, and no character is taken for a typographic one. */
function plain(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("'", "\\(aq").replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha").replaceAll("~", "\\(ti").replaceAll('"', "\\(dq");
}

/** Text with **bold**, *italic* and `literal` parts. */
function inline(text: string): string {
  const rendered = [...text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|[^`*]+|[`*]/g)].map(
    ([all, literal, bold, italic]) => {
      if (literal !== undefined) return `\\fB${plain(literal)}\\fR`;
      if (bold !== undefined) return `\\fB${plain(bold)}\\fR`;
      return italic === undefined ? plain(all) : `\\fI${plain(italic)}\\fR`;
    },
  ).join("");
  return /^[.']/.test(rendered) ? `\\&${rendered}` : rendered;
}

/** Lines of at most 80 characters, so that a diff of two versions can be read. */
function filled(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of inline(text).split(" ")) {
    if (line !== "" && line.length + word.length >= 80) {
      lines.push(line);
      line = /^[.']/.test(word) ? `\\&${word}` : word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n") + "\n";
}

const verbatim = (line: string): string => /^[.']/.test(line) ? `\\&${plain(line)}` : plain(line);

/** `first`: right behind a heading or a term, where a paragraph needs no request. */
function render(block: Block, depth: number, first: boolean): string {
  const inside = depth > 0;
  switch (block.is) {
    case "section":
      return `.SH ${plain(block.text.toUpperCase())}\n`;
    case "subsection":
      return `.SS ${inline(block.text)}\n`;
    case "text":
      return `${first ? "" : inside ? ".IP\n" : ".PP\n"}${filled(block.text)}`;
    case "bullet":
      return inside ? `.RS\n.IP \\(bu 2\n${filled(block.text)}.RE\n` : `.IP \\(bu 2\n${filled(block.text)}`;
    case "code": {
      const lines = block.lines.flatMap((line) => fitted(line, block.kind, depth));
      return inside
        ? `${first ? "" : ".IP\n"}.nf\n${lines.map((line) => plain(`    ${line}`)).join("\n")}\n.fi\n`
        : `${first ? "" : ".PP\n"}.RS 4\n.nf\n${lines.map(verbatim).join("\n")}\n.fi\n.RE\n`;
    }
    case "define": {
      const [term = "", ...more] = block.terms;
      const terms = `.TP\n${inline(term)}\n${more.map((other) => `.TQ\n${inline(other)}\n`).join("")}`;
      return `${inside ? ".RS\n" : ""}${terms}${renderAll(block.body, depth + 1)}${inside ? ".RE\n" : ""}`;
    }
  }
}

function renderAll(blocks: readonly Block[], depth: number): string {
  return blocks.map((block, n) => {
    const before = blocks[n - 1];
    const first = before === undefined
      ? depth > 0 && (block.is === "text" || block.is === "code")
      : before.is === "section" || before.is === "subsection";
    return render(block, depth, first);
  }).join("");
}

/** `date` is the day of the source (YYYY-MM-DD), not of the build. */
export function troff(page: Page, version: string, date: string): string {
  const { name, section, title, blocks } = page;
  const head = `.TH "${name.toUpperCase()}" "${section}" "${date}" "nvme-stas ${version}" "nvme-stas"\n`;
  return `.\\" Made by scripts/package/man.ts; change the chapters in packaging/man instead.\n${head}.nh\n.SH NAME\n${
    plain(name)
  } \\- ${plain(title)}\n${renderAll(blocks, 0)}`;
}
