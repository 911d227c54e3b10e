/**
 * `deno task bench [NAME]... [-- ARGUMENTS]`: runs the benchmarks of this folder, each as a program of its own, so that
 * one does not warm the next one up. Without a name: all that need no virtual machine.
 */
import { passThrough, runScript } from "../../scripts/run.ts";

const HERE = new URL(".", import.meta.url).pathname;
const MACHINE = "vm";

/** Every file of the folder is a benchmark, named after what it measures; the virtual machine's have a folder. */
function known(): readonly string[] {
  const names = [...Deno.readDirSync(HERE)].filter((entry) => entry.isFile && entry.name !== "main.ts")
    .map(({ name }) => name.replace(/\.ts$/, ""));
  return [...names.toSorted(), MACHINE];
}

async function main(): Promise<boolean> {
  const split = Deno.args.indexOf("--");
  const wanted = split < 0 ? Deno.args : Deno.args.slice(0, split);
  const rest = split < 0 ? [] : Deno.args.slice(split + 1);
  const names = known();
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    console.error(`${unknown}: no such benchmark; there are: ${names.join(", ")}`);
    return false;
  }
  let ok = true;
  for (const name of wanted.length > 0 ? wanted : names.filter((one) => one !== MACHINE)) {
    console.log(`== ${name}`);
    const file = name === MACHINE ? `${HERE}vm/main.ts` : `${HERE}${name}.ts`;
    ok = await passThrough([Deno.execPath(), "run", "-A", "--no-check", file, ...rest]) && ok;
  }
  return ok;
}

await runScript("bench", main);
