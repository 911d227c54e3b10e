/**
 * Reads a discovery log in pieces, between which other commands, and changes of the log, may occur (S3).
 *
 * Header, body in increasing offsets, header again; if an earlier reading suggests the length, that much of the body
 * comes with the header. The body is decoded as it comes, and nothing of it is used before the end. The page counts
 * when generation counter, record count and length are the same at the end. Only the closing read of the header clears
 * the event (RAE = 0), after the last byte of the body: no change in between can be missed. Pure: the caller sends the
 * commands and feeds back their outcomes.
 */
import { type GetLog, LID } from "./admin_command.ts";
import { decodeLogHeader, LOG_HEADER, type LogHeader } from "./discovery_log.ts";
import type { DiscoveryLog } from "./discovery_entry.ts";
import type { Failure } from "../base/failure.ts";
import { PageDecoder } from "./page_decoder.ts";
import { decodeStatus, STATUS, statusCode, statusText } from "./status.ts";

/** How often reading starts again when the page changes meanwhile (KRN-55). */
export const MAX_RESTARTS = 6;
/** Bytes of one command: the size that every controller supports, and that is tried first. */
const SMALL_CHUNK = 4096;
const LARGE_CHUNK = 128 * 1024;

/** The outcome of a command. */
export type LogReply =
  | { readonly type: "data"; readonly bytes: Uint8Array }
  /** NVMe status, not 0. */
  | { readonly type: "status"; readonly status: number }
  /** The command did not reach the controller. */
  | { readonly type: "errno"; readonly errno: string };

export type LogProgress =
  | { readonly type: "more"; readonly command: GetLog }
  | { readonly type: "done"; readonly log: DiscoveryLog }
  | { readonly type: "failed"; readonly failure: Failure };

export interface LogReaderOptions {
  /** LSP of the request (EXTDLPE, PLEO, ALLSUBE). */
  readonly lsp: number;
  /** Largest transfer of the controller in bytes, when it has a limit. */
  readonly maxTransfer?: number | undefined;
  /** {@link LogReader.hint} of the previous reader of the same controller. */
  readonly hint?: number | undefined;
}

/** Room for entries added since: usually one. */
const GROWTH = 4 * 1024;

const sameHeader = (a: LogHeader, b: LogHeader): boolean =>
  a.genctr === b.genctr && a.numrec === b.numrec && a.length === b.length && a.dlpf === b.dlpf;

/** Errors that a smaller transfer may avoid. */
function isTooLarge(reply: LogReply): boolean {
  if (reply.type === "errno") return reply.errno === "EINVAL";
  if (reply.type === "data") return false;
  const code = statusCode(reply.status);
  return code === STATUS.invalidField || code === STATUS.sglDataLength;
}

export class LogReader {
  readonly #lsp: number;
  #chunk: number;
  #restarts = 0;
  /** Bytes to begin with. */
  #opening = LOG_HEADER;
  #step: "opening" | "body" | "closing" = "opening";
  #header: LogHeader | undefined;
  #refusedMore = false;
  /** Bytes of the page according to its header. */
  #length = LOG_HEADER;
  #decoder: PageDecoder | undefined;
  /** Bytes of the page that have been read. */
  #filled = 0;

  constructor({ lsp, maxTransfer, hint = 0 }: LogReaderOptions) {
    this.#lsp = lsp;
    const limit = Math.min(LARGE_CHUNK, maxTransfer ?? LARGE_CHUNK);
    this.#chunk = Math.max(SMALL_CHUNK, limit - limit % SMALL_CHUNK);
    if (hint > 0) this.#opening = Math.min(this.#chunk, hint + GROWTH);
  }

  /**
   * For the next reading: bytes of the page; 0 when the controller refuses requests beyond the end, so that they are
   * not repeated.
   */
  get hint(): number {
    return this.#refusedMore ? 0 : this.#length;
  }

  /** Bytes of the page that are still to be read. */
  get left(): number {
    return this.#step === "body" ? this.#length - this.#filled : 0;
  }

