/** `explain`: why a controller is in its state, from its source to the next step. */
import type { Result } from "../lib/dbus/client.ts";
import type { V1Explanation, V1Step } from "../lib/dbus/v1_types.ts";
import { OK } from "./command_line.ts";
import { toneOf } from "./controllers_view.ts";
import { callFailure } from "./failure_text.ts";
import { printJson } from "./output_format.ts";
import { fail, type Job, type Session, withDaemon } from "./session.ts";
import type { Style, Tone } from "./style.ts";
import { harmless, widthOf, wrapped } from "./text_width.ts";
import { whyMissing, writtenFor } from "./explain_missing.ts";
import { explanation2 } from "./v2.ts";
import { resolveWhat, unknownText } from "./what.ts";
import { clock, until, withLocalTimes } from "./when.ts";

export function explain(job: Job, format: "table" | "json", what: string): Promise<number> {
  const resolved = resolveWhat(job.world, what);
  if (!resolved.ok) return Promise.resolve(fail(job, resolved.message));
  // While files may still be read.
  const written = job.tool.daemon === "stacd" ? writtenFor(job.world, resolved.names) : [];
  return withDaemon(job, async (session) => {
    const asked = await askedFor(session, resolved.names);
    if (!asked.ok) return fail(job, callFailure(job.tool.daemon, "explain", asked.error));
    const explanation = { ...asked.value, query: what };
    if (format === "json") {
      printJson(job, "json", explanation, { whole: () => explanation2(explanation) });
    }
    if (explanation.matches.length === 0) {
      const state = await session.client.state();
      const exit = fail(job, unknownText(job.tool.daemon, what, state.ok ? state.value : undefined));
      if (job.tool.daemon === "stacd") {
        job.world.err.write(await whyMissing(job, session, resolved.names, written));
      }
      return exit;
    }
    if (format === "table") {
      const { out } = job.world;
      out.write(explanationText(explanation, job.style, out.isTerminal ? out.columns : Infinity));
    }
    return OK;
  });
}

/** A name that stands for several devices, such as a mount point on a volume group, makes several queries. */
async function askedFor({ client }: Session, names: readonly string[]): Promise<Result<V1Explanation>> {
  const [first = "", ...others] = names;
  const all = await client.explain(first);
  if (!all.ok) return all;
  const matches = [...all.value.matches];
  for (const name of others) {
    const more = await client.explain(name);
    if (!more.ok) return more;
    for (const match of more.value.matches) {
      if (!matches.some(({ text, device }) => text === match.text && device === match.device)) {
        matches.push(match);
      }
    }
  }
  return { ok: true, value: { ...all.value, matches } };
}

const LABELS: Readonly<Record<V1Step["step"], readonly [label: string, tone: Tone]>> = {
  source: ["wanted by", "plain"],
  decision: ["decision", "plain"],
  attempt: ["attempt", "busy"],
  state: ["state", "plain"],
  next: ["next", "strong"],
  remedy: ["remedy", "good"],
};

/** The failed attempts in a controller's history. */
const ATTEMPT = /^attempt |\b(?:failed|refused|E[A-Z]{4,})\b/;

/** Columns before the text of a step. */
const STEP_INDENT = 12;

function explanationText(explanation: V1Explanation, style: Style, columns: number): string {
  const { at } = explanation;
  return explanation.matches.map((match) => {
    const device = match.device === "" ? "" : `${match.device} `;
    const [first = "", ...rest] = wrapped(
      `${match.phase}: ${harmless(withLocalTimes(match.headline, at))}`,
      columns - 4,
    );
    const phase = style.paint(toneOf(match.phase), match.phase);
    const head = `${style.paint("strong", harmless(device + match.text))}\n  ${phase}${
      first.slice(match.phase.length)
    }\n${rest.map((line) => `    ${line}\n`).join("")}`;
    const steps = match.chain.map((step) => {
      const isAttempt = step.step !== "attempt" || ATTEMPT.test(step.text);
      const [label, tone] = isAttempt ? LABELS[step.step] : ["event", "plain"] as const;
      const when = step.at === null
        ? ""
        // Past events are never shown as future ones, even if the clock has been set back.
        : step.step === "next" && step.at > at
        ? ` (${until(step.at, at)}, at ${clock(step.at, at)})`
        : ` (${clock(step.at, at)})`;
      // The label says what it is.
      const told = label === "attempt" ? step.text.replace(/^attempt /, "") : step.text;
      const lines = wrapped(harmless(withLocalTimes(told, at)), columns - STEP_INDENT);
      const hasRoom = widthOf(lines.at(-1) ?? "") + when.length <= columns - STEP_INDENT;
      const text = lines.map((line) => style.paint(tone, line)).join(`\n${" ".repeat(STEP_INDENT)}`);
      const gap = hasRoom ? "" : `\n${" ".repeat(STEP_INDENT - 1)}`;
      return `  ${style.paint("faint", label.padEnd(9))} ${text}${gap}${style.paint("faint", when)}\n`;
    });
    return head + steps.join("");
  }).join("\n");
}
