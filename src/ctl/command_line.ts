/** Runs a program's command line: usage, help, errors and exit statuses as the original's (CLI-1 to CLI-5). */
import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { expandAbbreviations } from "./abbreviation.ts";
import type { World } from "./world.ts";

/** Exit statuses. */
export const OK = 0;
export const FAILED = 1;
export const USAGE = 2;

/** Parses and runs a command. `run` returns the exit status of the command, after it has ended. */
export async function runCommandLine(
  program: CommandUnknownOpts,
  args: readonly string[],
  world: World,
  status: () => number,
): Promise<number> {
  const exit = await run(program, args, world, status);
  if (world.out.failure === undefined) return exit;
  world.err.write(`${program.name()}: cannot write the output: ${world.out.failure}\n`);
  return FAILED;
}

async function run(
  program: CommandUnknownOpts,
  args: readonly string[],
  world: World,
  status: () => number,
): Promise<number> {
  let failing = program;
  for (const command of allCommands(program)) {
    command.exitOverride().helpCommand(false).enablePositionalOptions().configureOutput({
      writeOut: (text) => void world.out.write(text),
      writeErr: () => {},
      outputError: () => {
        failing = command;
      },
      getOutHelpWidth: () => world.out.columns,
    });
  }
  const expanded = expandAbbreviations(program, args);
  if (!expanded.ok) return usageError(expanded.command, expanded.message, world);
  try {
    await program.parseAsync(expanded.args, { from: "user" });
    return status();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return OK;
    if (error.code === "commander.help") {
      world.out.write(usageLine(program));
      return FAILED;
    }
    return usageError(failing, error.message.replace(/^error: /, ""), world);
  }
}

function usageError(command: CommandUnknownOpts, message: string, world: World): number {
  world.err.write(`${usageLine(command)}${pathOf(command)}: error: ${message}\n`);
  return USAGE;
}

const usageLine = (command: CommandUnknownOpts): string => `usage: ${pathOf(command)} ${command.usage()}\n`;

function pathOf(command: CommandUnknownOpts): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function allCommands(command: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
