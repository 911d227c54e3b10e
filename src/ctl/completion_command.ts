/** `completion`: prints the script for a shell, or the names that its script asks for. */
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { completionScript, SHELLS } from "./completion.ts";
import type { World } from "./world.ts";

export function addCompletionCommand(program: CommandUnknownOpts, world: World): void {
  program.command("completion")
    .description("print the completion script for a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action((shell) => void world.out.write(completionScript(program, shell)));
}

/** The tools also complete names of controllers, which only a daemon knows. */
export function addCompletions(
  program: CommandUnknownOpts,
  world: World,
  names: () => Promise<void>,
): void {
  program.command("completion")
    .description("print the completion script for a shell, or the names of controllers that it offers")
    .addArgument(new Argument("<shell>", "the shell").choices([...SHELLS, "names"] as const))
    .action(async (shell) => {
      if (shell === "names") await names();
      else world.out.write(completionScript(program, shell));
    });
}
