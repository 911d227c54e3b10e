/** `monitor`: events as they happen, until the user or the bus ends it. */
import { OK } from "./command_line.ts";
import { eventText } from "./event_line.ts";
import { callFailure } from "./failure_text.ts";
import { jsonText } from "./output_format.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import { event2 } from "./v2.ts";

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
