/** stafctl and stacctl, which differ in two commands. */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { VERSION } from "../lib/nvme/version.ts";
import { OK, runCommandLine } from "./command_line.ts";
import { addCompletionCommand } from "./completion_command.ts";
import { daemonCommands } from "./daemon_commands.ts";
import type { Tool } from "./session.ts";
import type { World } from "./world.ts";

/** Runs the tool; the result is the exit status. */
export async function runDaemonTool(tool: Tool, args: readonly string[], world: World): Promise<number> {
  let exit = OK;
  const commands = daemonCommands(tool, world, async (work) => {
    exit = await work;
  });
  const program: CommandUnknownOpts = new Command(tool.name)
    .description(`Shows and controls ${tool.daemon}`)
    .version(`nvme-stas ${VERSION}`, "-v, --version", "print the version");
  // Only the command that is called is defined: all of them take 15 ms. Help, errors and completions need all.
  const [called = ""] = args;
  const define = commands.get(called);
  if (define !== undefined) define(program.command(called));
  else {
    for (const [name, defineOne] of commands) defineOne(program.command(name));
    addCompletionCommand(program, world);
  }
  return await runCommandLine(program, args, world, () => exit);
}
