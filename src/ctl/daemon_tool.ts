/** The command lines of stafctl and stacctl, which differ in two commands (spec 60 section 3). */
import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { WELL_KNOWN_DISC_NQN } from "../lib/nvme/tid.ts";
import { VERSION } from "../lib/nvme/version.ts";
import { OK, runCommandLine } from "./command_line.ts";
import { list } from "./list_command.ts";
import { allLogPages, discoveryLogPage } from "./log_pages_command.ts";
import { outputOption } from "./output_format.ts";
import { answered, type Job, type Tool, withDaemon } from "./session.ts";
import { status } from "./status_command.ts";
import { styleFor } from "./style.ts";
import type { World } from "./world.ts";

/** Runs the tool; the result is the exit status. */
export async function runDaemonTool(tool: Tool, args: readonly string[], world: World): Promise<number> {
  let exit = OK;
  const program = daemonTool(tool, world, async (work) => {
    exit = await work;
  });
  return await runCommandLine(program, args, world, () => exit);
}

/** Waits for a command's exit status and keeps it. */
type Finish = (work: Promise<number>) => Promise<void>;

/** The definitions, from which help and completions come, too. */
export function daemonTool(tool: Tool, world: World, finish: Finish): CommandUnknownOpts {
  const { name, daemon } = tool;
  const job = (color = true): Job => ({ tool, world, style: styleFor(world, color) });
  // On a terminal tables for people, elsewhere what scripts expect of the original (CLI-30).
  const usual = world.out.isTerminal ? "table" as const : "literal" as const;
  const program = new Command(name)
    .description(`Shows and controls ${daemon}`)
    .version(`nvme-stas ${VERSION}`, "-v, --version", "print the version");

  for (const [command, on] of [["tron", true], ["troff", false]] as const) {
    program.command(command)
      .description(`turn tracing ${on ? "on" : "off"} (root only)`)
      .action(() => finish(trace(job(), on)));
  }

  program.command("status")
    .description("show all; as a table, the exit status is 0 good, 3 degraded, 4 unreachable")
    .addOption(outputOption(["table", "wide", "json", "literal"]))
    .option("--no-color", "no colours")
    .action(({ output, color }) => finish(status(job(color), output ?? usual)));

  program.command("ls")
    .description(daemon === "stafd" ? "list the discovery controllers" : "list the I/O controllers")
    .option("-d, --detailed", "with all that is known of each")
    .addOption(outputOption(["table", "wide", "json", "jsonl", "name", "literal"]))
    .option("--no-color", "no colours")
    .action(({ output, color, detailed }) =>
      finish(list(job(color), output ?? (usual === "table" && detailed ? "wide" : usual), detailed === true))
    );

  if (daemon === "stafd") {
    program.command("dlp")
      .description("show the discovery log page of one discovery controller")
      .addOption(
        new Option("-t, --transport <transport>", "transport").choices(["tcp", "rdma", "fc", "loop"])
          .default("tcp"),
      )
      .requiredOption("-a, --traddr <address>", "address of the controller")
      .requiredOption("-s, --trsvcid <port>", "port of the controller; for fc and loop: none")
      .option("-w, --host-traddr <address>", "source address", "")
      .option("-f, --host-iface <interface>", "network interface", "")
      .option("-q, --host-nqn <nqn>", "host NQN (default: that of this system)")
      .option("-n, --nqn <nqn>", "NQN of the controller", WELL_KNOWN_DISC_NQN)
      .addOption(outputOption(["table", "wide", "json", "jsonl", "literal"]))
      .option("--no-color", "no colours")
      .action(({ output, color, ...dlp }) => finish(discoveryLogPage(job(color), output ?? usual, dlp)));

    program.command("adlp")
      .description("show the discovery log pages of all discovery controllers")
      .option("-d, --detailed", "with all that is known of each controller")
      .addOption(outputOption(["table", "wide", "json", "jsonl", "literal"]))
      .option("--no-color", "no colours")
      .action(({ output, color, detailed }) =>
        finish(allLogPages(job(color), output ?? usual, detailed === true))
      );
  }

  return program;
}

/** CLI-13: sets, reads back, prints. */
function trace(job: Job, on: boolean): Promise<number> {
  return withDaemon(job, async ({ client }) => {
    let exit = await answered(job, "change tron", client.setTron(on), () => OK);
    if (exit === OK) {
      exit = await answered(job, "read tron", client.tron(), (tron) => {
        job.world.out.write(`tron = ${tron ? "True" : "False"}\n`);
        return OK;
      });
    }
    return exit;
  });
}
