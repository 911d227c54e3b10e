/** `monitor`: events as they happen, until the user or the bus ends it. */
import type { V1Event } from "../lib/dbus/v1_types.ts";
import { OK } from "./command_line.ts";
import { callFailure } from "./failure_text.ts";
import { jsonText } from "./output_format.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import type { Style, Tone } from "./style.ts";
import { harmless } from "./text_width.ts";
import { event2 } from "./v2.ts";
import { stamp } from "./when.ts";

export function monitor(job: Job, format: "table" | "jsonl"): Promise<number> {
  const { world, tool, style, schema } = job;
  // From the first moment, because the user may end the command at once.
  const interrupted = world.interrupted();
  return withDaemon(job, async ({ bus, client }) => {
    const readerGone = Promise.withResolvers<void>();
    const write = (text: string): void => {
      if (!world.out.write(text)) readerGone.resolve();
    };
    const watching = await client.watch({
      event: (event, json) =>
        write(
          format === "table"
            ? eventText(event, style)
            : schema === 2
            ? `${jsonText(event2(event))}\n`
            : oneLine(json),
        ),
      running: (running) =>
        world.err.write(
          running
            ? `${tool.name}: watching ${tool.daemon}\n`
            : `${tool.name}: ${tool.daemon} is not running; waiting for it\n`,
        ),
      garbled: (message) => world.err.write(`${tool.name}: an event is invalid: ${message}\n`),
    });
    if (!watching.ok) return fail(job, callFailure(tool.daemon, "watch events", watching.error));
    const lost = await Promise.race([
      bus.closed,
      interrupted.then(() => undefined),
      readerGone.promise.then(() => undefined),
    ]);
    return lost === undefined ? OK : fail(job, `the connection to the D-Bus system bus ended: ${lost}`);
  });
}

/** A daemon's JSON on one line, whatever white space it contains. */
function oneLine(json: string): string {
  const value: unknown = JSON.parse(json);
  return jsonText(value) + "\n";
}

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

function eventText(event: V1Event, style: Style): string {
  const who = [event.device, event.text].filter((text) => text !== "").join(" ");
  const type = style.paint(TONES.get(event.type) ?? "plain", harmless(event.type).padEnd(17));
  return `${style.paint("faint", stamp(event.at))} ${type} ${harmless(who === "" ? "" : `${who}: `)}${
    harmless(event.message)
  }\n`;
}
