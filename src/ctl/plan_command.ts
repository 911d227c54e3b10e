/** `plan`: what would be connected and disconnected, now or with another configuration file. Nothing is done. */
import { DaemonClient } from "../lib/dbus/client.ts";
import { STAC } from "../lib/dbus/interfaces.ts";
import type { V1Change, V1Controller, V1Plan } from "../lib/dbus/v1_types.ts";
import { FAILED, OK } from "./command_line.ts";
import { callFailure } from "./failure_text.ts";
import { findingsText } from "./findings_view.ts";
import { readFileText } from "./host_identity.ts";
import { printJson } from "./output_format.ts";
import { fail, type Job, type Session, withDaemon } from "./session.ts";
import type { Style, Tone } from "./style.ts";
import { harmless } from "./text_width.ts";
import { change2, head2, plan2 } from "./v2.ts";
import { until } from "./when.ts";

/** Exit status when something would change. */
const CHANGES = 2;

export function plan(
  job: Job,
  format: "table" | "json" | "jsonl",
  file: string | undefined,
): Promise<number> {
  const config = file === undefined ? { ok: true, text: "" } as const : readFileText(file);
  if (!config.ok) return Promise.resolve(fail(job, config.message));
  // An empty text would ask for the configuration in force.
  const text = file !== undefined && config.text === "" ? "\n" : config.text;
  return withDaemon(job, async ({ bus, client }) => {
    const answer = await client.plan(text);
    if (!answer.ok) {
      const aid = file === undefined
        ? ""
        : `; what is wrong in the file, it tells without the daemon: ${job.tool.name} check ${file}`;
      return fail(job, callFailure(job.tool.daemon, "plan", answer.error) + aid);
    }
    // The daemon got the text only: the name is ours to say.
    const findings = answer.value.findings.map((finding) =>
      file === undefined ? finding : { ...finding, file }
    );
    const named = (reason: string): string =>
      file === undefined ? reason : reason.replace(/^(?=:\d+: )/, file);
    const changes = answer.value.changes.map((change) => ({ ...change, reasons: change.reasons.map(named) }));
    const planned: V1Plan = { ...answer.value, findings, changes };
    if (format === "table") {
      const effects = await furtherEffects(job, { bus, client }, planned);
      job.world.out.write(planText(planned, job.style, effects));
    } else {
      printJson(job, format, format === "json" ? planned : planned.changes, {
        whole: () => plan2(planned),
        lines: () =>
          planned.changes.map((change) => ({
            ...head2(planned.daemon, planned.at),
            output: "plan-line",
            change: change2(change),
          })),
      });
    }
    if (!planned.valid) return FAILED;
    return planned.changes.every(({ retry }) => retry === true) ? OK : CHANGES;
  });
}

const TAKES_AWAY: ReadonlySet<V1Change["action"]> = new Set(["disconnect", "let-go"]);

/** What follows from it beyond the controllers themselves. */
async function furtherEffects(
  job: Job,
  { bus, client }: Session,
  { changes }: V1Plan,
): Promise<readonly string[]> {
  const going = changes.filter(({ action }) => TAKES_AWAY.has(action));
  if (going.length === 0) return [];
  if (job.tool.daemon === "stacd") {
    const state = await client.state();
    return state.ok ? lastPaths(state.value.controllers, going) : [];
  }
  const stacd = await new DaemonClient(bus, STAC).state();
  if (!stacd.ok) return ["stacd is not running: what it would disconnect then is not known"];
  const dcs = going.map(({ text }) => ` of ${text},`);
  const only = stacd.value.controllers.filter(({ device, sources }) =>
    device !== "" && sources.length > 0 &&
    sources.every(({ kind, text }) => kind === "log-page" && dcs.some((dc) => text.includes(dc)))
  );
  if (only.length === 0) return [];
  const subsystems = new Set(only.map(({ tid }) => tid.subsysnqn));
  return [
    `stacd will then disconnect ${only.length} I/O ${
      only.length === 1 ? "path" : "paths"
    } of ${subsystems.size} ${
      subsystems.size === 1 ? "subsystem" : "subsystems"
    } that nothing else lists, unless they are in use or disconnect-scope keeps them: ${
      only.map(({ device }) => device).slice(0, MAX_NAMES).join(", ")
    }${only.length > MAX_NAMES ? " and others" : ""}`,
    ...lastPaths(stacd.value.controllers, only),
  ];
}

