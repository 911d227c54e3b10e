/** `forget`: drop discovery controllers that only mDNS announced and that will not come back. */
import type { V1ForgetAnswer } from "../lib/dbus/v1_types.ts";
import { FAILED, OK } from "./command_line.ts";
import { callFailure } from "./failure_text.ts";
import { printDocuments } from "./output_format.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import { harmless } from "./text_width.ts";
import { head2, tid2 } from "./v2.ts";
import type { V2Forgotten } from "./v2_acts.ts";
import { resolveWhat, unknownText } from "./what.ts";

export interface ForgetOptions {
  readonly format: "table" | "json";
  readonly dryRun: boolean;
}

export function forget(job: Job, what: string, { format, dryRun }: ForgetOptions): Promise<number> {
  const { tool, world } = job;
  const resolved = resolveWhat(world, what);
  if (!resolved.ok) return Promise.resolve(fail(job, resolved.message));
  return withDaemon(job, async ({ client }) => {
    const answer = await client.forget(what, resolved.names, dryRun ? "ask" : "do");
    if (!answer.ok) return fail(job, callFailure(tool.daemon, "do that", answer.error));
    const { value } = answer;
    if (format === "json") printDocuments(world, "json", { whole: () => forgotten2(value) });
    else if (value.result === "forgotten" || value.result === "possible") world.out.write(doneText(value));
    switch (value.result) {
      case "refused":
        for (const reason of value.reasons) {
          world.err.write(`${tool.name}: not forgotten: ${harmless(reason)}\n`);
        }
        return FAILED;
      case "unknown": {
        const state = await client.state();
        return fail(job, unknownText(tool.daemon, what, state.ok ? state.value : undefined));
      }
      case "forgotten":
      case "possible":
        return OK;
    }
  });
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;

function doneText({ result, controllers }: V1ForgetAnswer): string {
  const isDone = result === "forgotten";
  const lines = controllers.map(({ device, text, becomes, why, listed, only }) => {
    const connection = becomes === "disconnected"
      ? `; ${device}, whose link is lost, ${isDone ? "is being" : "would be"} disconnected`
      : becomes === "kept"
      ? `; ${device} stays connected: ${why}`
      : "";
    const page = listed === 0
      ? "it has no log page that lists I/O controllers"
      : `its log page listed ${count(listed, "I/O controller")}, ${only} of them in no other log page`;
    return `${isDone ? "Forgotten" : "Would be forgotten"}: ${harmless(text)}: ${page}${
      harmless(connection)
    }\n`;
  });
  const only = controllers.reduce((sum, one) => sum + one.only, 0);
  const after =
    `${isDone ? "stacd disconnects" : "stacd would disconnect"} those that no other source wants; ` +
    "what is in use and has no other usable path stays: stacctl plan\n";
  return lines.join("") + (only === 0 ? "" : after);
}

const forgotten2 = ({ daemon, at, result, reasons, controllers }: V1ForgetAnswer): V2Forgotten => ({
  ...head2(daemon, at),
  output: "forget",
  result,
  reasons,
  controllers: controllers.map(({ tid, ...one }) => ({ tid: tid2(tid), ...one })),
});
