/** A tool's conversation with its daemon. */
import { Bus } from "../lib/dbus/bus.ts";
import { DaemonClient, type Result } from "../lib/dbus/client.ts";
import type { STAC, STAF } from "../lib/dbus/interfaces.ts";
import { FAILED } from "./command_line.ts";
import { busFailure, callFailure } from "./failure_text.ts";
import type { Style } from "./style.ts";
import type { World } from "./world.ts";

export interface Tool {
  readonly name: "stafctl" | "stacctl";
  readonly daemon: "stafd" | "stacd";
  readonly service: typeof STAF | typeof STAC;
}

/** What a command works with. */
export interface Job {
  readonly tool: Tool;
  readonly world: World;
  readonly style: Style;
}

export interface Session {
  readonly bus: Bus;
  readonly client: DaemonClient;
}

/** Says why a command failed, in one line; the result is the exit status. */
export function fail({ tool, world }: Job, message: string): number {
  world.err.write(`${tool.name}: ${message}\n`);
  return FAILED;
}

/**
 * Connects to the bus, gives all permissions away, and runs the command's questions. `unreachable` is the exit status when
 * there is no bus.
 */
export async function withDaemon(
  job: Job,
  run: (session: Session) => Promise<number>,
  unreachable = FAILED,
): Promise<number> {
  const connected = await Bus.connect(job.world.bus);
  if (!connected.ok) {
    fail(job, busFailure(connected.error));
    return unreachable;
  }
  const { bus } = connected;
  job.world.dropPermissions();
  try {
    return await run({ bus, client: new DaemonClient(bus, job.tool.service) });
  } finally {
    bus.close();
  }
}

/** Asks one question and shows the answer. `what` completes "cannot ...". */
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
