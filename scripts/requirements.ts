/** `deno task requirements`: where requirements are cited. */
import { citations, defined, INDEX, indexPage, PAGE } from "./documents/requirements.ts";
import { allTexts } from "./documents/texts.ts";
import { runScript } from "./run.ts";
import { taskArguments, usageError } from "./task_arguments.ts";

const USAGE = `usage: deno task requirements [ID]...
       deno task requirements --write

Prints the sentence of each requirement, and the files that cite it; without an ID, the requirements that nothing
cites or no test cites. The sentences are in ${PAGE}.

  --write  write the index of them all, ${INDEX}
`;

async function main(): Promise<boolean> {
  const { values, positionals } = taskArguments(USAGE, {
    allowPositionals: true,
    options: { write: { type: "boolean", default: false } },
  });
  const texts = await allTexts();
  const ids = defined(texts);
  const cited = citations(texts);
  if (values.write) {
    await Deno.writeTextFile(INDEX, indexPage(ids, cited));
    return true;
  }
  const unknown = positionals.find((id) => !ids.has(id));
  if (unknown !== undefined) usageError(USAGE, `${unknown}: not in ${PAGE}`);
  const page = texts.find(({ path }) => path === PAGE)?.lines ?? [];
  for (const id of positionals) {
    console.log(page.find((line) => line.startsWith(`| ${id} `))?.replace(/\s*\|\s*/g, " ").trim());
    for (const path of cited.get(id) ?? []) console.log(`  ${path}`);
  }
  if (positionals.length > 0) return true;
  for (const id of ids) {
    if (!id.includes("-")) continue;
    const files = [...cited.get(id) ?? []];
    if (files.length === 0) console.log(`${id}: cited nowhere`);
    else if (!files.some((path) => path.startsWith("tests/"))) {
      console.log(`${id}: no test cites it (${files.join(" ")})`);
    }
  }
  return true;
}

if (import.meta.main) await runScript("requirements", main);
