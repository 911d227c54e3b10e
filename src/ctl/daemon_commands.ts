/** The commands of stafctl and stacctl: options, help, and what is run (requirements 60, and the new ones). */
import { type Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { parseTimeSpan } from "../lib/config/time_span.ts";
import { WELL_KNOWN_DISC_NQN } from "../lib/nvme/tid.ts";
import { type Duration, seconds } from "../lib/base/time.ts";
import { check } from "./check_command.ts";
import { OK, USAGE } from "./command_line.ts";
import { doctor } from "./doctor_command.ts";
import { drain, undrain } from "./drain_command.ts";
import { explain } from "./explain_command.ts";
import { forget } from "./forget_command.ts";
import { health } from "./health_command.ts";
import { history } from "./history_command.ts";
import { list } from "./list_command.ts";
import { isFiltered, SORTS, STATES } from "./list_filter.ts";
import { allLogPages, discoveryLogPage } from "./log_pages_command.ts";
import { metrics } from "./metrics_command.ts";
import { MOMENT_FORMS, parseMoment } from "./moment.ts";
import { monitor } from "./monitor_command.ts";
import { type Format, OUTPUT_VARIABLE, outputOption, schemaOption } from "./output_format.ts";
import { paged } from "./pager.ts";
import { plan } from "./plan_command.ts";
import { report } from "./report_command.ts";
import { renew } from "./renew_command.ts";
import { answered, type Job, type Tool, withDaemon } from "./session.ts";
import { status } from "./status_command.ts";
import { styleFor } from "./style.ts";
import { tree } from "./tree_command.ts";
import { wait } from "./wait_command.ts";
import { watched } from "./watch.ts";
import { FORMS } from "./what.ts";
import type { World } from "./world.ts";

/** The output formats of commands. */
const STATUS = ["table", "wide", "json", "literal"] as const;
const LIST = ["table", "wide", "json", "jsonl", "name", "literal"] as const;
const PAGES = ["table", "wide", "json", "jsonl", "literal"] as const;
const CHANGES = ["table", "json", "jsonl"] as const;
const EVENTS = ["table", "jsonl"] as const;
const TEXT = ["table", "json"] as const;

/** Waits for a command's exit status and keeps it. */
export type Finish = (work: Promise<number>) => Promise<void>;

/** Gives a new command its options and its action. */
export type Define = (command: Command) => void;

/** How output for people is displayed. */
interface Shown {
  readonly color: boolean;
  readonly schema?: "1" | "2" | undefined;
  readonly pager: boolean;
  readonly watch?: true | undefined;
}

/** By name, in the order of the help. */
export function daemonCommands(tool: Tool, world: World, finish: Finish): ReadonlyMap<string, Define> {
  const { daemon } = tool;
  const job = (color = true, schema: "1" | "2" | undefined = undefined, around = world): Job => ({
    tool,
    world: around,
    style: styleFor(around, color),
    schema: schema === "2" ? 2 : 1,
  });
  /** Runs a command for people, with a pager or repeatedly. */
  const shown = (
    { color, schema, pager, watch }: Shown,
    format: Format,
    work: (job: Job) => Promise<number>,
  ): Promise<void> => {
    if (watch !== true) return finish(paged(world, pager, (around) => work(job(color, schema, around))));
    if (!world.out.isTerminal || (format !== "table" && format !== "wide")) {
      throw new InvalidArgumentError(
        `--watch draws tables on a terminal; for programs: ${tool.name} monitor -o jsonl`,
      );
    }
    return finish(watched(job(color, schema), work));
  };
  // On a terminal tables for people, elsewhere the original's form, which scripts expect (CLI-30).
  const usual = world.out.isTerminal ? "table" as const : "literal" as const;
  const wish = world.env(OUTPUT_VARIABLE) ?? "";
  /** The requested format, from an option or else from the variable; otherwise the usual one. */
  const form = <const F extends Format>(
    formats: readonly F[],
    { output, schema }: { readonly output?: F | undefined; readonly schema?: string | undefined },
    otherwise: F,
  ): F => {
    const wished = formats.find((format) => format === wish);
    if (schema === undefined) return output ?? wished ?? otherwise;
    const json = formats.filter((format) => format === "json" || format === "jsonl");
    const [first] = json;
    if (first === undefined || (output !== undefined && !json.includes(output))) {
      throw new InvalidArgumentError(`--schema requires JSON: -o ${json.join(" or -o ")}`);
    }
    return output ?? (wished !== undefined && json.includes(wished) ? wished : first);
  };
  const moment = (text: string): number => {
    const at = parseMoment(text, world.now());
    if (at === undefined) throw new InvalidArgumentError(`Not a moment ${MOMENT_FORMS}.`);
    return at;
  };
  const tracing = (on: boolean): Define => (command) =>
    command.description(`turn tracing ${on ? "on" : "off"} (root only)`).action(() =>
      finish(trace(job(), on))
    );
  const old: readonly (readonly [string, Define])[] = [
    ["tron", tracing(true)],
    ["troff", tracing(false)],
    ["status", (command) =>
      command
        .description(
          "show all; as a table or JSON, the exit status is 0 good, 3 degraded, 4 unreachable; for scripts: health",
        )
        .addOption(outputOption(STATUS))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .option("--watch", "redraw whenever something happens")
        .action((options) => {
          const format = form(STATUS, options, usual);
          return shown(options, format, (around) => status(around, format));
        })],
    ["ls", (command) =>
      command
        .description(daemon === "stafd" ? "list the discovery controllers" : "list the I/O controllers")
        .option("-d, --detailed", "with all details")
        .addOption(
          new Option("--state <state...>", "only controllers in one of these states").choices(STATES),
        )
        .option("--subsystem <glob>", "only NQNs that match; * stands for any text, ? for one character")
        .option("--iface <interface>", "only through this interface of the host")
        .option("--dc <dc>", "only controllers that this discovery controller lists")
        .addOption(new Option("--sort <column>", "sort by this column").choices(SORTS))
        .addOption(outputOption(LIST))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .option("--watch", "redraw whenever something happens")
        .action((options) => {
          const { detailed, state, subsystem, iface, dc, sort } = options;
          const filter = { state, subsystem, iface, dc, sort };
          // The original's form has no states to filter by.
          const here = isFiltered(filter) && usual === "literal" ? "table" : usual;
          const asked = form(LIST, options, here === "table" && detailed ? "wide" : here);
          if (asked === "literal" && isFiltered(filter)) {
            world.err.write(
              `${tool.name} ls: error: the literal form lists all controllers; choose another with -o\n`,
            );
            return finish(Promise.resolve(USAGE));
          }
          return shown(options, asked, (around) => list(around, asked, detailed === true, filter));
        })],
  ];
  const logPages: readonly (readonly [string, Define])[] = [
    ["dlp", (command) =>
      command
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
        .addOption(outputOption(PAGES))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .action((options) => {
          const format = form(PAGES, options, usual);
          return shown(options, format, (around) => discoveryLogPage(around, format, options));
        })],
    ["adlp", (command) =>
      command
        .description("show the discovery log pages of all discovery controllers")
        .option("-d, --detailed", "with all details")
        .addOption(outputOption(PAGES))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .action((options) => {
          const format = form(PAGES, options, usual);
          return shown(options, format, (around) => allLogPages(around, format, options.detailed === true));
        })],
  ];
  const more: readonly (readonly [string, Define])[] = [
    ["explain", (command) =>
      command
        .description("explain why a controller is connected, waiting, failing, excluded or gone")
        .argument("<what...>", FORMS)
        .addOption(outputOption(TEXT))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .action((what, options) => {
          const format = form(TEXT, options, "table");
          return shown(options, format, (around) => explain(around, format, what.join(" ")));
        })],
    ["plan", (command) =>
      command
        .description("show what would be connected and disconnected; exit status 0 nothing, 2 changes")
        .option(
          "--config <file>",
          "plan for this configuration file instead of the active one; - is standard input",
        )
        .addOption(outputOption(CHANGES))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .action((options) => {
          const format = form(CHANGES, options, "table");
          return shown(options, format, (around) => plan(around, format, options.config));
        })],
    ["check", (command) =>
      command
        .description("check configuration files; needs neither the daemon nor root")
        .argument("[file]", "a file; - is standard input (default: the files of this system)")
        .option("--strict", "treat warnings as errors")
        .option(
          "-c, --conn-conf-file <file>",
          "also check the part of this file of nvme-stas 3 that the daemon uses",
        )
        .addOption(outputOption(TEXT))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .action((file, options) => {
          const format = form(TEXT, options, "table");
          const { strict, connConfFile: connFile } = options;
          return shown(
            options,
            format,
            (around) => check(around, { format, file, strict: strict === true, connFile }),
          );
        })],
    ["health", (command) =>
      command
        .description("report the health in one line; exit status 0 good, 3 degraded, 4 unreachable")
        .addOption(outputOption(TEXT))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .action(({ output, color, schema }) =>
          finish(health(job(color, schema), form(TEXT, { output, schema }, "table")))
        )],
    ["tree", (command) =>
      command
        .description(
          daemon === "stafd"
            ? "show discovery controllers with what they announce"
            : "show subsystems with their paths and devices",
        )
        .addOption(outputOption(TEXT))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .option("--watch", "redraw whenever something happens")
        .action((options) => {
          const format = form(TEXT, options, "table");
          return shown(options, format, (around) => tree(around, format));
        })],
    ["monitor", (command) =>
      command
        .description("show events as they happen")
        .addOption(outputOption(EVENTS))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .action(({ output, color, schema }) =>
          finish(monitor(job(color, schema), form(EVENTS, { output, schema }, "table")))
        )],
    ["history", (command) =>
      command
        .description(
          "show past connections, losses, disconnections, reloads and acts by hand, from the daemon and the journal",
        )
        .addOption(
          new Option("--since <moment>", `only from then on: a moment ${MOMENT_FORMS}`).argParser(moment),
        )
        .addOption(new Option("--until <moment>", "only up to then: the same forms").argParser(moment))
        .option("--evidence", "show the evidence of each disconnection and drain in lines of its own")
        .addOption(outputOption(TEXT))
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .action((options) => {
          const { since, until, evidence, output } = options;
          if (since !== undefined && until !== undefined && since > until) {
            throw new InvalidArgumentError("--since is later than --until: exchange them");
          }
          const format = form(TEXT, { output }, "table");
          return shown(
            options,
            format,
            (around) => history(around, { format, since, until, evidence: evidence === true }),
          );
        })],
    ["wait", (command) =>
      command
        .description("wait until a controller is connected, or gone")
        .argument("<what...>", FORMS)
        .addOption(
          new Option("--for <goal>", "what to wait for").choices(["connected", "gone"]).makeOptionMandatory(),
        )
        .addOption(
          new Option("--timeout <span>", "how long: 30, 5min, inf").argParser(timeSpan).default(
            seconds(60),
            "60 s",
          ),
        )
        .option("--all-paths", "connected: wait for all wanted paths, not just one")
        .option("--allow-unknown", "gone: succeed even if no controller has such a name")
        .action((what, { for: goal, timeout, allPaths, allowUnknown }) =>
          finish(wait(job(false), goal, what.join(" "), {
            timeout,
            allPaths: allPaths === true,
            allowUnknown: allowUnknown === true,
          }))
        )],
    ["metrics", (command) =>
      command
        .description("print metrics for Prometheus; exit status 4 when the daemon is unreachable")
        .action(() => finish(metrics(job(false))))],
    ["report", (command) =>
      command
        .description("write all about a problem into one file for a bug report, without keys (root only)")
        .option("-o, --output <file>", "a new file, or - for standard output (default: a name with the time)")
        .option("--pseudonyms", "with other names for NQNs, addresses, host names and serial numbers")
        .action(({ output, pseudonyms }) =>
          finish(report(job(false), { file: output, pseudonyms: pseudonyms === true }))
        )],
    ["doctor", (command) =>
      command
        .description(
          "check for problems that prevent connections; exit status 1 if any are found, not for notes",
        )
        .addOption(outputOption(TEXT))
        .addOption(schemaOption())
        .option("--no-color", "no colours")
        .option("--no-pager", "do not use a pager")
        .action((options) => {
          const format = form(TEXT, options, "table");
          return shown(options, format, (around) => doctor(around, format));
        })],
  ];
  const stafdActs: readonly (readonly [string, Define])[] = [
    ["forget", (command) =>
      command
        .description(
          "drop a silent discovery controller that mDNS announced, and what only it lists, now (root only)",
        )
        .argument("<dc>", FORMS)
        .option("--dry-run", "only show what would be dropped")
        .addOption(outputOption(TEXT))
        .action((what, { dryRun, output }) =>
          finish(forget(job(false), what, { format: output ?? "table", dryRun: dryRun === true }))
        )],
  ];
  const stacdActs: readonly (readonly [string, Define])[] = [
    ["drain", (command) =>
      command
        .description(
          "take controllers out for maintenance: disconnect them, and connect none of them (root only)",
        )
        .argument("<what>", FORMS)
        .addOption(
          new Option("--for <span>", "how long: 30, 5min, 2h (default: until undrain or a reboot)").argParser(
            term,
          ),
        )
        .option("--force", "also what is in use, after telling what uses it")
        .addOption(outputOption(TEXT))
        .action((what, { for: span, force, output }) =>
          finish(drain(job(false), what, { format: output ?? "table", term: span, force: force === true }))
        )],
    ["undrain", (command) =>
      command
        .description("end a drain: connect again what is wanted (root only)")
        .argument("<what>", "as it was drained")
        .addOption(outputOption(TEXT))
        .action((what, { output }) => finish(undrain(job(false), what, output ?? "table")))],
    ["renew", (command) =>
      command
        .description("give live connections the options and keys of the file, path after path (root only)")
        .argument("<what>", FORMS)
        .option("--dry-run", "only show by which means")
        .option("--reconnect", "path after path, also where the kernel could take the keys")
        .addOption(outputOption(TEXT))
        .action((what, { dryRun, reconnect, output }) => {
          const options = { dryRun: dryRun === true, reconnect: reconnect === true };
          return finish(renew(job(false), what, { format: output ?? "table", ...options }));
        })],
  ];
  return new Map([...old, ...(daemon === "stafd" ? [...stafdActs, ...logPages] : stacdActs), ...more]);
}

function timeSpan(text: string): Duration {
  const span = parseTimeSpan(text);
  if (span === undefined) throw new InvalidArgumentError("Not a time span such as 30, 5min or inf.");
  return span;
}

/** A time span that is some time, and ends. */
function term(text: string): Duration {
  const span = timeSpan(text);
  if (span.ms <= 0 || span.ms === Infinity) {
    throw new InvalidArgumentError(
      "Not a time span such as 30, 5min or 2h; without --for it has no end.",
    );
  }
  return span;
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
