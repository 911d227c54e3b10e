/** `health`: one line and an exit status for scripts, whether or not somebody reads the line. */
import type { V1Health, V1State } from "../lib/dbus/v1_types.ts";
import { OK } from "./command_line.ts";
import { busFailure, callFailure } from "./failure_text.ts";
import { printJson } from "./output_format.ts";
import { problemGroups } from "./problem_groups.ts";
import { redundancyOf } from "./redundancy.ts";
import { connectedTo, type Job } from "./session.ts";
import { DEGRADED, UNREACHABLE } from "./status_command.ts";
import { harmless } from "./text_width.ts";
import { head2, health2 } from "./v2.ts";
import type { V1HealthLine, V1Unreachable } from "./v1_outputs.ts";
import type { V2Health } from "./v2_types.ts";
import { withLocalTimes } from "./when.ts";

export async function health(job: Job, format: "table" | "json"): Promise<number> {
  const { tool: { daemon }, world } = job;
  const say = (one: V1HealthLine | V1Unreachable, two: V2Health): void => {
    if (format === "json") return printJson(job, "jsonl", one, { whole: () => two });
    const { status, line } = one;
    world.out.write(`${daemon}: ${job.style.paint(status === "good" ? "good" : "bad", status)}: ${line}\n`);
  };
  const unreachable = (why: string): number => {
    const line = harmless(why);
    const problems = { counts: null, problems: [] };
    say(
      { schema: 1, daemon, status: "unreachable", line },
      { ...head2(daemon, world.now()), output: "health", status: "unreachable", line, ...problems },
    );
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
    const line = lineOf(state.value, answer.value);
    say({ ...answer.value, line }, health2(answer.value, line));
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
  const others = more.length === 0
    ? ""
    : `; and ${more.length} more ${more.length === 1 ? "problem" : "problems"}`;
  const text = withLocalTimes(first.text, state.at);
  return harmless(`${parts.join(", ")}; ${first.isAdvice ? "advice: " : ""}${text}${others}`);
}
