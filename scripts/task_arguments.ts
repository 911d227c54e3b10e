/** The command line of a task: `--help` prints its usage, a wrong argument is an error with exit status 2. */
import { parseArgs, type ParseArgsConfig } from "node:util";

/** True when these arguments ask for help; what follows `--` belongs to another program. */
export function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  return own.includes("--help") || own.includes("-h");
}

/** Prints the usage and ends the process when `--help` is among the arguments. */
export function helpFirst(usage: string): void {
  if (!wantsHelp(Deno.args)) return;
  console.log(usage.trimEnd());
  Deno.exit(0);
}

/** Ends the process with the error and the first line of the usage, which begins with "usage: deno task NAME". */
export function usageError(usage: string, message: string): never {
  const [first = ""] = usage.split("\n");
  const name = /^usage: deno task (\S+)/.exec(first)?.[1] ?? "task";
  console.error(`${name}: ${message}\n${first}\ndeno task ${name} --help describes the options.`);
  Deno.exit(2);
}

/** The task's arguments as `config` describes them. */
export function taskArguments<const T extends ParseArgsConfig>(
  usage: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  helpFirst(usage);
  try {
    return parseArgs(config);
  } catch (error) {
    // parseArgs throws for what the user typed, with a sentence that says what is wrong.
    if (!(error instanceof TypeError)) throw error;
    usageError(usage, error.message);
  }
}
