/** A line about an event, as `monitor` and `history` print it. */
import type { V1Event } from "../lib/dbus/v1_types.ts";
import type { Style, Tone } from "./style.ts";
import { harmless } from "./text_width.ts";
import { stamp } from "./when.ts";

const TONES: ReadonlyMap<string, Tone> = new Map([
  ["connected", "good"],
  ["failed", "bad"],
  ["disconnected", "bad"],
  ["connecting", "busy"],
  ["disconnecting", "busy"],
  ["disconnect-failed", "bad"],
  ["link-lost", "bad"],
  ["link-returned", "good"],
  ["removed", "bad"],
  ["less-safe", "bad"],
  ["held", "busy"],
]);

export function eventText(
  event: Pick<V1Event, "at" | "type" | "device" | "text" | "message">,
  style: Style,
): string {
  const who = [event.device, event.text].filter((text) => text !== "").join(" ");
  const type = style.paint(TONES.get(event.type) ?? "plain", harmless(event.type).padEnd(17));
  const words = [who, event.message].filter((text) => text !== "").join(": ");
  return `${style.paint("faint", stamp(event.at))} ${type} ${harmless(words)}\n`;
}
