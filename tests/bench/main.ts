/** `deno task bench`: runs benchmarks, each as a program of its own, so that one does not warm the next one up. */
import { capture, passThrough, runScript } from "../../scripts/run.ts";
import { helpFirst, usageError } from "../../scripts/task_arguments.ts";
import { benchmarksPage, PAGE } from "./page/page.ts";
import { MACHINE_RESULT, save } from "./page/results.ts";

const HERE = new URL(".", import.meta.url).pathname;
const MACHINE = "vm";

/** Every file of the folder is a benchmark, named after what it measures; the virtual machine's have a folder. */
function known(): readonly string[] {
  const names = [...Deno.readDirSync(HERE)].filter((entry) => entry.isFile && entry.name !== "main.ts")
    .map(({ name }) => name.replace(/\.ts$/, ""));
  return [...names.toSorted(), MACHINE];
}

const USAGE = `usage: deno task bench [--save] [NAME]... [-- ARGUMENT...]
       deno task bench --page

Measures. Without a name: all but vm. --save keeps the numbers in docs/benchmarks; --page writes docs/benchmarks.md
from them.

  ctl_start  how long the control tools take from their start to their answer, and how much memory
  ctl_scale  every command of stacctl with 1,000 paths
  decode     decoders: log pages, D-Bus messages, configuration
  record     the flight recorder: the cost of one event, and its memory
  pages      one changed log page among many: every piece of work in stafd and stacd
  connects   stacd's core while it connects 50, 200 and 1,024: the cost of each connection
  plan       the core: one step, and the plan, with many controllers
  size       the program: the runtime's share and ours; packages
  soak       72 hours of a site in compressed time: does what the daemons keep grow, is a change missed
  vm         the daemons on a real kernel, beside the bare kernel and the Python original; needs root and QEMU.
             deno task bench vm -- --help describes its options

  -- --json  results of one benchmark as JSON
`;

/** Flags of the engine: `jitless` is how the daemons run. */
const FLAGS: Readonly<Record<string, string>> = {
  connects: "--jitless",
  pages: "--jitless",
  record: "--jitless,--expose-gc",
  soak: "--expose-gc",
};

/** Runs one benchmark and keeps its numbers. */
async function measured(name: string, command: readonly string[]): Promise<boolean> {
  // What was saved before is not what is measured.
  const sources = [".", ":!docs/benchmarks", ":!docs/benchmarks.md"];
  const status = await capture(["git", "status", "--porcelain", "-uno", "--", ...sources]);
  const commit = (await capture(["git", "rev-parse", "--short=7", "HEAD"])).trim();
  // The virtual machine's says much while it runs, and leaves its numbers in a file.
  const isMachine = name === MACHINE;
  if (isMachine && !await passThrough(command)) return false;
  const text = isMachine ? await Deno.readTextFile(MACHINE_RESULT) : await capture([...command, "--json"]);
  await save(name, status === "" ? commit : `${commit}, changed`, JSON.parse(text));
  return true;
}

async function main(): Promise<boolean> {
  helpFirst(USAGE);
  const split = Deno.args.indexOf("--");
  const own = split < 0 ? Deno.args : Deno.args.slice(0, split);
  const rest = split < 0 ? [] : Deno.args.slice(split + 1);
  if (own.includes("--page")) {
    await Deno.writeTextFile(PAGE, await benchmarksPage());
    return true;
  }
  const saves = own.includes("--save");
  const wanted = own.filter((name) => name !== "--save");
  const names = known();
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    usageError(USAGE, `${unknown}: must be one of ${names.join(", ")}`);
  }
  let ok = true;
  for (const name of wanted.length > 0 ? wanted : names.filter((one) => one !== MACHINE)) {
    console.log(`== ${name}`);
    const file = name === MACHINE ? `${HERE}vm/main.ts` : `${HERE}${name}.ts`;
    const flags = FLAGS[name] === undefined ? [] : [`--v8-flags=${FLAGS[name]}`];
    const command = [Deno.execPath(), "run", "-A", "--no-check", ...flags, file, ...rest];
    ok = await (saves ? measured(name, command) : passThrough(command)) && ok;
  }
  return ok;
}

await runScript("bench", main);
