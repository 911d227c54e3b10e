/** Log lines, and the events of the versioned interface. */
import { changeFleet, type Draft, emit, remindAt } from "./draft.ts";
import type { LogLevel } from "../../ports.ts";
import { mayTell, periodEnded } from "./log_limit.ts";
import type { Ctl } from "../controller/ctl.ts";
import { tidText } from "../../nvme/tid.ts";
import { eventFields, type EventType } from "../../base/messages.ts";
import { type Happening, MAX_RECENT } from "./fleet.ts";

export function logLine(
  draft: Draft,
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, string>>,
): void {
  emit(draft, { do: "log", entry: fields === undefined ? { level, message } : { level, message, fields } });
}

/**
 * A line that outside parties can cause without limit; `source` names the interface or controller, in
 * words.
 */
export function logOf(
  draft: Draft,
  source: string,
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, string>>,
): void {
  const { told, says, remind: late } = mayTell(draft.state.fleet.told, source, draft.now);
  changeFleet(draft, { told });
  if (late !== undefined) remindAt(draft, late.at, { of: "told", key: late.source });
  if (says) logLine(draft, level, message, fields);
}

/** The logging period of a source has ended. */
export function endLogPeriod(draft: Draft, source: string): void {
  const { told, text } = periodEnded(draft.state.fleet.told, source, draft.now);
  changeFleet(draft, { told });
  if (text !== undefined) logLine(draft, "warning", text);
}

/** A line about one controller, with the journal fields to find it by. */
export function say(
  draft: Draft,
  level: LogLevel,
  ctl: Ctl,
  what: string,
  more?: Readonly<Record<string, string>>,
): void {
  const { text, fields } = lineAbout(ctl, what);
  logLine(draft, level, text, { ...fields, ...more });
}

/** The same, for a line that the controller can cause without limit. */
export function sayOf(
  draft: Draft,
  ctl: Ctl,
  level: LogLevel,
  what: string,
  more?: Readonly<Record<string, string>>,
): void {
  const { text, fields } = lineAbout(ctl, what);
  logOf(draft, tidText(ctl.tid), level, text, { ...fields, ...more });
}

/** The event signal of the versioned interface; `more`: the fields of its line. */
export function announce(
  draft: Draft,
  ctl: Ctl,
  type: EventType,
  message: string,
  more?: Readonly<Record<string, string>>,
): void {
  const device = nameOf(ctl) ?? "";
  publish(draft, { type, tid: ctl.tid, text: tidText(ctl.tid), device, message, ...proofOf(more) });
}

/** The evidence of an event, and the person whose act it is, as its line in the journal has them. */
function proofOf(more: Readonly<Record<string, string>> = {}): Pick<Happening, "evidence" | "uid"> {
  const { NVME_EVIDENCE: evidence, STAS_UID: uid } = more;
  return {
    ...(evidence === undefined ? {} : { evidence }),
    ...(uid === undefined ? {} : { uid: Number(uid) }),
  };
}

/** An event of the daemon itself: the line, and the event signal. */
export function happened(
  draft: Draft,
  level: LogLevel,
  type: EventType,
  message: string,
  more?: Readonly<Record<string, string>>,
): void {
  logLine(draft, level, message, eventFields(type, more));
  publish(draft, { type, tid: null, text: "", device: "", message, ...proofOf(more) });
}

function publish(draft: Draft, what: Omit<Happening, "at">): void {
  const { daemon } = draft.rules;
  const happening = { at: draft.now.wall, ...what };
  changeFleet(draft, { recent: [...draft.state.fleet.recent, happening].slice(-MAX_RECENT) });
  const event = { schema: 1, daemon, ...happening };
  emit(draft, { do: "signal", signal: { type: "event", event } });
}

/** The device of a connection, or the one that the kernel is still connecting. */
const nameOf = ({ link }: Ctl): string | undefined => "ref" in link ? link.ref.device : undefined;

function lineAbout(ctl: Ctl, what: string): { text: string; fields: Readonly<Record<string, string>> } {
  const device = nameOf(ctl) ?? "nvme?";
  const { traddr, trsvcid, transport, subsysnqn, hostTraddr, hostIface } = ctl.tid;
  return {
    text: `${tidText(ctl.tid)} | ${device} - ${what}`,
    fields: {
      NVME_DEVICE: device,
      NVME_TRADDR: traddr,
      NVME_TRSVCID: trsvcid,
      NVME_TRANSPORT: transport,
      NVME_SUBSYSNQN: subsysnqn,
      ...(hostTraddr === "" ? {} : { NVME_HOST_TRADDR: hostTraddr }),
      ...(hostIface === "" ? {} : { NVME_HOST_IFACE: hostIface }),
    },
  };
}
