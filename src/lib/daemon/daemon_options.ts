/** Command line of stafd and stacd (requirements 60). */
import { parseArgs } from "node:util";

export interface DaemonOptions {
  readonly confFile: string | undefined;
  /** Connectivity file of nvme-stas 3. */
  readonly connConfFile: string | undefined;
  readonly syslog: boolean;
  readonly tron: boolean;
}

export type ParsedOptions =
  | { readonly run: true; readonly options: DaemonOptions }
  /** Do not run: print the text and end with this status. */
  | { readonly run: false; readonly show: "help" | "version" }
  | { readonly run: false; readonly show: "error"; readonly message: string };

const LONG = ["conf-file", "conn-conf-file", "syslog", "tron", "version", "help"];

/** CLI-1: a long option may be abbreviated while it stays unambiguous. */
function completed(argument: string): string {
  const match = /^--([^=]+)(=.*)?$/s.exec(argument);
  const [, name = "", value = ""] = match ?? [];
  if (match === null || LONG.includes(name)) return argument;
  const candidates = LONG.filter((option) => option.startsWith(name));
  return candidates.length === 1 ? `--${candidates[0]}${value}` : argument;
}

export function parseDaemonOptions(args: readonly string[]): ParsedOptions {
  try {
    const { values } = parseArgs({
      args: args.map(completed),
      options: {
        "conf-file": { type: "string", short: "f" },
        "conn-conf-file": { type: "string", short: "c" },
        syslog: { type: "boolean", short: "s" },
        tron: { type: "boolean" },
        version: { type: "boolean", short: "v" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: false,
      strict: true,
    });
    if (values.help === true) return { run: false, show: "help" };
    if (values.version === true) return { run: false, show: "version" };
    return {
      run: true,
      options: {
        confFile: values["conf-file"],
        connConfFile: values["conn-conf-file"],
        syslog: values.syslog === true,
        tron: values.tron === true,
      },
    };
  } catch (error) {
    // parseArgs throws for invalid input, with a sentence that explains the error.
    return { run: false, show: "error", message: error instanceof Error ? error.message : String(error) };
  }
}

export const daemonUsage = (program: string): string =>
  `usage: ${program} [-h] [-v] [-f FILE] [-c FILE] [-s] [--tron]`;

export const daemonHelp = (program: string, what: string, confFile: string): string =>
  `${daemonUsage(program)}

${what}

options:
  -h, --help                 show this help and exit
  -v, --version              show the versions of ${program}, libnvme and the runtime and exit
  -f FILE, --conf-file FILE  configuration file (default: ${confFile})
  -c FILE, --conn-conf-file FILE
                             connectivity file of nvme-stas 3, with FILE.d/*.conf (default: none)
  -s, --syslog               log to the journal instead of standard output
  --tron                     trace on: debug messages
`;
