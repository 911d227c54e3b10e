/** Kernel uevents: the netlink payload (group 1) and the `uevent` file of sysfs. */
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import { decodeUtf8, hasControl, quoted } from "../base/plain_text.ts";

export interface Uevent {
  /** `add`, `change`, `remove`, ... */
  readonly action: string;
  readonly devpath: string;
  readonly subsystem: string;
  readonly properties: ReadonlyMap<string, string>;
}

/** The kernel's buffer has 2048 bytes for the properties and sends the path in front of them. */
const MAX_PAYLOAD = 16_384;

/**
 * `ACTION@DEVPATH NUL KEY=VALUE NUL ...`. The first value of a repeated key stays.
 * Messages of udev (they start with `libudev`) are refused.
 */
export function parseUevent(payload: Uint8Array): Decoded<Uevent> {
  if (payload.length > MAX_PAYLOAD) {
    return malformed(MAX_PAYLOAD, `uevent of ${payload.length} bytes: more than ${MAX_PAYLOAD}`);
  }
  const text = decodeUtf8(payload);
  if (text === undefined) return malformed(0, "uevent: not UTF-8");
  const [head = "", ...lines] = text.split("\0");
  const separator = head.indexOf("@");
  if (separator <= 0 || head[separator + 1] !== "/" || hasControl(head)) {
    return malformed(0, `uevent: ${quoted(head)} is not ACTION@/DEVPATH`);
  }
  const properties = new Map<string, string>();
  let at = head.length + 1;
  for (const line of lines) {
    const equals = line.indexOf("=");
    if (equals <= 0 && line !== "") return malformed(at, `uevent: ${quoted(line)} is not KEY=VALUE`);
    const key = line.slice(0, equals);
    if (line !== "" && !properties.has(key)) properties.set(key, line.slice(equals + 1));
    at += line.length + 1;
  }
  return decoded({
    action: head.slice(0, separator),
    devpath: head.slice(separator + 1),
    subsystem: properties.get("SUBSYSTEM") ?? "",
    properties,
  });
}

/** The `uevent` file of a device in sysfs: lines `KEY=VALUE`; other lines are ignored. */
export function parseUeventFile(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) properties.set(line.slice(0, equals), line.slice(equals + 1));
  }
  return properties;
}
