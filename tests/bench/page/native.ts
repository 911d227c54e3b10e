/** What was measured on the machine itself. */
import type { CommandResult } from "../ctl_scale.ts";
import type { ConnectsResult } from "../connects.ts";
import type { PieceResult } from "../pages.ts";
import type { RecordResult } from "../record.ts";
import type { Size } from "../size.ts";
import type { Look } from "../soak.ts";
import type { Result } from "./results.ts";
import { measuredAt, table } from "./table.ts";

const thousands = (value: number): string => value.toLocaleString("en-US");

/** Forms whose output differs from what people get at a terminal. */
const FORMS: Readonly<Record<string, string>> = { ls: "the original's form", status: "the original's form" };

function commandCell(command: string): string {
  const text = command.replace(/nqn\.\S+/, "NQN").replace(/ --for connected$/, "");
  const form = FORMS[text];
  return form === undefined ? `\`${text}\`` : `\`${text}\` (${form})`;
}

export const scaleSection = (result: Result<readonly CommandResult[]>): string =>
  `## The tools with 1,000 paths

\`ctl_scale\`, on the machine itself with two processors: whole processes of the compiled \`stacctl\`, from start to end,
against stacd with 1,000 paths of 500 subsystems. Median and slowest of five rounds. ${measuredAt(result)}

${
    table(
      ["command", "median", "slowest", "lines printed"],
      result.data.map(({ command, ms, slowest, lines }) => [
        commandCell(command),
        `${ms.toFixed(0)} ms`,
        `${slowest.toFixed(0)} ms`,
        thousands(lines),
      ]),
    )
  }`;

const WAYS: Readonly<Record<PieceResult["way"], string>> = {
  "one page": "",
  older: "as texts: ",
  index: "several pages: ",
  whole: "before 1.0.1: ",
  state: "",
};

/** `before`: the same benchmark, before both daemons worked only on what had changed. */
export const pagesSection = (
  before: Result<readonly Omit<PieceResult, "slowest">[]> | undefined,
): (result: Result<readonly PieceResult[]>) => string =>
(result) =>
  `## One changed page among many

\`pages\`, on the machine itself, without a JIT, as the daemons run. One event of a discovery controller changes one
entry of its page of 500, while 20 others have 500 entries each and everything is connected. Processor time of the
thread, median of five batches. Before: the commit before both daemons worked only on what had changed.
${measuredAt(result)}

${
    table(
      ["piece of work", "before, ms", "ms"],
      result.data.map(({ way, daemon, piece, ms }) => [
        `${WAYS[way]}${daemon}: ${piece}`,
        before?.data.find((one) => one.way === way && one.daemon === daemon && one.piece === piece)?.ms
          .toFixed(2) ?? "",
        ms.toFixed(2),
      ]),
    )
  }
The pieces of one page do not depend on the other pages. "Several pages": stacd's first questions, and its questions
after several changes at once. "As texts": for a stacd that does not ask for entries as numbers. "Before 1.0.1": what
a stacd of an earlier version asks, and what the original's stafd answers. The state file is replaced as a whole after
each change of what a daemon knows, here with 10,500 controllers. Only the parts of its text that have changed are
written again, as far as the daemon keeps the text: 4 million characters; here it has twice as many.
`;

/** `before`: the same benchmark, before the choice of the next connect passed over those that wait. */
export const connectsSection = (
  before: Result<readonly ConnectsResult[]> | undefined,
): (result: Result<readonly ConnectsResult[]>) => string =>
(result) => {
  const ms = (value: number | undefined): string => value?.toFixed(3) ?? "";
  const rowOf = ({ connections, each, steps }: ConnectsResult): readonly string[] => {
    const old = before?.data.find((one) => one.connections === connections);
    return [
      thousands(connections),
      ms(old?.each),
      ms(each),
      ms(old?.steps["kernel-free"]),
      ms(steps["kernel-free"]),
      ms(steps.connected),
      ms(steps.saved + steps.tick),
    ];
  };
  return `## The core's part of a connection

\`connects\`, on the machine itself, without a JIT, as the daemons run: what the steps of stacd's core take for each
connection of one page, all waiting at once, the fastest of five. "Between two": from the kernel's return to the next
connect, where the kernel waits for stacd. "Saves": the text of the state file has all controllers; it is made at most
twice a second for connections that came up, and a step takes a millisecond here. Before: every connect went through
all that waited, and the file was written after each connection. ${measuredAt(result)}

${
    table(
      [
        "connections",
        "each before, ms",
        "each, ms",
        "between two before",
        "between two",
        "connected",
        "saves",
      ],
      result.data.map(rowOf),
    )
  }`;
};

export const soakSection = (
  result: Result<{ readonly looks: readonly Look[]; readonly cpuMs: number }>,
): string => {
  const { looks } = result.data;
  const missed = looks.flatMap((look) => look.missed);
  const end = looks.at(-1);
  return `## Seventy-two hours

\`soak\`, in compressed time: both daemons on a simulated site of 20 discovery controllers, half of them found by mDNS,
with 500 I/O controllers. By day storage is added and removed, by night ports and discovery controllers fail and come
back and services of mDNS go and return; stafd is restarted every evening. After every six hours the objects that the
daemons' states hold are counted, and the memory of the process after a garbage collection, the site included.
${thousands(end?.changes ?? 0)} changes and failures in ${end?.hour ?? 0} hours; ${
    missed.length === 0 ? "none was missed" : `missed: ${missed.join(", ")}`
  }. ${measuredAt(result)}

${
    table(
      ["hours", "changes", "objects of stafd", "objects of stacd", "reminders", "memory"],
      looks.map(({ hour, changes, stafd, stacd, reminders, heap }) => [
        String(hour),
        thousands(changes),
        thousands(stafd),
        thousands(stacd),
        String(reminders),
        `${(heap / 1e6).toFixed(1)} MB`,
      ]),
    )
  }
The first version of this benchmark found that stafd's state held the step that had worked out the referrals, and with
it every earlier state: 17 MB in each hour. A test plays half a day of it.
`;
};

export const recordSection = (result: Result<RecordResult>): string => {
  const { results, kept, written } = result.data;
  return `## The flight recorder

\`record\`, on the machine itself, without a JIT: the cost of noting one event before the core gets it, and what is kept
after 6,144 events of a host with 1,000 paths; what events repeat is kept once. ${measuredAt(result)}

${table(["event", "time"], results.map(({ name, ns }) => [name, `${(ns / 1_000).toFixed(1)} us`]))}
${thousands(kept.events)} events take ${(kept.heap / 1e6).toFixed(1)} MB. As text they have ${
    thousands(written.characters)
  } characters, written in ${written.ms.toFixed(0)} ms, no piece of it in more than ${
    written.longestPieceMs.toFixed(0)
  } ms.
`;
};

export const sizeSection = (result: Result<readonly Size[]>): string =>
  `## Size

\`size\`: files as they are installed, and packages as \`deno task package\` builds them. The runtime has one file for
all that Deno can do; none of it can be left out. ${measuredAt(result)}

${table(["file", "size"], result.data.map(({ what, bytes }) => [what, `${(bytes / 1e6).toFixed(1)} MB`]))}`;
