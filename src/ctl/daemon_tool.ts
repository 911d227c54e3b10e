/** stafctl and stacctl, which differ in two commands. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { runtimeLine, VERSION } from "../lib/base/version.ts";
import { OK, runCommandLine, USAGE } from "./command_line.ts";
import { addCompletions } from "./completion_command.ts";
import { daemonCommands, type Finish } from "./daemon_commands.ts";
import { groupOf, hintFor, withHelpText } from "./help_texts.ts";
import { FORMATS, OUTPUT_VARIABLE } from "./output_format.ts";
import { names } from "./names_command.ts";
import type { Job, Tool } from "./session.ts";
import { styleFor } from "./style.ts";
import { harmless } from "./text_width.ts";
import type { World } from "./world.ts";

/** The tool with all its commands: help, completions and manual pages come from it. */
export function wholeTool(tool: Tool, world: World, finish: Finish): CommandUnknownOpts {
  const program = bareTool(tool);
  const commands = [...daemonCommands(tool, world, finish)].toSorted(([a], [b]) => groupOf(a) - groupOf(b));
  for (const [name, define] of commands) define(program.command(name));
  const quiet: Job = { tool, world, style: styleFor(world, false), schema: 1 };
  addCompletions(program, world, () => finish(names(quiet)));
  for (const command of program.commands) withHelpText(tool.name, command);
  return program;
}

const bareTool = (tool: Tool): CommandUnknownOpts =>
  new Command(tool.name)
    .description(`Shows and controls ${tool.daemon}`)
    .version(`nvme-stas ${VERSION}\n${runtimeLine(Deno.version.deno)}`, "-v, --version", "print the version");

const EARLY: ReadonlySet<string> = new Set(["--no-color", "--no-pager"]);
/** Never with colours or a pager. */
const NEVER_DRESSED: ReadonlySet<string> = new Set([
  "tron",
  "troff",
  "wait",
  "metrics",
  "completion",
  "drain",
  "undrain",
  "forget",
  "renew",
  "report",
]);

/** `help`, `help COMMAND` and `-V`, as other tools have them. */
function asWritten(given: readonly string[]): readonly string[] {
  // Output options may come before the command, too.
  const at = given.findIndex((arg) => !EARLY.has(arg));
  const early = at < 0 ? [] : given.slice(0, at);
  const [first, ...rest] = at < 0 ? given : given.slice(at);
  if (first === undefined) return [];
  if (first === "help") return [...rest, "--help"];
  if (first === "-V") return ["--version", ...rest];
  return NEVER_DRESSED.has(first) ? [first, ...rest] : [first, ...early, ...rest];
}

/** Runs the tool; the result is the exit status. */
export async function runDaemonTool(tool: Tool, given: readonly string[], world: World): Promise<number> {
  const args = asWritten(given);
  const wish = world.env(OUTPUT_VARIABLE) ?? "";
  if (wish !== "" && !FORMATS.some((format) => format === wish)) {
    world.err.write(
      `${tool.name}: error: ${OUTPUT_VARIABLE}=${harmless(wish)}: choose one of ${FORMATS.join(", ")}\n`,
    );
    return USAGE;
  }
  let exit = OK;
  const finish: Finish = async (work) => {
    exit = await work;
  };
  // Only the called command is defined, because all of them take 15 ms. Help, errors and completions need
  // all.
  const [called = ""] = args;
  const define = daemonCommands(tool, world, finish).get(called);
  const program = define === undefined ? wholeTool(tool, world, finish) : bareTool(tool);
  if (define !== undefined) {
    const command = program.command(called);
    define(command);
    withHelpText(tool.name, command);
  }
  const status = await runCommandLine(program, args, world, () => exit);
  const hint = define === undefined ? hintFor(tool, called) : undefined;
  if (hint !== undefined) world.err.write(`${tool.name}: ${hint}\n`);
  return status;
}
