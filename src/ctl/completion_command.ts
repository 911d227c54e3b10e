/** `completion`: prints the script for a shell. */
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { completionScript, SHELLS } from "./completion.ts";
import type { World } from "./world.ts";

export function addCompletionCommand(program: CommandUnknownOpts, world: World): void {
  program.command("completion")
    .description("print the completion script for a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action((shell) => void world.out.write(completionScript(program, shell)));
}