  /** What is kept of the page: bytes that are not decoded yet, and entries. */
  get kept(): PageDecoder["kept"] {
    return this.#decoder?.kept ?? { bytes: 0, entries: 0 };
  }

  /** The command to send now. */
  get command(): GetLog {
    const request = { lid: LID.discovery, lsp: this.#lsp };
    if (this.#step === "opening") return { ...request, rae: true, offset: 0, length: this.#opening };
    if (this.#step === "closing") return { ...request, rae: false, offset: 0, length: LOG_HEADER };
    const length = Math.min(this.#chunk, this.#length - this.#filled);
    return { ...request, rae: true, offset: this.#filled, length };
  }

  feed(reply: LogReply): LogProgress {
    if (reply.type !== "data") return this.#refused(reply);
    const { length, offset } = this.command;
    if (reply.bytes.length !== length) {
      return this.#failed(`${reply.bytes.length} bytes came at offset ${offset} instead of ${length}`);
    }
    switch (this.#step) {
      case "opening":
        return this.#begin(reply.bytes);
      case "body":
        this.#decoder?.add(reply.bytes);
        this.#filled += length;
        if (this.#filled === this.#length) this.#step = "closing";
        return this.#more();
      case "closing":
        return this.#close(reply.bytes);
    }
  }

  #begin(bytes: Uint8Array): LogProgress {
    const header = decodeLogHeader(bytes);
    if (!header.ok) return this.#failed(header.problem);
    this.#header = header.value;
    this.#length = header.value.length;
    this.#filled = Math.min(bytes.length, this.#length);
    this.#decoder = new PageDecoder(header.value);
    this.#decoder.add(bytes.subarray(LOG_HEADER, this.#filled));
    this.#step = this.#filled === this.#length ? "closing" : "body";
    return this.#more();
  }

  #close(bytes: Uint8Array): LogProgress {
    const header = decodeLogHeader(bytes);
    if (!header.ok) return this.#failed(header.problem);
    if (
      this.#decoder === undefined || this.#header === undefined || !sameHeader(this.#header, header.value)
    ) {
      return this.#mayRestart() ? this.#begin(bytes) : this.#torn();
    }
    const log = this.#decoder.end();
    return log.ok ? { type: "done", log: log.value } : this.#failed(log.problem);
  }

  #refused(reply: Exclude<LogReply, { type: "data" }>): LogProgress {
    if (reply.type === "status" && statusCode(reply.status) === STATUS.discoverRestart) {
      if (!this.#mayRestart()) return this.#torn();
      this.#step = "opening";
      return this.#more();
    }
    // Whatever the error: assume that our request for more than the header caused it.
    const isOurs = this.#step === "opening" && this.#opening > LOG_HEADER;
    if (isOurs && (reply.type === "status" || isTooLarge(reply))) {
      this.#opening = LOG_HEADER;
      this.#refusedMore = true;
      return this.#more();
    }
    if (isTooLarge(reply) && this.#step === "body" && this.command.length > SMALL_CHUNK) {
      this.#chunk = SMALL_CHUNK;
      return this.#more();
    }
    if (reply.type === "status") {
      const { dnr } = decodeStatus(reply.status);
      return this.#failed(statusText(reply.status), {
        kind: dnr ? "permanent" : "transient",
        status: reply.status,
      });
    }
    const gone = reply.errno === "ENOENT" || reply.errno === "ENODEV" || reply.errno === "ENXIO";
    return this.#failed(reply.errno, { kind: gone ? "gone" : "transient", errno: reply.errno });
  }

  #mayRestart(): boolean {
    return ++this.#restarts <= MAX_RESTARTS;
  }

  #torn(): LogProgress {
    return this.#failed(`it changed ${this.#restarts} times while it was read`, {
      kind: "transient",
      errno: "EAGAIN",
    });
  }

  #more(): LogProgress {
    return { type: "more", command: this.command };
  }

  #failed(what: string, details: Partial<Failure> = {}): LogProgress {
    const message = `cannot read the discovery log: ${what}`;
    return { type: "failed", failure: { phase: "read-log", kind: "transient", message, ...details } };
  }
}
