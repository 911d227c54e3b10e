/** `history`: past events, from the daemon's memory and, for earlier ones, from the journal. */
import { FAILED, OK } from "./command_line.ts";
import { eventText } from "./event_line.ts";
import { busFailure, callFailure } from "./failure_text.ts";
import { askJournal, journalEvents, type Term } from "./journal.ts";
import { printDocuments } from "./output_format.ts";
import { ofDaemon, type PastEvent, together } from "./past_event.ts";
import { connectedTo, type Job } from "./session.ts";
import type { Style } from "./style.ts";
import { harmless } from "./text_width.ts";
import { head2, tid2 } from "./v2.ts";
import type { V2Past } from "./v2_acts.ts";

export interface HistoryOptions extends Term {
  readonly format: "table" | "json";
  readonly evidence: boolean;
}

/** Exit status 1 when neither the daemon nor the journal could be read. */
export async function history(job: Job, options: HistoryOptions): Promise<number> {
  const { tool: { name, daemon }, world, style } = job;
  const { since, until } = options;
  // Run journalctl while the tool may still start programs; its output is parsed without permissions.
  const ran = await askJournal(world, daemon, options);
  const memory = await remembered(job);
  const journal = journalEvents(ran);
  const notes = [...journal.notes, ...memory.notes];
  for (const note of notes) world.err.write(`${name}: ${note}\n`);
  if (!memory.isRead && !journal.isRead) return FAILED;
  const events = together(memory.events, journal.events)
    .filter(({ at }) => at >= (since ?? -Infinity) && at <= (until ?? Infinity));
  if (options.format === "json") {
    printDocuments(world, "json", {
      whole: () => ({
        ...head2(daemon, world.now()),
        output: "history",
        since: since ?? null,
        until: until ?? null,
        sources: { daemon: memory.isRead, journal: journal.isRead },
        notes,
        events: events.map(past2),
      }),
    });
    return OK;
  }
  for (const event of events) {
    world.out.write(options.evidence ? withEvidence(event, style) : eventText(event, style));
  }
  if (events.length === 0) world.err.write(`${name}: no events\n`);
  return OK;
}

interface Memory {
  readonly isRead: boolean;
  readonly events: readonly PastEvent[];
  readonly notes: readonly string[];
}

async function remembered(job: Job): Promise<Memory> {
  const { tool: { daemon }, world } = job;
  const unread = (why: string): Memory => ({ isRead: false, events: [], notes: [why] });
  const connected = await connectedTo(job);
  if (!connected.ok) {
    world.dropPermissions();
    return unread(busFailure(connected.error));
  }
  const { bus, client } = connected.session;
  try {
    const state = await client.state();
    return state.ok
      ? { isRead: true, events: ofDaemon(state.value.events ?? []), notes: [] }
      : unread(callFailure(daemon, "tell its newest events", state.error));
  } finally {
    bus.close();
  }
}

/** Events whose message ends in their evidence. */
const PROVED: ReadonlySet<string> = new Set(["disconnecting", "disconnected", "held", "let-go"]);

/** The evidence, moved from the message to lines of its own. */
function withEvidence(event: PastEvent, style: Style): string {
  const { evidence, message, type } = event;
  if (evidence === null) return eventText(event, style);
  const at = PROVED.has(type) ? message.lastIndexOf(evidence) : -1;
  const short = at < 0 ? message : message.slice(0, at).replace(/(?: \(withdrawn because)?[:;]? *$/, "");
  const pieces = evidence.split("; ").map((piece) =>
    `    ${style.paint("faint", "evidence:")} ${harmless(piece)}\n`
  );
  return eventText({ ...event, message: short }, style) + pieces.join("");
}

const past2 = ({ at, type, tid, text, device, message, evidence, uid }: PastEvent): V2Past => ({
  at,
  type,
  tid: tid === null ? null : tid2(tid),
  text,
  device,
  message,
  evidence,
  uid,
});
