/** What the lines of a file ask for, as far as the process that read it can know. */
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { Conf, Line } from "./oracle/conf.ts";
import { isHostName } from "./oracle/excluding.ts";
import { keptFor } from "./oracle/memo.ts";
import type { Knowledge } from "./knowledge.ts";

export interface KnownLine {
  readonly line: Line;
  /** One address, or those of a name as it was answered last; none while it was not. */
  readonly resolved: readonly Tid[];
}

/** What was worked out last for a file: for this process and these answers. */
interface Last {
  who: string;
  answers: Knowledge["answers"];
  lines: readonly KnownLine[];
}
const last = keptFor((_: Conf): Last => ({ who: "", answers: [], lines: [] }));

export function linesKnown(conf: Conf, { answers }: Knowledge, who: string): readonly KnownLine[] {
  const known = last(conf);
  if (known.who === who && known.answers === answers) return known.lines;
  const lines = conf.lines.map((line) => {
    if (!isHostName(line.tid)) return { line, resolved: [line.tid] };
    const { traddr: host } = line.tid;
    const answer = answers.findLast((one) => one.who === who && one.host === host);
    return { line, resolved: (answer?.addresses ?? []).map((traddr) => ({ ...line.tid, traddr })) };
  });
  Object.assign(known, { who, answers, lines });
  return lines;
}

/** All that the lines may ask for by any answer that a name ever had. */
export const linesEver = (conf: Conf, knowledge: Knowledge): readonly KnownLine[] =>
  conf.lines.map((line) => {
    if (!isHostName(line.tid)) return { line, resolved: [line.tid] };
    const { traddr: host } = line.tid;
    const all = knowledge.everAnswered.filter((one) => one.host === host).flatMap((one) => one.addresses);
    return { line, resolved: [...new Set(all)].map((traddr) => ({ ...line.tid, traddr })) };
  });
