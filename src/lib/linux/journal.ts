/**
 * The log (STAF-2). Under systemd: structured records straight to the journal. Otherwise lines: with a prefix
 * `<N>` for a program that collects stderr, or plain on stdout for a person.
 */
import { printable, printableLines } from "../base/plain_text.ts";
import type { Log, LogEntry, LogLevel } from "../ports.ts";
import { errnoOf } from "./os_error.ts";
import { UnixDatagram } from "./unix_datagram.ts";

const JOURNAL = "/run/systemd/journal/socket";
const SYSLOG = "/dev/log";
/** Facility 3 (system daemons) in a syslog priority. */
const DAEMON = 3 << 3;
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };
/** Well below the size limit of a datagram. */
const MAX_TEXT = 32 * 1024;

export type LogTarget = "journal" | "syslog" | "prefixed" | "plain";

export interface JournalOptions {
  /** Name of the program, as the journal's identifier. */
  readonly program: string;
  readonly target: LogTarget;
  readonly journal?: string;
  readonly syslog?: string;
}

/** Where to log to. `syslog` is the option `--syslog`. */
export function logTarget(
  syslog: boolean,
  stream: string | undefined = Deno.env.get("JOURNAL_STREAM"),
): LogTarget {
  if (stream !== undefined && stream === streamOf(2)) return "journal";
  if (!syslog) return "plain";
  return exists(JOURNAL) ? "journal" : exists(SYSLOG) ? "syslog" : "prefixed";
}

export class Journal implements Log {
  readonly #options: JournalOptions;
  readonly #datagram = new UnixDatagram();
  #lost = 0;
  /** Entries less important than this are left out. */
  level: LogLevel = "info";

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  write(said: LogEntry): void {
    if (PRIORITY[said.level] > PRIORITY[this.level]) return;
    const entry = shown(said);
    const { target } = this.#options;
    if (target === "plain") print(Deno.stdout, `${entry.message}\n`);
    else if (target === "prefixed") print(Deno.stderr, prefixed(entry));
    else this.#send(entry);
  }

  close(): void {
    this.#datagram.close();
  }

  /**
   * Never blocks: a hanging log must not delay storage. Messages that do not fit are counted and reported
   * later.
   */
  #send(entry: LogEntry): void {
    const lost = this.#lost;
    if (
      lost > 0 && this.#deliver({ level: "warning", message: `${lost} log messages were lost` }) === "sent"
    ) this.#lost = 0;
    const delivered = this.#lost > 0 ? "full" : this.#deliver(entry);
    if (delivered === "full") this.#lost++;
    else if (delivered === "nobody") print(Deno.stderr, prefixed(entry));
  }

  #deliver(entry: LogEntry): "sent" | "full" | "nobody" {
    const { target, program, journal = JOURNAL, syslog = SYSLOG } = this.#options;
    const errno = target === "journal"
      ? this.#datagram.send(journal, journalRecord(entry, program))
      : this.#datagram.send(syslog, syslogRecord(entry, program));
    return errno === 0 ? "sent" : errno === EAGAIN ? "full" : "nobody";
  }
}

const EAGAIN = 11;

/** The text contains names of peers: characters that control a terminal, or reverse the text, are escaped. */
function shown({ fields, message, ...entry }: LogEntry): LogEntry {
  const texts = fields === undefined
    ? {}
    : { fields: Object.fromEntries(Object.entries(fields).map(([key, text]) => [key, printable(text)])) };
  return { ...entry, message: printableLines(message), ...texts };
}

const cut = (text: string): string => text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;

const encoder = new TextEncoder();

/** Journal's native format: `KEY=value`, or key, length and value where the value has line ends. */
export function journalRecord({ level, message, fields }: LogEntry, program: string): Uint8Array {
  const all = { ...fields, PRIORITY: String(PRIORITY[level]), SYSLOG_IDENTIFIER: program, MESSAGE: message };
  const parts: Uint8Array[] = [];
  let lines = "";
  for (const [key, value] of Object.entries(all)) {
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(key)) {
      throw new Error(`${JSON.stringify(key)} is not a name of a journal field`);
    }
    if (!value.includes("\n")) {
      lines += `${key}=${cut(value)}\n`;
      continue;
    }
    const data = encoder.encode(cut(value));
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true);
    parts.push(encoder.encode(`${lines}${key}\n`), length, data);
    lines = "\n";
  }
  // Usually that is the whole text.
  const end = encoder.encode(lines);
  return parts.length === 0 ? end : joined([...parts, end]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const record = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    record.set(part, at);
    at += part.length;
  }
  return record;
}

const syslogRecord = ({ level, message }: LogEntry, program: string): Uint8Array =>
  new TextEncoder().encode(`<${DAEMON | PRIORITY[level]}>${program}[${Deno.pid}]: ${cut(message)}`);

/** One line of output for each line of the message, each with its priority. */
const prefixed = ({ level, message }: LogEntry): string =>
  cut(message).split("\n").map((line) => `<${PRIORITY[level]}>${line}\n`).join("");

/** The reader has gone, or the disk is full: there is no better place to report it. */
function print(stream: { writeSync(data: Uint8Array): number }, text: string): void {
  const data = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < data.length;) at += stream.writeSync(data.subarray(at));
  } catch (error) {
    if (errnoOf(error) === 0) throw error;
  }
}

/** `device:inode` of an open descriptor, as JOURNAL_STREAM has it. */
function streamOf(fd: number): string | undefined {
  try {
    const { dev, ino } = Deno.statSync(`/proc/self/fd/${fd}`);
    return `${dev}:${ino}`;
  } catch (error) {
    if (errnoOf(error) === 0) throw error;
    return undefined;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 0) throw error;
    return false;
  }
}
