/** `wait`: ends when a controller is connected, or gone. */
import type { V1Controller } from "../lib/dbus/v1_types.ts";
import { canonicalAddress, tidText } from "../lib/nvme/tid.ts";
import type { Duration } from "../lib/nvme/time.ts";
import { FAILED, OK } from "./command_line.ts";
import { callFailure } from "./failure_text.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import { harmless } from "./text_width.ts";

export type Goal = "connected" | "gone";

/** The state is asked for after each event, and this often in any case. */
const RECHECK_MS = 2_000;
/** What a timer can hold; 24 days stand for ever. */
const LONGEST_MS = 0x7fffffff;

export function wait(job: Job, goal: Goal, what: string, timeout: Duration): Promise<number> {
  const { tool, world } = job;
  const interrupted = world.interrupted();
  return withDaemon(job, async ({ bus, client }) => {
    let happened = Promise.withResolvers<"event">();
    const wake = (): void => happened.resolve("event");
    const watching = await client.watch({ event: wake, running: wake, garbled: wake });
    if (!watching.ok) return fail(job, callFailure(tool.daemon, "watch events", watching.error));
    const end = Promise.withResolvers<"timeout" | "lost" | "interrupted">();
    const timer = setTimeout(() => end.resolve("timeout"), Math.min(timeout.ms, LONGEST_MS));
    const recheck = setInterval(wake, RECHECK_MS);
    void bus.closed.then(() => end.resolve("lost"));
    void interrupted.then(() => end.resolve("interrupted"));
    try {
      for (;;) {
        happened = Promise.withResolvers();
        const state = await client.state();
        if (state.ok && isReached(goal, what, state.value.controllers)) return OK;
        const last = state.ok
          ? stateText(what, state.value.controllers)
          : callFailure(tool.daemon, "tell its state", state.error);
        switch (await Promise.race([happened.promise, end.promise])) {
          case "timeout":
            return fail(job, `not ${goal} within ${timeout.ms / 1000} s: ${last}`);
          case "lost":
            return fail(job, "the connection to the D-Bus system bus ended");
          case "interrupted":
            return FAILED;
        }
      }
    } finally {
      clearTimeout(timer);
      clearInterval(recheck);
    }
  });
}

/** `what` is an NQN, an address, a device, a namespace or a transport id as `ls` shows it. */
export function fits(what: string, { tid, device, namespaces, text }: V1Controller): boolean {
  return what === tid.subsysnqn || what === device || namespaces.includes(what) || what === text ||
    what === tidText(tid) ||
    canonicalAddress(tid.transport, what) === canonicalAddress(tid.transport, tid.traddr);
}

function isReached(goal: Goal, what: string, controllers: readonly V1Controller[]): boolean {
  const found = controllers.filter((controller) => fits(what, controller));
  return goal === "connected"
    ? found.some(({ phase }) => phase === "connected")
    : found.every(({ device }) => device === "");
}

function stateText(what: string, controllers: readonly V1Controller[]): string {
  const [first] = controllers.filter((controller) => fits(what, controller));
  if (first === undefined) return `there is no controller "${harmless(what)}"`;
  const why = first.lastFailure === null ? first.detail : first.lastFailure.message;
  return harmless(`${first.text} is ${first.phase}${why === "" ? "" : `: ${why}`}`);
}
