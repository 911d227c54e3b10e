/** `renew`: live connections get the options of the file. */
import type { Result } from "../lib/dbus/client.ts";
import type { V1RenewAnswer } from "../lib/dbus/v1_types.ts";
import { FAILED, OK } from "./command_line.ts";
import { callFailure } from "./failure_text.ts";
import { printDocuments } from "./output_format.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import { harmless } from "./text_width.ts";
import { head2, tid2 } from "./v2.ts";
import type { V2Renewed } from "./v2_acts.ts";
import { resolveWhat, unknownText } from "./what.ts";

export interface RenewOptions {
  readonly format: "table" | "json";
  readonly dryRun: boolean;
  /** Path after path, also where the keys could be handed to the kernel. */
  readonly reconnect: boolean;
}

/** The longest time that a timer can hold. */
const LONGEST_MS = 0x7fffffff;

export function renew(job: Job, what: string, { format, dryRun, reconnect }: RenewOptions): Promise<number> {
  const { tool, world } = job;
  const resolved = resolveWhat(world, what);
  if (!resolved.ok) return Promise.resolve(fail(job, resolved.message));
  const { names } = resolved;
  const interrupted = world.interrupted().then(() => "interrupted" as const);
  return withDaemon(job, async ({ client }) => {
    const end = async (answer: Result<V1RenewAnswer>): Promise<number> => {
      if (!answer.ok) return fail(job, callFailure(tool.daemon, "do that", answer.error));
      if (answer.value.result === "unknown") {
        const state = await client.state();
        return fail(job, unknownText(tool.daemon, what, state.ok ? state.value : undefined));
      }
      return told(job, answer.value, format);
    };
    const asked = await client.renew(what, names, reconnect ? "ask-reconnect" : "ask");
    if (!asked.ok || asked.value.result !== "possible" || dryRun) {
      if (asked.ok) warn(job, asked.value);
      return await end(asked);
    }
    warn(job, asked.value);
    let answer = await client.renew(what, names, reconnect ? "do-reconnect" : "do");
    let isStopped = false;
    while (answer.ok && answer.value.result === "running") {
      const waited = Promise.withResolvers<"over">();
      const timer = setTimeout(() => waited.resolve("over"), Math.min(answer.value.again ?? 0, LONGEST_MS));
      const first: "over" | "interrupted" = await Promise.race([
        waited.promise,
        ...isStopped ? [] : [interrupted],
      ]);
      clearTimeout(timer);
      const stops: boolean = first === "interrupted";
      if (stops) {
        world.err.write(`${tool.name}: no other path is begun; the one under way is finished first\n`);
      }
      isStopped ||= stops;
      answer = await client.renew(what, names, stops ? "stop" : "watch");
    }
    return await end(answer);
  });
}

function warn({ tool, world }: Job, { warnings }: V1RenewAnswer): void {
  for (const warning of warnings) world.err.write(`${tool.name}: warning: ${harmless(warning)}\n`);
}

function told({ tool, world }: Job, value: V1RenewAnswer, format: "table" | "json"): number {
  if (format === "json") printDocuments(world, "json", { whole: () => renewed2(value) });
  else if (value.result !== "refused") world.out.write(rows(value));
  const isGood = value.result === "renewed" || value.result === "possible";
  const what = value.result === "refused" ? "not renewed" : "stopped";
  for (const reason of value.reasons) world.err.write(`${tool.name}: ${what}: ${harmless(reason)}\n`);
  return isGood ? OK : FAILED;
}

const MEANS: Readonly<Record<V1RenewAnswer["controllers"][number]["means"], string>> = {
  keys: "the kernel authenticates again with the keys of the file; no path is lost",
  reconnect: "disconnected and connected again",
  same: "has the options of the file already, as far as the kernel shows them",
  "not-connected": "not connected; its next connection has the options of the file",
};

const IS: Readonly<Record<V1RenewAnswer["controllers"][number]["is"], string>> = {
  waiting: "",
  "under-way": "under way: ",
  done: "done: ",
  failed: "failed: ",
  left: "left as it was: ",
};

const rows = ({ controllers }: V1RenewAnswer): string =>
  controllers.map(({ device, text, means, is, why }) => {
    const isQuiet = means === "same" || means === "not-connected";
    const because = why === "" ? "" : ` (${harmless(why)})`;
    const name = harmless([device, text].filter((part) => part !== "").join(" "));
    return `${name}: ${isQuiet ? "" : IS[is]}${MEANS[means]}${because}\n`;
  }).join("");

const renewed2 = (answer: V1RenewAnswer): V2Renewed => {
  const { daemon, at, result, reasons, warnings, controllers } = answer;
  return {
    ...head2(daemon, at),
    output: "renew",
    // The tool waits for the end.
    result: result === "running" ? "stopped" : result,
    reasons,
    warnings,
    controllers: controllers.map(({ tid, ...one }) => ({ tid: tid2(tid), ...one })),
  };
};
