/** `health`: one line and an exit status for scripts, whether or not somebody reads the line. */
import type { V1Health, V1State } from "../lib/dbus/v1_types.ts";
import { OK } from "./command_line.ts";
import { busFailure, callFailure } from "./failure_text.ts";
import { jsonText } from "./output_format.ts";
import { problemGroups } from "./problem_groups.ts";
import { redundancyOf } from "./redundancy.ts";
import { connectedTo, type Job } from "./session.ts";
import { DEGRADED, UNREACHABLE } from "./status_command.ts";
import { harmless } from "./text_width.ts";

export async function health(job: Job, format: "table" | "json"): Promise<number> {
  const { tool: { daemon }, world } = job;
  const say = (status: string, text: string, whole: object): void => {
    if (format === "json") world.out.write(`${jsonText({ ...whole, line: text })}\n`);
    else {world.out.write(
        `${daemon}: ${job.style.paint(status === "good" ? "good" : "bad", status)}: ${text}\n`,
      );}
  };
  const unreachable = (why: string): number => {
    say("unreachable", harmless(why), { schema: 1, daemon, status: "unreachable" });
    return UNREACHABLE;
  };
  const connected = await connectedTo(job);
  if (!connected.ok) return unreachable(busFailure(connected.error));
  const { bus, client } = connected.session;
  try {
    const [state, answer] = await Promise.all([client.state(), client.health()]);
    if (!state.ok) return unreachable(callFailure(daemon, "tell its state", state.error));
    if (!answer.ok) return unreachable(callFailure(daemon, "tell its health", answer.error));
    const { status } = answer.value;
    say(status, lineOf(state.value, answer.value), answer.value);
    return status === "good" ? OK : DEGRADED;
  } finally {
    bus.close();
  }
}

function lineOf(state: V1State, { counts, problems }: V1Health): string {
  const { wanted, connected, failing, waiting } = counts;
  const parts = [`${connected} of ${wanted} connected`];
  if (failing > 0) parts.push(`${failing} failing`);
  if (waiting > 0) parts.push(`${waiting} waiting`);
  const { none: without } = redundancyOf(state.controllers);
  if (state.daemon === "stacd" && without > 0) {
    parts.push(`${without} ${without === 1 ? "subsystem" : "subsystems"} without any path`);
  }
  const [first, ...more] = problemGroups(problems, state.controllers, state.at);
  if (first === undefined) return parts.join(", ");
  const others = more.length === 0 ? "" : `; and ${more.length} more`;
  return harmless(`${parts.join(", ")}; ${first.text}${others}`);
}
