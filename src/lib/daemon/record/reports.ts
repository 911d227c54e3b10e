/**
 * The daemon's part of a report, for `report_begin` and `report_piece`: written piece by piece while it is read, from
 * values that never change, so that neither its size nor a slow reader costs the daemon more than references.
 */
import type { V1ReportBegun } from "../../dbus/v1_types.ts";
import type { Clock } from "../../ports.ts";
import type { DaemonFacts } from "../daemon_facts.ts";
import { dataOf, headOf } from "./document.ts";
import type { LastLines } from "./last_lines.ts";
import type { Recorded } from "./recorder.ts";

/** Reports that are read at once; one more ends the oldest (S6). */
export const MAX_OPEN = 2;
/** Characters of one piece: the longest message is three times as long, in bytes. */
export const PIECE = 32 * 1024;

export interface ReportParts {
  readonly daemon: "stafd" | "stacd";
  readonly clock: Clock;
  readonly facts: DaemonFacts;
  readonly lines: Pick<LastLines, "lines">;
  readonly recorded: () => Recorded<unknown>;
}

/** Reports when a caller has left the bus; the result ends the watch. Undefined: it cannot be watched. */
export type WatchCaller = (caller: string, left: () => void) => Promise<(() => void) | undefined>;

interface Open {
  readonly id: number;
  readonly text: Iterator<string>;
  /** Taken from `text`, and not yet told. */
  rest: string;
  readonly unwatch: () => void;
}

export class Reports {
  readonly #parts: ReportParts;
  readonly #watch: WatchCaller;
  /** One for each caller. */
  readonly #open = new Map<string, Open>();
  #count = 0;

  constructor(parts: ReportParts, watch: WatchCaller) {
    this.#parts = parts;
    this.#watch = watch;
  }

  get open(): number {
    return this.#open.size;
  }

  /** JSON of {@link V1ReportBegun}; undefined when the caller cannot be watched. */
  async begin(caller: string): Promise<string | undefined> {
    const { daemon, clock } = this.#parts;
    let isGone = false;
    const unwatch = await this.#watch(caller, () => {
      isGone = true;
      this.#close(caller);
    });
    if (unwatch === undefined) return undefined;
    this.#close(caller);
    const id = ++this.#count;
    if (isGone) unwatch();
    else this.#open.set(caller, { id, text: reportText(this.#parts), rest: "", unwatch });
    for (const old of this.#open.keys()) {
      if (this.#open.size <= MAX_OPEN) break;
      this.#close(old);
    }
    const begun: V1ReportBegun = { schema: 1, daemon, at: clock.now().wall, report: id };
    return JSON.stringify(begun);
  }

  /** Empty after the last piece; undefined when the caller reads no such report. */
  piece(caller: string, id: number): string | undefined {
    const open = this.#open.get(caller);
    if (open?.id !== id) return undefined;
    while (open.rest.length < PIECE) {
      const { value, done } = open.text.next();
      if (done === true) break;
      open.rest += value;
    }
    const length = endOf(open.rest);
    const piece = open.rest.slice(0, length);
    open.rest = open.rest.slice(length);
    if (piece === "") this.#close(caller);
    return piece;
  }

  #close(caller: string): void {
    this.#open.get(caller)?.unwatch();
    this.#open.delete(caller);
  }
}

/** Where a piece ends: never within a character of two units. */
function endOf(text: string): number {
  if (text.length <= PIECE) return text.length;
  const last = text.charCodeAt(PIECE - 1);
  return last >= 0xd800 && last < 0xdc00 ? PIECE - 1 : PIECE;
}

function* reportText({ daemon, clock, facts, lines, recorded }: ReportParts): Generator<string> {
  const record = recorded();
  const { version, started, stateFile, tron, conf } = facts;
  const now = clock.now();
  const head = {
    schema: 1,
    daemon,
    at: now.wall,
    mono: now.mono,
    facts: { version, started, state_file: stateFile, tron, config: conf },
    log: lines.lines,
  };
  yield `${JSON.stringify(head).slice(0, -1)},"recording":`;
  yield `${JSON.stringify(headOf(daemon, record)).slice(0, -1)},"data":`;
  const data = dataOf(record);
  for (let part = data.next(PIECE); part !== undefined; part = data.next(PIECE)) yield part;
  yield `},"masked":${data.masked}}`;
}
