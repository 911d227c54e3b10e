/** `plan`: what would be connected and disconnected, now or with another configuration file. Nothing is done. */
import type { V1Change, V1Plan } from "../lib/dbus/v1_types.ts";
import { FAILED, OK } from "./command_line.ts";
import { findingsText } from "./findings_view.ts";
import { readFileText } from "./host_identity.ts";
import { printValue } from "./output_format.ts";
import { answered, fail, type Job, withDaemon } from "./session.ts";
import type { Style, Tone } from "./style.ts";
import { harmless } from "./text_width.ts";
import { until } from "./when.ts";

/** Exit status when something would change. */
export const CHANGES = 2;

export function plan(
  job: Job,
  format: "table" | "json" | "jsonl",
  file: string | undefined,
): Promise<number> {
  const config = file === undefined ? { ok: true, text: "" } as const : readFileText(file);
  if (!config.ok) return Promise.resolve(fail(job, config.message));
  // An empty text would ask for the configuration in force.
  const text = file !== undefined && config.text === "" ? "\n" : config.text;
  return withDaemon(job, ({ client }) =>
    answered(job, "plan", client.plan(text), (answer) => {
      // The daemon got the text only: the name is ours to say.
      const findings = answer.findings.map((finding) => file === undefined ? finding : { ...finding, file });
      const named = (reason: string): string =>
        file === undefined ? reason : reason.replace(/^(?=:\d+: )/, file);
      const changes = answer.changes.map((change) => ({ ...change, reasons: change.reasons.map(named) }));
      const planned: V1Plan = { ...answer, findings, changes };
      if (format === "table") job.world.out.write(planText(planned, job.style));
      else printValue(job.world, format, format === "json" ? planned : planned.changes);
      if (!planned.valid) return FAILED;
      return planned.changes.length === 0 ? OK : CHANGES;
    }));
}

const SIGNS: Readonly<Record<V1Change["action"], readonly [sign: string, tone: Tone]>> = {
  connect: ["+", "good"],
  adopt: ["=", "good"],
  disconnect: ["-", "bad"],
  "let-go": ["~", "busy"],
};

function planText(planned: V1Plan, style: Style): string {
  const { findings, valid, changes, unknowns, unchanged, held, at } = planned;
  const lines: string[] = [findingsText(findings, style)];
  if (!valid) lines.push("This configuration would be refused; what is in force would stay.\n");
  for (const unknown of unknowns) lines.push(`${style.paint("busy", "?")} ${harmless(unknown)}\n`);
  for (const change of changes) {
    const [sign, tone] = SIGNS[change.action];
    const device = change.device === "" ? "" : `${change.device} `;
    const when = change.at === null ? "" : ` (${until(change.at, at)})`;
    lines.push(`${style.paint(tone, `${sign} ${change.action}`)} ${harmless(device + change.text)}${when}\n`);
    for (const reason of change.reasons) lines.push(`    ${style.paint("faint", harmless(reason))}\n`);
  }
  for (const { device, text, why, reasons } of held) {
    lines.push(`${style.paint("busy", "! held")} ${harmless(`${device} ${text}`)}: ${harmless(why)}\n`);
    for (const reason of reasons) lines.push(`    ${style.paint("faint", harmless(reason))}\n`);
  }
  const same = `${unchanged} ${
    unchanged === 1 ? "controller stays as it is" : "controllers stay as they are"
  }.\n`;
  lines.push(changes.length === 0 ? `Nothing to do: ${same}` : same);
  return lines.join("");
}
