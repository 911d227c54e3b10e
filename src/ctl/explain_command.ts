/** `explain`: why a controller is where it is, from its source to the next step. */
import type { V1Explanation, V1Step } from "../lib/dbus/v1_types.ts";
import { FAILED, OK } from "./command_line.ts";
import { toneOf } from "./controllers_view.ts";
import { printValue } from "./output_format.ts";
import { answered, fail, type Job, withDaemon } from "./session.ts";
import type { Style, Tone } from "./style.ts";
import { harmless, widthOf, wrapped } from "./text_width.ts";
import { clock, until } from "./when.ts";

export function explain(job: Job, format: "table" | "json", what: string): Promise<number> {
  return withDaemon(job, ({ client }) =>
    answered(job, "explain", client.explain(what), (explanation) => {
      if (format === "json") printValue(job.world, "json", explanation);
      if (explanation.matches.length === 0) return unknown(job, what);
      if (format === "table") {
        const { out } = job.world;
        out.write(explanationText(explanation, job.style, out.isTerminal ? out.columns : Infinity));
      }
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

/** Columns before the text of a step. */
const STEP_INDENT = 12;

function explanationText(explanation: V1Explanation, style: Style, columns: number): string {
  const { at } = explanation;
  return explanation.matches.map((match) => {
    const device = match.device === "" ? "" : `${match.device} `;
    const [first = "", ...rest] = wrapped(`${match.phase}: ${harmless(match.headline)}`, columns - 4);
    const phase = style.paint(toneOf(match.phase), match.phase);
    const head = `${style.paint("strong", harmless(device + match.text))}\n  ${phase}${
      first.slice(match.phase.length)
    }\n${rest.map((line) => `    ${line}\n`).join("")}`;
    const steps = match.chain.map((step) => {
      const [label, tone] = LABELS[step.step];
      const when = step.at === null
        ? ""
        // What has happened is not in the future, whatever a clock says that somebody has set.
        : step.step === "next" && step.at > at
        ? ` (${until(step.at, at)}, at ${clock(step.at, at)})`
        : ` (${clock(step.at, at)})`;
      const lines = wrapped(harmless(step.text), columns - STEP_INDENT);
      const hasRoom = widthOf(lines.at(-1) ?? "") + when.length <= columns - STEP_INDENT;
      const text = lines.map((line) => style.paint(tone, line)).join(`\n${" ".repeat(STEP_INDENT)}`);
      const gap = hasRoom ? "" : `\n${" ".repeat(STEP_INDENT - 1)}`;
      return `  ${style.paint("faint", label.padEnd(9))} ${text}${gap}${style.paint("faint", when)}\n`;
    });
    return head + steps.join("");
  }).join("\n");
}
