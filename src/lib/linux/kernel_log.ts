/**
 * The kernel's messages about a failed connect, if `/dev/kmsg` may be read: units with ProtectKernelLogs hide
 * it, and then there are none. Connects are made one at a time, so messages during a connect are about it.
 */
import { bytes, O_CLOEXEC, O_NONBLOCK, O_RDONLY, sys } from "./ffi_libc.ts";

/** One record is at most 8 KiB; reading it into less fails. */
const RECORD = 8192;
/** The most messages that are read, in case of a flood of others. */
const MAX_RECORDS = 1000;
const MAX_LINES = 5;
const EPIPE = 32;

export class KernelLog {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Positioned at the end; undefined when the log may not be read. */
  static open(path = "/dev/kmsg"): KernelLog | undefined {
    const fd = sys.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return undefined;
    if (sys.seekToEnd(fd) === 0) return new KernelLog(fd);
    sys.close(fd);
    return undefined;
  }

  /** What the NVMe drivers have logged since: at most five lines, the last ones. */
  news(): readonly string[] {
    const record = bytes(RECORD);
    const lines: string[] = [];
    for (let count = 0; count < MAX_RECORDS; count++) {
      const length = sys.read(this.#fd, record);
      // The oldest records were overwritten before we could read them.
      if (length === -EPIPE) continue;
      if (length <= 0) break;
      const line = nvmeLine(new TextDecoder().decode(record.subarray(0, length)));
      if (line !== undefined) lines.push(line);
    }
    return lines.slice(-MAX_LINES);
  }

  close(): void {
    sys.close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** `6,1234,5678,-;nvme nvme0: failed to connect socket: -111` without its prefix; undefined for other subsystems. */
export function nvmeLine(record: string): string | undefined {
  const text = record.slice(record.indexOf(";") + 1).split("\n", 1)[0] ?? "";
  // A malformed secret is printed by the kernel (S8).
  return /\bnvme/.test(text) && !text.includes("DHHC-1") ? text.trim() : undefined;
}
