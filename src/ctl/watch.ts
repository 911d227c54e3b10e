/** `--watch`: a command's output, drawn again whenever something happens. */
import { OK } from "./command_line.ts";
import { busFailure, callFailure } from "./failure_text.ts";
import { Buffer } from "./pager.ts";
import { connectedTo, fail, type Job } from "./session.ts";
import { widthOf } from "./text_width.ts";

/** Drawn again after this time in any case, because ages change. */
const REDRAW_MS = 2_000;
/** Events that come closer together are drawn together. */
const CALM_MS = 250;

/** Uses the alternate screen, so that the previous screen comes back at the end. */
const ENTER = "\x1b[?1049h";
const LEAVE = "\x1b[?1049l";

export async function watched(job: Job, draw: (job: Job) => Promise<number>): Promise<number> {
  const { world, tool } = job;
  const interrupted = world.interrupted();
  const connected = await connectedTo(job);
  if (!connected.ok) return fail(job, busFailure(connected.error));
  const { session } = connected;
  let happened = Promise.withResolvers<"event">();
  const wake = (): void => happened.resolve("event");
  const watching = await session.client.watch({ event: wake, running: wake, garbled: wake });
  if (!watching.ok) {
    session.bus.close();
    return fail(job, callFailure(tool.daemon, "watch events", watching.error));
  }
  const end = Promise.withResolvers<"interrupted" | "lost">();
  void session.bus.closed.then(() => end.resolve("lost"));
  void interrupted.then(() => end.resolve("interrupted"));
  world.out.write(ENTER);
  let why: "event" | "interrupted" | "lost" = "event";
  try {
    while (why === "event") {
      happened = Promise.withResolvers();
      const { columns, rows } = world.out.size?.() ?? { columns: world.out.columns, rows: 24 };
      const out = new Buffer({ isTerminal: true, columns });
      await draw({ ...job, session, world: { ...world, out, err: out } });
      if (!world.out.write(screenOf(out.text, columns, rows))) return OK;
      const timer = setTimeout(wake, REDRAW_MS);
      why = await Promise.race([happened.promise, end.promise]);
      clearTimeout(timer);
      if (why === "event") await new Promise((resolve) => setTimeout(resolve, CALM_MS));
    }
  } finally {
    world.out.write(LEAVE);
    session.bus.close();
  }
  return why === "interrupted" ? OK : fail(job, "the connection to the D-Bus system bus ended");
}

/** Colours take no room. */
const COLOUR = new RegExp("\x1b\\[[0-9;]*m", "g");

/** Draws as much as the screen has room for, over the previous output. */
export function screenOf(text: string, columns: number, rows: number): string {
  const lines = text.trimEnd().split("\n");
  const shown: string[] = [];
  let left = rows - 1;
  for (const line of lines) {
    left -= Math.max(1, Math.ceil(widthOf(line.replaceAll(COLOUR, "")) / columns));
    if (left < 0) break;
    shown.push(line);
  }
  const more = lines.length - shown.length;
  const last = more === 0 ? [] : [`(${more} more ${more === 1 ? "line" : "lines"})`];
  return `\x1b[H${[...shown, ...last].join("\x1b[K\n")}\x1b[K\x1b[J`;
}
