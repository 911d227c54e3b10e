/** `explain`: why a controller is where it is, from its source to the next step. */
import type { V1Explanation, V1Step } from "../lib/dbus/v1_types.ts";
import { FAILED, OK } from "./command_line.ts";
import { toneOf } from "./controllers_view.ts";
import { printValue } from "./output_format.ts";
import { answered, fail, type Job, withDaemon } from "./session.ts";
import type { Style, Tone } from "./style.ts";
import { harmless } from "./text_width.ts";
import { clock, until } from "./when.ts";

export function explain(job: Job, format: "table" | "json", what: string): Promise<number> {
  return withDaemon(job, ({ client }) =>
    answered(job, "explain", client.explain(what), (explanation) => {
      if (format === "json") printValue(job.world, "json", explanation);
      if (explanation.matches.length === 0) return unknown(job, what);
      if (format === "table") job.world.out.write(explanationText(explanation, job.style));
      return OK;
    }));
}

function unknown(job: Job, what: string): number {
  const { daemon, name } = job.tool;
  const other = daemon === "stafd" ? "stacctl" : "stafctl";
  fail(
    job,
    `${daemon} knows no controller "${
      harmless(what)
    }": give an NQN, an address, a device or a transport id as ` +
      `"${name} ls" shows them; ${daemon === "stafd" ? "I/O" : "discovery"} controllers: ${other} explain`,
  );
  return FAILED;
}

const LABELS: Readonly<Record<V1Step["step"], readonly [label: string, tone: Tone]>> = {
  source: ["wanted by", "plain"],
  decision: ["decision", "plain"],
  attempt: ["attempt", "busy"],
  state: ["state", "plain"],
  next: ["next", "strong"],
  remedy: ["remedy", "good"],
};

function explanationText(explanation: V1Explanation, style: Style): string {
  const { at } = explanation;
  return explanation.matches.map((match) => {
    const device = match.device === "" ? "" : `${match.device} `;
    const head = `${style.paint("strong", harmless(device + match.text))}\n  ${
      style.paint(toneOf(match.phase), match.phase)
    }: ${harmless(match.headline)}\n`;
    const steps = match.chain.map((step) => {
      const [label, tone] = LABELS[step.step];
      const when = step.at === null
        ? ""
        : step.at > at
        ? ` (${until(step.at, at)}, at ${clock(step.at, at)})`
        : ` (${clock(step.at, at)})`;
      return `  ${style.paint("faint", label.padEnd(9))} ${style.paint(tone, harmless(step.text))}${
        style.paint("faint", when)
      }\n`;
    });
    return head + steps.join("");
  }).join("\n");
}