/** Names that are shown of many. */
const MAX_NAMES = 5;

/** Subsystems that have a path now, and would have none. */
function lastPaths(
  controllers: readonly V1Controller[],
  going: readonly { readonly device: string }[],
): readonly string[] {
  const devices = new Set(going.map(({ device }) => device));
  const live = controllers.filter(({ phase }) => phase === "connected" || phase === "leaving");
  const lost = [...Map.groupBy(live, ({ tid }) => tid.subsysnqn)].filter(([, paths]) =>
    paths.every(({ device }) => devices.has(device))
  );
  return lost.map(([nqn]) => `${nqn} loses its last path`);
}

const SIGNS: Readonly<Record<V1Change["action"], readonly [sign: string, tone: Tone]>> = {
  connect: ["+", "good"],
  adopt: ["=", "good"],
  disconnect: ["-", "bad"],
  "let-go": ["~", "busy"],
};

/** What takes something away comes first. */
const ORDER: readonly V1Change["action"][] = ["disconnect", "let-go", "adopt", "connect"];

function planText(planned: V1Plan, style: Style, effects: readonly string[]): string {
  const { findings, valid, changes, unknowns, held, at } = planned;
  const lines: string[] = [findingsText(findings, style)];
  if (!valid) lines.push("This configuration would be refused; what is in force would stay.\n");
  for (const unknown of unknowns) lines.push(`${style.paint("busy", "?")} ${harmless(unknown)}\n`);
  const real = changes.filter(({ retry }) => retry !== true);
  const ordered = real.toSorted((a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action));
  const told = (change: V1Change): void => {
    const [sign, tone] = SIGNS[change.action];
    const device = change.device === "" ? "" : `${change.device} `;
    const when = change.at === null ? "" : ` (${until(change.at, at)})`;
    lines.push(`${style.paint(tone, `${sign} ${change.action}`)} ${harmless(device + change.text)}${when}\n`);
    for (const reason of change.reasons) lines.push(`    ${style.paint("faint", harmless(reason))}\n`);
  };
  for (const change of ordered.filter(({ action }) => TAKES_AWAY.has(action))) told(change);
  for (const effect of effects) lines.push(`${style.paint("bad", "! effect")} ${harmless(effect)}\n`);
  for (const change of ordered.filter(({ action }) => !TAKES_AWAY.has(action))) told(change);
  for (const { device, text, why, reasons } of held) {
    lines.push(`${style.paint("busy", "! held")} ${harmless(`${device} ${text}`)}: ${harmless(why)}\n`);
    for (const reason of reasons) lines.push(`    ${style.paint("faint", harmless(reason))}\n`);
  }
  lines.push(summary(planned, real));
  return lines.join("");
}

function summary({ changes, unchanged }: V1Plan, real: readonly V1Change[]): string {
  const same = `${unchanged} ${
    unchanged === 1 ? "controller stays as it is" : "controllers stay as they are"
  }.\n`;
  const again = changes.length - real.length;
  const retried = again === 0 ? "" : `${again} ${again === 1 ? "is" : "are"} tried again as before; `;
  if (real.length === 0) return `Nothing to do: ${retried}${same}`;
  const counts = ORDER.flatMap((action) => {
    const count = real.filter((change) => change.action === action).length;
    return count === 0 ? [] : [`${count} to ${action.replace("-", " ")}`];
  });
  return `${real.length > 1 ? `In sum: ${counts.join(", ")}.\n` : ""}${retried}${same}`;
}
