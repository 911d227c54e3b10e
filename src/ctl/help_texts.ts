/** Additions to the help: groups, examples, and the commands to use instead of ones that do not exist. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Tool } from "./session.ts";

interface HelpText {
  readonly group: string;
  /** Each with what it does; `$` stands for the tool. */
  readonly examples: readonly (readonly [command: string, what: string])[];
}

const STATE = "See the present state:";
const CHANGES = "See events and plans:";
const ACTS = "Change connections by hand:";
const PAGES = "See what discovery controllers announce:";
const OTHERS = "Other commands:";

const NQN = "nqn.2014-08.com.example:sub1";

const TEXTS: Readonly<Record<string, HelpText>> = {
  status: {
    group: STATE,
    examples: [["$ status", "health, problems and newest events"], [
      "$ status --watch",
      "the same, kept up to date",
    ]],
  },
  ls: {
    group: STATE,
    examples: [
      ["$ ls --sort state", "problems first"],
      ["$ ls --state failing --iface eth0", "problems on one interface"],
      ["$ ls -o json --schema 2", "for a program"],
    ],
  },
  tree: { group: STATE, examples: [["$ tree", "each subsystem with its paths and namespaces"]] },
  explain: {
    group: STATE,
    examples: [
      ["$ explain nvme3", "by device"],
      ["$ explain 192.0.2.18:4420", "by address"],
      [`$ explain ${NQN}`, "by NQN, even a missing one"],
    ],
  },
  health: { group: STATE, examples: [["$ health || logger -p daemon.warning storage", "in a script"]] },
  doctor: { group: STATE, examples: [["sudo $ doctor", "each problem with its remedy; root sees more"]] },
  plan: {
    group: CHANGES,
    examples: [
      ["$ plan", "with the configuration that is loaded"],
      ["$ plan --config new.conf", "what a reload with that file would do"],
    ],
  },
  check: {
    group: CHANGES,
    examples: [["$ check", "the files in /etc/stas"], [
      "$ check --strict new.conf",
      "a new file; warnings count as errors",
    ]],
  },
  monitor: {
    group: CHANGES,
    examples: [["$ monitor", "until Ctrl-C"], ["$ monitor -o jsonl", "for a program"]],
  },
  history: {
    group: CHANGES,
    examples: [
      ["sudo $ history --since yesterday", "root sees more"],
      ["sudo $ history --since -2h --evidence", "with the evidence"],
      ["sudo $ history --until yesterday -o json", "for a program"],
    ],
  },
  wait: {
    group: CHANGES,
    examples: [
      ["$ wait sub1 --for connected --timeout 5min", "before a database starts"],
      ["$ wait 192.0.2.18 --for gone", "before an array goes off"],
    ],
  },
  dlp: { group: PAGES, examples: [["$ dlp -a 192.0.2.10 -s 8009", "of one discovery controller"]] },
  adlp: { group: PAGES, examples: [["$ adlp -o wide", "of all, with all columns"]] },
  report: {
    group: OTHERS,
    examples: [
      ["sudo $ report", "for both daemons; read it before you send it"],
      ["sudo $ report --pseudonyms", "with other names for hosts and arrays"],
    ],
  },
  metrics: { group: OTHERS, examples: [["$ metrics", "as node_exporter's textfile collector reads them"]] },
  completion: { group: OTHERS, examples: [["$ completion bash", "packages install the scripts already"]] },
  drain: {
    group: ACTS,
    examples: [
      ["sudo $ drain 192.0.2.18 --for 2h", "before an array is switched off"],
      ["sudo $ drain nvme3", "one path, until undrain"],
    ],
  },
  forget: {
    group: ACTS,
    examples: [
      ["sudo $ forget 192.0.2.17 --dry-run", "only show what goes"],
      ["sudo $ forget 192.0.2.17", "now, not after 72 hours"],
    ],
  },
  renew: {
    group: ACTS,
    examples: [
      ["sudo $ renew 192.0.2.18 --dry-run", "by which means"],
      ["sudo $ renew 192.0.2.18", "after a reload with new keys"],
    ],
  },
  undrain: { group: ACTS, examples: [["sudo $ undrain 192.0.2.18", "the text that was given to drain"]] },
  tron: { group: OTHERS, examples: [["sudo $ tron", "debug messages in the journal, until troff"]] },
  troff: { group: OTHERS, examples: [["sudo $ troff", "debug messages off again"]] },
};

/** The place of a command's group in the help. */
export const groupOf = (command: string): number =>
  [STATE, CHANGES, ACTS, PAGES, OTHERS].indexOf(TEXTS[command]?.group ?? OTHERS);

/** The examples of a command, as they are typed. */
function examplesOf(tool: Tool["name"], command: string): readonly (readonly [string, string])[] {
  return (TEXTS[command]?.examples ?? []).map(([line, what]) => [line.replace("$", tool), what] as const);
}

/** Gives a command its group and its examples. */
export function withHelpText(tool: Tool["name"], command: CommandUnknownOpts): void {
  const text = TEXTS[command.name()];
  if (text === undefined) throw new Error(`${command.name()} has no help text`);
  const examples = examplesOf(tool, command.name());
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  ${line.padEnd(width)}  ${what}`);
  command.helpGroup(text.group).addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/** Commands of other tools that people may try. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  show: "status, ls, tree and explain show things",
  list: "the command is ls",
  get: "status, ls, tree and explain show things",
  connect: "add a controller= line to the configuration: see plan and check, then systemctl reload",
  disconnect:
    "add an exclude= line to the configuration: see plan first, then systemctl reload; for a while: stacctl drain",
  reload: "systemctl reload does that; plan --config shows its effect before",
  start: "systemctl start does that",
  stop: "systemctl stop does that",
  restart: "systemctl restart does that",
  events: "history shows past events, monitor shows them as they happen",
  log: "history shows past events, journalctl the whole log",
};

/** A hint for an unknown command; undefined when there is none. */
export function hintFor({ name }: Tool, called: string): string | undefined {
  if (name === "stacctl" && (called === "dlp" || called === "adlp")) {
    return `log pages are stafd's: stafctl ${called}`;
  }
  return Object.hasOwn(ELSEWHERE, called) ? ELSEWHERE[called] : undefined;
}
