/** `deno task bench`: runs benchmarks, each as a program of its own, so that one does not warm the next one up. */
import { passThrough, runScript } from "../../scripts/run.ts";
import { helpFirst, usageError } from "../../scripts/task_arguments.ts";

const HERE = new URL(".", import.meta.url).pathname;
const MACHINE = "vm";

/** Every file of the folder is a benchmark, named after what it measures; the virtual machine's have a folder. */
function known(): readonly string[] {
  const names = [...Deno.readDirSync(HERE)].filter((entry) => entry.isFile && entry.name !== "main.ts")
    .map(({ name }) => name.replace(/\.ts$/, ""));
  return [...names.toSorted(), MACHINE];
}

const USAGE = `usage: deno task bench [NAME]... [-- ARGUMENT...]

Measures. Without a name: all but vm.

  ctl_start  how long the control tools take from their start to their answer, and how much memory
  ctl_scale  every command of stacctl with 1,000 paths
  decode     decoders: log pages, D-Bus messages, configuration
  record     the flight recorder: the cost of one event, and its memory
  pages      one changed log page among many: every piece of work in stafd and stacd
  plan       the core: one step, and the plan, with many controllers
  vm         the daemons on a real kernel, beside the bare kernel and the Python original; needs root and QEMU.
             deno task bench vm -- --help describes its options

  -- --json  results of one benchmark as JSON
`;

async function main(): Promise<boolean> {
  helpFirst(USAGE);
  const split = Deno.args.indexOf("--");
  const wanted = split < 0 ? Deno.args : Deno.args.slice(0, split);
  const rest = split < 0 ? [] : Deno.args.slice(split + 1);
  const names = known();
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    usageError(USAGE, `${unknown}: must be one of ${names.join(", ")}`);
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
