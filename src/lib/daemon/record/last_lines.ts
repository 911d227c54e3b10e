/** The daemon's last log lines, for a report from a host whose journal cannot be read. */
import { redacted } from "../../config/redact.ts";
import type { Clock, Log, LogEntry, LogLevel } from "../../ports.ts";

/** Lines, and characters of one line (S6). */
export const MAX_LINES = 256;
const MAX_LENGTH = 1024;

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
}

/** A log that remembers; debug messages would displace the others. */
export class LastLines implements Log {
  readonly #log: Log;
  readonly #clock: Pick<Clock, "now">;
  readonly #lines: LogLine[] = [];
  #next = 0;

  constructor(log: Log, clock: Pick<Clock, "now">) {
    this.#log = log;
    this.#clock = clock;
  }

  write(entry: LogEntry): void {
    this.#log.write(entry);
    const { level, message } = entry;
    if (level === "debug") return;
    this.#lines[this.#next] = { at: this.#clock.now().wall, level, message: message.slice(0, MAX_LENGTH) };
    this.#next = (this.#next + 1) % MAX_LINES;
  }

  /** The oldest first. */
  get lines(): readonly LogLine[] {
    return [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)]
      .map((line) => ({ ...line, message: redacted(line.message) }));
  }
}
