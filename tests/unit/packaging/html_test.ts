/** The documents and manual pages as HTML: every link leads somewhere, nothing of the text is markup. */
import assert from "node:assert/strict";
import { dirname, normalize } from "node:path";
import { writeHtml } from "../../../scripts/html.ts";
import { manualBody } from "../../../scripts/html/manual.ts";
import { parsePage } from "../../../scripts/package/man_block.ts";

async function below(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    found.push(...isDirectory ? await below(`${folder}/${name}`) : [`${folder}/${name}`]);
  }
  return found;
}

Deno.test("every page is written, and its links and pictures exist", async () => {
  const out = await Deno.makeTempDir();
  try {
    const pages = await writeHtml(out);
    const files = await below(out);
    assert.equal(files.filter((file) => file.endsWith(".html")).length, pages + 1);
    const missing: string[] = [];
    for (const file of files.filter((one) => one.endsWith(".html"))) {
      const text = await Deno.readTextFile(file);
      for (const [, link = ""] of text.matchAll(/(?:href|src)="([^":#]+)(?:#[^"]*)?"/g)) {
        const target = normalize(`${dirname(file)}/${link}`);
        if (!files.includes(target)) missing.push(`${file.slice(out.length)}: ${link}`);
      }
    }
    assert.deepEqual(missing, []);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

Deno.test("a manual page: what looks like markup is text, other pages are links, neighbours are one list", () => {
  const page = parsePage(
    "x.page",
    "# x(1) - a <b> & c\n\n## Options\n\nSee **stacd.conf**(5), stacd.conf(5) and <i>.\n\n- one\n- two\n",
    () => [],
  );
  const html = manualBody(page, new Set(["stacd.conf.5.html"]));
  assert.match(html, /a &lt;b&gt; &amp; c/);
  assert.match(html, /<a href="stacd\.conf\.5\.html">stacd\.conf\(5\)<\/a> and &lt;i&gt;/);
  assert.match(html, /<ul><li>one<\/li>\s*<li>two<\/li><\/ul>/);
});
