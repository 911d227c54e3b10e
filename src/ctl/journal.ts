/**
 * The daemons' events in the journal, read by the tool through `journalctl`: the daemons themselves never read it,
 * because it may be on a disk that they serve. Its contents are untrusted: other programs may have written any form
 * of entry.
 */
import { isRecord } from "../lib/dbus/json_reader.ts";
import { isTransport, type Tid, tidText } from "../lib/nvme/tid.ts";
import { seconds } from "../lib/base/time.ts";
import { type PastEvent, SAME_MOMENT_MS, TOLD } from "./past_event.ts";
import { harmless } from "./text_width.ts";
import { stamp } from "./when.ts";
import { MAX_OUTPUT, type Ran, type World } from "./world.ts";

/** The limit of newest lines to read; {@link MAX_OUTPUT} bounds them, too. */
const MAX_LINES = 10_000;
const PATIENCE = seconds(30);

const FIELDS = [
  "_SOURCE_REALTIME_TIMESTAMP",
  "MESSAGE",
  "MESSAGE_ID",
  "NVME_DEVICE",
  "NVME_TRANSPORT",
  "NVME_TRADDR",
  "NVME_TRSVCID",
  "NVME_SUBSYSNQN",
  "NVME_HOST_TRADDR",
  "NVME_HOST_IFACE",
  "NVME_EVIDENCE",
  "STAS_UID",
];

export interface Term {
  readonly since: number | undefined;
  readonly until: number | undefined;
}

export interface JournalEvents {
  /** False: nothing could be read; `notes` has the reason. */
  readonly isRead: boolean;
  /** The oldest first. */
  readonly events: readonly PastEvent[];
  /** Why something may be missing, and the remedy. */
  readonly notes: readonly string[];
}

/** Reads the newest first, so that a bound cuts off the oldest; with `-n` alone older versions begin at `--since`. */
export const askJournal = (world: World, daemon: string, { since, until }: Term): Promise<Ran | undefined> =>
  world.run([
    "journalctl",
    "-o",
    "json",
    "--no-pager",
    "--reverse",
    "-n",
    String(MAX_LINES),
    `--output-fields=${FIELDS.join(",")}`,
    "-u",
    daemon,
    // The journal selects by its own time stamp, which is a little later than that of the event.
    ...(since === undefined ? [] : [`--since=@${Math.max(0, Math.floor((since - SAME_MOMENT_MS) / 1000))}`]),
    ...(until === undefined ? [] : [`--until=@${Math.max(0, Math.ceil((until + SAME_MOMENT_MS) / 1000))}`]),
    ...[...TOLD.keys()].map((id) => `MESSAGE_ID=${id}`),
  ], PATIENCE);

/** Reads the answer. */
export function journalEvents(ran: Ran | undefined): JournalEvents {
  if (ran === undefined) {
    const why = `journalctl is not installed, or did not answer within ${PATIENCE.ms / 1000} s`;
    return { isRead: false, events: [], notes: [`the journal was not read: ${why}`] };
  }
  const isCut = ran.isCut === true;
  const lines = ran.out.split("\n");
  // The last line is cut off.
  if (isCut) lines.pop();
  // `-- No entries --`
  const entries = lines.filter((line) => line.startsWith("{"));
  const read = entries.map(eventOf);
  const events = read.filter((event) => event !== undefined).toReversed();
  const notes: string[] = [];
  const complaint = complaintOf(ran);
  if (complaint !== undefined) notes.push(complaint);
  const strange = read.length - events.length;
  if (strange > 0) {
    const what = strange === 1 ? "1 entry" : `${strange} entries`;
    notes.push(`${what} of the journal could not be understood and ${strange === 1 ? "is" : "are"} left out`);
  }
  const [first, ...more] = events;
  if (first !== undefined && (isCut || entries.length >= MAX_LINES)) {
    const oldest = more.reduce((at, event) => Math.min(at, event.at), first.at);
    const bound = isCut ? `${MAX_OUTPUT / 1024 / 1024} MiB` : `${MAX_LINES} entries`;
    notes.push(
      `only the newest ${bound} of the journal were read; for earlier ones: --until ${stamp(oldest)}`,
    );
  }
  return { isRead: ran.success || isCut || events.length > 0, events, notes };
}

function complaintOf({ success, err, isCut }: Ran): string | undefined {
  const [first = ""] = err.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (/insufficient permissions|not seeing messages|permission denied/i.test(err)) {
    return "the journal of the system is not readable by this user: use sudo, or join the group systemd-journal";
  }
  if (/no journal files were (?:found|opened)/i.test(err)) return "the journal has no files on this host";
  if (first !== "") return `journalctl says: ${harmless(first)}`;
  return success || isCut === true
    ? undefined
    : "the journal was not read: journalctl failed without a message";
}

function eventOf(line: string): PastEvent | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(entry)) return undefined;
  const field = (name: string): string => Object.hasOwn(entry, name) ? textOf(entry[name]) : "";
  const type = TOLD.get(field("MESSAGE_ID"));
  const at = microseconds(field("_SOURCE_REALTIME_TIMESTAMP")) ?? microseconds(field("__REALTIME_TIMESTAMP"));
  if (type === undefined || at === undefined) return undefined;
  const tid = tidOf(field);
  const text = tid === null ? "" : tidText(tid);
  const device = field("NVME_DEVICE");
  const message = field("MESSAGE");
  const lead = `${text} | ${device} - `;
  const uid = field("STAS_UID");
  return {
    at,
    type,
    tid,
    text,
    device: device === "nvme?" ? "" : device,
    message: message.startsWith(lead) ? message.slice(lead.length) : message,
    evidence: field("NVME_EVIDENCE") || null,
    uid: /^\d{1,10}$/.test(uid) ? Number(uid) : null,
  };
}

/** Null without a controller: an event of the daemon itself. */
function tidOf(field: (name: string) => string): Tid | null {
  const transport = field("NVME_TRANSPORT");
  if (!isTransport(transport)) return null;
  return {
    transport,
    traddr: field("NVME_TRADDR"),
    trsvcid: field("NVME_TRSVCID"),
    subsysnqn: field("NVME_SUBSYSNQN"),
    hostTraddr: field("NVME_HOST_TRADDR"),
    hostIface: field("NVME_HOST_IFACE"),
    hostNqn: "",
  };
}

/**
 * A field of `-o json`: a text; an array of bytes where it is not UTF-8; an array of such where an entry has the field
 * several times, of which the first counts; null where it is too long. Empty: none.
 */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return "";
  const items: readonly unknown[] = value;
  const bytes = items.filter((item) => typeof item === "number");
  if (bytes.length < items.length) {
    const [first] = items;
    return typeof first === "string" || Array.isArray(first) && first.every((n) => typeof n === "number")
      ? textOf(first)
      : "";
  }
  if (!bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) return "";
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Converts microseconds to milliseconds. */
function microseconds(text: string): number | undefined {
  return /^\d{1,17}$/.test(text) ? Math.floor(Number(text) / 1000) : undefined;
}
