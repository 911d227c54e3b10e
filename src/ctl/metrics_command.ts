/** `metrics`: the daemon's state for a monitoring system. */
import { OK } from "./command_line.ts";
import { callFailure } from "./failure_text.ts";
import { downText, metricsText } from "./metrics.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import { UNREACHABLE } from "./status_command.ts";

/** An unreachable daemon is a fact to be monitored: the metrics and the exit status both report it. */
export async function metrics(job: Job): Promise<number> {
  const { tool, world } = job;
  const exit = await withDaemon(job, async ({ client }) => {
    const [state, health] = await Promise.all([client.state(), client.health()]);
    if (state.ok && health.ok) {
      world.out.write(metricsText(state.value, health.value));
      return OK;
    }
    const error = !state.ok ? state.error : !health.ok ? health.error : undefined;
    if (error !== undefined) fail(job, callFailure(tool.daemon, "tell its metrics", error));
    return UNREACHABLE;
  }, UNREACHABLE);
  if (exit === UNREACHABLE) world.out.write(downText(tool.daemon));
  return exit;
}
