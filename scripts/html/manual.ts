/** A manual page as HTML. */
import type { Block, Page } from "../package/man_block.ts";
import { escaped } from "./page.ts";

export const fileOf = ({ name, section }: Pick<Page, "name" | "section">): string =>
  `${name}.${section}.html`;

/** Text with **bold**, *italic* and `literal` parts; other pages of ours become links. */
function inline(text: string, pages: ReadonlySet<string>): string {
  const linked = (part: string): string =>
    escaped(part).replaceAll(/([\w.@-]+)\((\d)\)/g, (all, name: string, section: string) => {
      const file = fileOf({ name, section: Number(section) });
      return pages.has(file) ? `<a href="${file}">${all}</a>` : all;
    });
  return [...text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|[^`*]+|[`*]/g)].map(
    ([all, literal, bold, italic]) => {
      if (literal !== undefined) return `<code>${escaped(literal)}</code>`;
      if (bold !== undefined) return `<b>${linked(bold)}</b>`;
      return italic === undefined ? linked(all) : `<i>${linked(italic)}</i>`;
    },
  ).join("");
}

function render(block: Block, pages: ReadonlySet<string>): string {
  switch (block.is) {
    case "section":
      return `<h2>${escaped(block.text)}</h2>`;
    case "subsection":
      return `<h3>${inline(block.text, pages)}</h3>`;
    case "text":
      return `<p>${inline(block.text, pages)}</p>`;
    case "bullet":
      return `<ul><li>${inline(block.text, pages)}</li></ul>`;
    case "code":
      return `<pre><code>${escaped(block.lines.join("\n"))}</code></pre>`;
    case "define":
      return `<dl>${block.terms.map((term) => `<dt>${inline(term, pages)}</dt>`).join("")}<dd>${
        renderAll(block.body, pages)
      }</dd></dl>`;
  }
}

const renderAll = (blocks: readonly Block[], pages: ReadonlySet<string>): string =>
  blocks.map((block) => render(block, pages)).join("\n")
    // Neighbours are one list.
    .replaceAll("</ul>\n<ul>", "\n").replaceAll("</dl>\n<dl>", "\n");

/** `pages` are the files of all manual pages. */
export function manualBody(page: Page, pages: ReadonlySet<string>): string {
  return `<h1>${escaped(page.name)}(${page.section})</h1>
<p>${escaped(page.title)}</p>
${renderAll(page.blocks, pages)}`;
}
