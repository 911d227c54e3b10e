/** `drain` and `undrain`: take controllers out for maintenance, and put them back. */
import type { Result } from "../lib/dbus/client.ts";
import type { V1Drain, V1DrainAnswer } from "../lib/dbus/v1_types.ts";
import type { Duration } from "../lib/base/time.ts";
import { FAILED, OK } from "./command_line.ts";
import { callFailure } from "./failure_text.ts";
import { printDocuments } from "./output_format.ts";
import { fail, type Job, type Session, withDaemon } from "./session.ts";
import { harmless } from "./text_width.ts";
import { drain2, head2, tid2 } from "./v2.ts";
import type { V2Drained } from "./v2_acts.ts";
import { resolveWhat, unknownText } from "./what.ts";
import { clock, span } from "./when.ts";

export interface DrainOptions {
  readonly format: "table" | "json";
  /** Undefined: until `undrain` or a reboot. */
  readonly term: Duration | undefined;
  readonly force: boolean;
}

/** The longest time that a timer can hold. */
const LONGEST_MS = 0x7fffffff;

export function drain(job: Job, what: string, { format, term, force }: DrainOptions): Promise<number> {
  const resolved = resolveWhat(job.world, what);
  if (!resolved.ok) return Promise.resolve(fail(job, resolved.message));
  const interrupted = job.world.interrupted().then(() => undefined);
  return withDaemon(job, async (session) => {
    const { client } = session;
    if (force && format === "table") {
      const asked = await client.drain(what, resolved.names, term, "ask");
      if (asked.ok) job.world.out.write(takenText(asked.value));
    }
    for (;;) {
      const answer = await client.drain(what, resolved.names, term, force ? "force" : "do");
      if (!answer.ok || answer.value.result !== "watching") {
        return await told(job, session, what, format, answer);
      }
      const again = answer.value.again ?? 0;
      const names = answer.value.controllers.filter(({ becomes }) => becomes === "watched")
        .map(({ device }) => device);
      job.world.err.write(
        `${job.tool.name}: whether a program reads or writes ${harmless(names.join(", "))} is watched for ${
          span(again)
        }\n`,
      );
      const waited = Promise.withResolvers<"over">();
      const timer = setTimeout(() => waited.resolve("over"), Math.min(again, LONGEST_MS));
      const end = await Promise.race([waited.promise, interrupted]);
      clearTimeout(timer);
      if (end === undefined) return fail(job, "not drained: interrupted");
    }
  });
}

export function undrain(job: Job, what: string, format: "table" | "json"): Promise<number> {
  const resolved = resolveWhat(job.world, what);
  // The name of a drain may refer to something that no longer exists.
  const names = resolved.ok ? resolved.names : [what];
  return withDaemon(
    job,
    async (session) => await told(job, session, what, format, await session.client.undrain(what, names)),
  );
}

async function told(
  job: Job,
  { client }: Session,
  what: string,
  format: "table" | "json",
  answer: Result<V1DrainAnswer>,
): Promise<number> {
  const { tool, world } = job;
  if (!answer.ok) return fail(job, callFailure(tool.daemon, "do that", answer.error));
  const { value } = answer;
  if (format === "json") printDocuments(world, "json", { whole: () => drained2(value) });
  else if (value.result === "drained" || value.result === "undrained") world.out.write(doneText(value));
  switch (value.result) {
    case "refused":
      for (const reason of value.reasons) world.err.write(`${tool.name}: not drained: ${harmless(reason)}\n`);
      if (value.controllers.length > 0) {
        world.err.write(
          `${tool.name}: stop using it, or connect another path first; --force drains it all the same\n`,
        );
      }
      return FAILED;
    case "unknown": {
      if (value.drains.length > 0) {
        const names = value.drains.map((one) => one.what).join(", ");
        return fail(
          job,
          `"${harmless(what)}" is not what a drain was called by; in force: ${harmless(names)}`,
        );
      }
      const state = await client.state();
      return fail(job, unknownText(tool.daemon, what, state.ok ? state.value : undefined));
    }
    default:
      return OK;
  }
}

const BECOMES: Readonly<Record<V1DrainAnswer["controllers"][number]["becomes"], string>> = {
  "not-connected": "not connected, and not connected while drained",
  disconnected: "being disconnected",
  kept: "stays connected",
  held: "in use, and disconnected all the same",
  watched: "disconnected, whether or not a program reads or writes it",
};

const rows = (controllers: V1DrainAnswer["controllers"], words: (becomes: string) => string): string =>
  controllers.map(({ device, text, becomes, why }) =>
    `  ${harmless([device, text].filter((part) => part !== "").join(" "))}: ${words(BECOMES[becomes])}${
      why === "" ? "" : `: ${harmless(why)}`
    }\n`
  ).join("");

/** The controllers that `--force` would disconnect, shown beforehand. */
const takenText = ({ controllers }: V1DrainAnswer): string =>
  `This drain takes, by force:\n${
    rows(controllers, (words) => words.replace("being disconnected", "disconnected, nothing uses it"))
  }`;

function doneText({ result, controllers, drains, at }: V1DrainAnswer): string {
  const heads = drains.map((one) => {
    const end = one.until === null ? "until undrain or a reboot" : `until ${clock(one.until, at)}`;
    return result === "drained"
      ? `Drained ${end}: ${harmless(one.what)}\n`
      : `No longer drained: ${harmless(one.what)}\n`;
  });
  return heads.join("") + rows(controllers, (words) => words);
}

/** A line of `status`. */
export const drainText = ({ what, uid, until, controllers }: V1Drain, at: number): string =>
  `${what}: ${controllers} ${controllers === 1 ? "controller" : "controllers"}, by uid ${uid}, ${
    until === null ? "until undrain or a reboot" : `until ${clock(until, at)}`
  }`;

function drained2({ daemon, at, result, reasons, controllers, drains }: V1DrainAnswer): V2Drained {
  return {
    ...head2(daemon, at),
    output: "drain",
    // Never final results: a possible drain is then done, a watched one is asked for again.
    result: result === "possible" || result === "watching" ? "refused" : result,
    reasons,
    controllers: controllers.map(({ tid, text, device, becomes, why }) => ({
      tid: tid2(tid),
      text,
      device,
      becomes,
      why,
    })),
    drains: drains.map(drain2),
  };
}
