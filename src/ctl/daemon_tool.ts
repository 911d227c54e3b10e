/** stafctl and stacctl, which differ in two commands. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { VERSION } from "../lib/nvme/version.ts";
import { OK, runCommandLine, USAGE } from "./command_line.ts";
import { addCompletions } from "./completion_command.ts";
import { daemonCommands, type Finish } from "./daemon_commands.ts";
import { FORMATS, OUTPUT_VARIABLE } from "./output_format.ts";
import { names } from "./names_command.ts";
import type { Job, Tool } from "./session.ts";
import { styleFor } from "./style.ts";
import { harmless } from "./text_width.ts";
import type { World } from "./world.ts";

/** The tool with all its commands: help, completions and manual pages come from it. */
export function wholeTool(tool: Tool, world: World, finish: Finish): CommandUnknownOpts {
  const program = bareTool(tool);
  for (const [name, define] of daemonCommands(tool, world, finish)) define(program.command(name));
  const quiet: Job = { tool, world, style: styleFor(world, false), schema: 1 };
  addCompletions(program, world, () => finish(names(quiet)));
  return program;
}

const bareTool = (tool: Tool): CommandUnknownOpts =>
  new Command(tool.name)
    .description(`Shows and controls ${tool.daemon}`)
    .version(`nvme-stas ${VERSION}`, "-v, --version", "print the version");

/** `help`, `help COMMAND` and `-V`, as other tools have them. */
function asWritten([first, ...rest]: readonly string[]): readonly string[] {
  if (first === "help") return [...rest, "--help"];
  return first === "-V" ? ["--version", ...rest] : first === undefined ? [] : [first, ...rest];
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
  // Only the command that is called is defined: all of them take 15 ms. Help, errors and completions need all.
  const [called = ""] = args;
  const define = daemonCommands(tool, world, finish).get(called);
  const program = define === undefined ? wholeTool(tool, world, finish) : bareTool(tool);
  define?.(program.command(called));
  const status = await runCommandLine(program, args, world, () => exit);
  if (tool.daemon === "stacd" && (called === "dlp" || called === "adlp")) {
    world.err.write(`stacctl: log pages are stafd's: stafctl ${called}\n`);
  }
  return status;
}
