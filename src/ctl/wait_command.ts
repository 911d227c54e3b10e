/** `wait`: ends when a controller is connected, or gone. */
import type { DaemonClient } from "../lib/dbus/client.ts";
import type { V1Controller, V1Explanation, V1State } from "../lib/dbus/v1_types.ts";
import type { Duration } from "../lib/base/time.ts";
import { named } from "../lib/nvme/what.ts";
import { FAILED, OK } from "./command_line.ts";
import { callFailure } from "./failure_text.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import { harmless } from "./text_width.ts";
import { withLocalTimes } from "./when.ts";
import { matcherFor, nameableOf, resolveWhat, unknownText } from "./what.ts";

export type Goal = "connected" | "gone";

export interface WaitOptions {
  readonly timeout: Duration;
  /** Connected: wait for all wanted paths, not just one. */
  readonly allPaths: boolean;
  /** Gone: succeed even if no controller has ever had such a name. */
  readonly allowUnknown: boolean;
}

/** The state is queried after each event, and at this interval in any case. */
const RECHECK_MS = 2_000;
/** The longest delay of a timer; 24 days stand for "for ever". */
const LONGEST_MS = 0x7fffffff;

/** The result of one look at the state. */
type Look =
  | { readonly is: "reached" }
  | { readonly is: "not-yet"; readonly why: string }
  | { readonly is: "hopeless"; readonly why: string };

export function wait(job: Job, goal: Goal, what: string, options: WaitOptions): Promise<number> {
  const { tool, world } = job;
  const resolved = resolveWhat(world, what);
  if (!resolved.ok) return Promise.resolve(fail(job, resolved.message));
  const interrupted = world.interrupted();
  return withDaemon(job, async ({ bus, client }) => {
    const watch = new Watch(job, goal, what, resolved.names, options);
    let happened = Promise.withResolvers<"event">();
    const wake = (): void => happened.resolve("event");
    const watching = await client.watch({ event: wake, running: wake, garbled: wake });
    if (!watching.ok) return fail(job, callFailure(tool.daemon, "watch events", watching.error));
    const end = Promise.withResolvers<"timeout" | "lost" | "interrupted">();
    const timer = setTimeout(() => end.resolve("timeout"), Math.min(options.timeout.ms, LONGEST_MS));
    const recheck = setInterval(wake, RECHECK_MS);
    void bus.closed.then(() => end.resolve("lost"));
    void interrupted.then(() => end.resolve("interrupted"));
    try {
      for (;;) {
        happened = Promise.withResolvers();
        const look = await watch.look(client);
        if (look.is === "reached") return OK;
        if (look.is === "hopeless") return fail(job, look.why);
        switch (await Promise.race([happened.promise, end.promise])) {
          case "timeout":
            return fail(job, `not ${goal} within ${options.timeout.ms / 1000} s: ${look.why}`);
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

/**
 * The controllers to wait for. Once found they stay the same, because a part of a name may be a part of
 * another name.
 */
class Watch {
  readonly #job: Job;
  readonly #goal: Goal;
  readonly #what: string;
  readonly #names: readonly string[];
  readonly #options: WaitOptions;
  readonly #seen = new Set<string>();

  constructor(job: Job, goal: Goal, what: string, names: readonly string[], options: WaitOptions) {
    this.#job = job;
    this.#goal = goal;
    this.#what = what;
    this.#names = names;
    this.#options = options;
  }

  async look(client: DaemonClient): Promise<Look> {
    const { tool: { daemon } } = this.#job;
    const state = await client.state();
    if (!state.ok) return { is: "not-yet", why: callFailure(daemon, "tell its state", state.error) };
    const found = this.#found(state.value);
    if (found.length > 0) {
      for (const { text } of found) this.#seen.add(text);
      const { at } = state.value;
      return this.#goal === "gone" ? gone(found, at) : connected(found, this.#options.allPaths, at);
    }
    if (this.#goal === "gone" && (this.#seen.size > 0 || this.#options.allowUnknown)) {
      return { is: "reached" };
    }
    return await this.#elsewhere(client, state.value);
  }

  #found({ controllers }: V1State): readonly V1Controller[] {
    const again = controllers.filter(({ text }) => this.#seen.has(text));
    // For a device that is gone, another controller may have its number by now.
    if (this.#goal === "gone" && this.#seen.size > 0) return again;
    return named(matcherFor(this.#names), controllers, nameableOf);
  }

  /** A controller that the daemon does not want: one that it remembers, or another program's. */
  async #elsewhere(client: DaemonClient, state: V1State): Promise<Look> {
    const { tool: { daemon } } = this.#job;
    const matches: V1Explanation["matches"][number][] = [];
    for (const name of this.#names) {
      const answer = await client.explain(name);
      if (!answer.ok) return { is: "not-yet", why: callFailure(daemon, "explain", answer.error) };
      matches.push(...answer.value.matches);
    }
    const present = matches.find(({ device, phase }) => phase !== "gone" && device !== "");
    if (present !== undefined) {
      return { is: "not-yet", why: harmless(`${present.device} ${present.text}: ${present.headline}`) };
    }
    if (this.#goal === "connected") {
      const [match] = matches;
      const why = match === undefined
        ? unknownText(daemon, this.#what, state)
        : harmless(`${match.text}: ${match.headline}`);
      return { is: "not-yet", why };
    }
    if (matches.length > 0) return { is: "reached" };
    return {
      is: "hopeless",
      why: `${unknownText(daemon, this.#what, state)}; --allow-unknown counts it as gone`,
    };
  }
}

function connected(found: readonly V1Controller[], all: boolean, now: number): Look {
  const wanted = found.filter(({ phase }) => phase !== "excluded" && phase !== "foreign");
  const others = wanted.filter(({ phase }) => phase !== "connected");
  const isReached = wanted.length > 0 && (all ? others.length === 0 : others.length < wanted.length);
  return isReached
    ? { is: "reached" }
    : { is: "not-yet", why: stateText(others.length > 0 ? others : found, now) };
}

function gone(found: readonly V1Controller[], now: number): Look {
  const present = found.filter(({ device }) => device !== "");
  return present.length === 0 ? { is: "reached" } : { is: "not-yet", why: stateText(present, now) };
}

function stateText([first, ...more]: readonly V1Controller[], now: number): string {
  if (first === undefined) return "";
  const why = first.lastFailure === null || first.phase === "reconnecting"
    ? first.detail
    : first.lastFailure.message;
  const others = more.length === 0 ? "" : `; and ${more.length} more`;
  const words = why === "" ? "" : `: ${withLocalTimes(why, now)}`;
  return harmless(`${first.text} is ${first.phase}${words}${others}`);
}
