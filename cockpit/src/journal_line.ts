/** A line of `journalctl -o json`. */

export interface JournalLine {
  readonly at: number;
  readonly priority: number;
  readonly who: string;
  readonly message: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** Undefined for any other text. A message that is not UTF-8 comes as a list of bytes. */
export function parseJournalLine(text: string): JournalLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  const message = parsed["MESSAGE"];
  const at = Number(parsed["__REALTIME_TIMESTAMP"]) / 1000;
  if (!Number.isFinite(at)) return undefined;
  return {
    at,
    priority: Number(parsed["PRIORITY"] ?? 6),
    who: typeof parsed["SYSLOG_IDENTIFIER"] === "string" ? parsed["SYSLOG_IDENTIFIER"] : "",
    message: typeof message === "string" ? message : bytesText(message),
  };
}

function bytesText(message: unknown): string {
  if (!Array.isArray(message)) return "";
  return new TextDecoder().decode(Uint8Array.from(message.map((byte: unknown) => Number(byte))));
}
