/** `deno task html`: the manual pages and the documents as HTML. */
import { dirname } from "node:path";
import { marked } from "marked";
import { fileOf, manualBody } from "./html/manual.ts";
import { escaped, framed } from "./html/page.ts";
import { manualPages } from "./package/man.ts";
import { runScript } from "./run.ts";
import { taskArguments } from "./task_arguments.ts";

const USAGE = `usage: deno task html [--out DIR]

Writes the manual pages and the documents as HTML, with an index; links between them lead to the HTML.

  --out DIR  where to (default: build/html)
`;

/** Pages with Markdown, and the folder of pictures that they show. */
const DOCUMENTS = ["README.md", "TESTING.md", "CONTRIBUTING.md", "CHANGELOG.md"];
const FOLDER = "docs";

interface Written {
  readonly file: string;
  readonly title: string;
}

async function markdownFiles(): Promise<readonly string[]> {
  const pages = (await Array.fromAsync(Deno.readDir(FOLDER))).map(({ name }) => `${FOLDER}/${name}`);
  return [...DOCUMENTS, ...pages.filter((path) => path.endsWith(".md")).toSorted()];
}

const toHtml = (path: string): string => path.replace(/\.md$/, ".html");

/** Links to pages of ours lead to their HTML; those to other files of the repository are plain text. */
function relinked(html: string, from: string, known: ReadonlySet<string>): string {
  return html.replaceAll(
    /<a href="([^":#]+)(#[^"]*)?">(.*?)<\/a>/gs,
    (all, link: string, part: string | undefined, text: string) => {
      const base = dirname(from);
      const target = new URL(link, `file:///${base === "." ? "" : `${base}/`}`).pathname.slice(1);
      if (known.has(target)) return `<a href="${toHtml(link)}${part ?? ""}">${text}</a>`;
      return link.endsWith(".html") ? all : text;
    },
  );
}

async function document(path: string, out: string, known: ReadonlySet<string>): Promise<Written> {
  const text = await Deno.readTextFile(path);
  const title = /^# (.+)$/m.exec(text)?.[1] ?? path;
  const body = relinked(await marked.parse(text, { gfm: true }), path, known);
  const file = toHtml(path);
  await Deno.mkdir(dirname(`${out}/${file}`), { recursive: true });
  await Deno.writeTextFile(
    `${out}/${file}`,
    framed(title, body, path.includes("/") ? "../index.html" : "index.html"),
  );
  return { file, title };
}

async function manual(out: string): Promise<readonly Written[]> {
  const pages = manualPages();
  const files = new Set(pages.map(fileOf));
  await Deno.mkdir(`${out}/man`, { recursive: true });
  for (const page of pages) {
    const title = `${page.name}(${page.section})`;
    await Deno.writeTextFile(
      `${out}/man/${fileOf(page)}`,
      framed(title, manualBody(page, files), "../index.html"),
    );
  }
  return pages.map((page) => ({
    file: `man/${fileOf(page)}`,
    title: `${page.name}(${page.section}): ${page.title}`,
  }));
}

async function copyPictures(out: string): Promise<void> {
  for (const folder of [FOLDER, `${FOLDER}/screenshots`]) {
    await Deno.mkdir(`${out}/${folder}`, { recursive: true });
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".svg") || name.endsWith(".png")) {
        await Deno.copyFile(`${folder}/${name}`, `${out}/${folder}/${name}`);
      }
    }
  }
}

/** Everything, below `out`; the result is the number of pages. */
export async function writeHtml(out: string): Promise<number> {
  const paths = await markdownFiles();
  const documents = await Promise.all(paths.map((path) => document(path, out, new Set(paths))));
  const pages = await manual(out);
  await copyPictures(out);
  const list = (entries: readonly Written[]): string =>
    `<ul>${
      entries.map(({ file, title }) => `<li><a href="${file}">${escaped(title)}</a></li>`).join("\n")
    }</ul>`;
  const body = `<h1>nvme-stas</h1><h2>Documents</h2>${list(documents)}<h2>Manual pages</h2>${list(pages)}`;
  await Deno.writeTextFile(`${out}/index.html`, framed("nvme-stas", body, "index.html"));
  return documents.length + pages.length;
}

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, { options: { out: { type: "string", default: "build/html" } } });
  const pages = await writeHtml(values.out);
  console.error(`html: ${pages} pages; begin with ${values.out}/index.html`);
  return true;
}

if (import.meta.main) await runScript("html", main);
