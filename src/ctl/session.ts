/** A tool's conversation with its daemon. */
import { Bus } from "../lib/dbus/bus.ts";
import type { BusError } from "../lib/dbus/bus_types.ts";
import { DaemonClient, type Result } from "../lib/dbus/client.ts";
import type { STAC, STAF } from "../lib/dbus/interfaces.ts";
import { FAILED } from "./command_line.ts";
import { busFailure, callFailure } from "./failure_text.ts";
import type { Schema } from "./output_format.ts";
import type { Style } from "./style.ts";
import type { World } from "./world.ts";

export interface Tool {
  readonly name: "stafctl" | "stacctl";
  readonly daemon: "stafd" | "stacd";
  readonly service: typeof STAF | typeof STAC;
}

/** The environment of a command. */
export interface Job {
  readonly tool: Tool;
  readonly world: World;
  readonly style: Style;
  /** The schema of printed JSON. */
  readonly schema: Schema;
  /** The connection over which a command runs repeatedly. */
  readonly session?: Session;
}

export interface Session {
  readonly bus: Bus;
  readonly client: DaemonClient;
}

/** Reports why a command failed, in one line; the result is the exit status. */
export function fail({ tool, world }: Job, message: string): number {
  world.err.write(`${tool.name}: ${message}\n`);
  return FAILED;
}

/**
 * Connects to the bus, gives up all permissions, and runs the command's calls. `unreachable` is the exit
 * status when there is no bus.
 */
export async function withDaemon(
  job: Job,
  run: (session: Session) => Promise<number>,
  unreachable = FAILED,
): Promise<number> {
  if (job.session !== undefined) return await run(job.session);
  const connected = await connectedTo(job);
  if (!connected.ok) {
    fail(job, busFailure(connected.error));
    return unreachable;
  }
  const { session } = connected;
  try {
    return await run(session);
  } finally {
    session.bus.close();
  }
}

/** A connection to the bus, with all permissions given up; the caller closes it. */
export async function connectedTo(
  { world, tool }: Job,
): Promise<
  { readonly ok: true; readonly session: Session } | { readonly ok: false; readonly error: BusError }
> {
  const connected = await Bus.connect(world.bus);
  if (!connected.ok) return connected;
  const { bus } = connected;
  world.dropPermissions();
  return { ok: true, session: { bus, client: new DaemonClient(bus, tool.service) } };
}

/** Makes one call and shows the answer. `what` completes "cannot ...". */
export async function answered<T>(
  job: Job,
  what: string,
  question: Promise<Result<T>>,
  show: (value: T) => number,
  unreachable = FAILED,
): Promise<number> {
  const result = await question;
  if (result.ok) return show(result.value);
  fail(job, callFailure(job.tool.daemon, what, result.error));
  return unreachable;
}
