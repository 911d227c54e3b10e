/** A plan for people: disconnections first, then their effects, and a summary. */
import type { V1Change, V1Plan } from "../lib/dbus/v1_types.ts";
import { findingsText } from "./findings_view.ts";
import { staying } from "./plan_held.ts";
import type { Style, Tone } from "./style.ts";
import { harmless, hung } from "./text_width.ts";
import type { V1Effects, V1PlanEffects } from "./v1_outputs.ts";
import { until, withLocalTimes } from "./when.ts";

const SIGNS: Readonly<Record<V1Change["action"], readonly [sign: string, tone: Tone]>> = {
  connect: ["+", "good"],
  adopt: ["=", "good"],
  disconnect: ["-", "bad"],
  "let-go": ["~", "busy"],
};

/** Disconnections come first. */
const ORDER: readonly V1Change["action"][] = ["disconnect", "let-go", "adopt", "connect"];

const TAKES_AWAY: ReadonlySet<V1Change["action"]> = new Set(["disconnect", "let-go"]);

/** The most names that are shown. */
const MAX_NAMES = 5;

/** Columns before what follows from a line above. */
const INDENT = 4;

const some = (names: readonly string[]): string =>
  `${names.slice(0, MAX_NAMES).join(", ")}${names.length > MAX_NAMES ? " and others" : ""}`;

export function planText(planned: V1PlanEffects, style: Style, columns = Infinity): string {
  const { findings, valid, changes, unknowns, held, at, effects, daemon, notes = [] } = planned;
  const lines: string[] = [findingsText(findings, style, columns)];
  const say = (tone: Tone, words: string, text: string): void => {
    const lead = { lead: `${style.paint(tone, words)} `, width: words.length + 1, indent: INDENT };
    lines.push(hung(lead, harmless(text), columns));
  };
  const because = (reasons: readonly string[]): void => {
    for (const reason of reasons) {
      const lead = { lead: " ".repeat(INDENT), width: INDENT, indent: INDENT + 2 };
      const text = harmless(withLocalTimes(reason, at));
      lines.push(hung(lead, text, columns, (line) => style.paint("faint", line)));
    }
  };
  if (!valid) lines.push("This configuration would be refused; the present one would stay in force.\n");
  for (const unknown of unknowns) say("busy", "?", unknown);
  const real = changes.filter(({ retry }) => retry !== true);
  const ordered = real.toSorted((a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action));
  const told = (change: V1Change): void => {
    const [sign, tone] = SIGNS[change.action];
    const device = change.device === "" ? "" : `${change.device} `;
    const when = change.at === null ? "" : ` (${until(change.at, at)})`;
    say(tone, `${sign} ${change.action}`, `${device}${change.text}${when}`);
    because(change.reasons);
  };
  for (const change of ordered.filter(({ action }) => TAKES_AWAY.has(action))) told(change);
  if (effects !== undefined) {
    for (const [sign, text] of effectLines(daemon, effects)) {
      say(sign === "effect" ? "bad" : "busy", `! ${sign}`, text);
    }
  }
  for (const change of ordered.filter(({ action }) => !TAKES_AWAY.has(action))) told(change);
  for (const { device, text, why, reasons } of held) {
    say("busy", "! held", `${device} ${text}: ${why}`);
    because(reasons);
  }
  for (const note of notes) say("busy", "note", note);
  if (valid) lines.push(summary(planned, real).replaceAll(/.+\n/g, (line) => inLines(line, columns)));
  return lines.join("");
}

const inLines = (line: string, columns: number): string =>
  hung({ lead: "", width: 0, indent: 2 }, line.trimEnd(), columns);

function effectLines(
  daemon: V1Plan["daemon"],
  effects: V1Effects,
): readonly (readonly ["effect" | "held", string])[] {
  const { lastPaths, inUse, policy } = effects;
  const paths = daemon === "stafd" ? effects.paths : goingOf(effects);
  const devices = some(paths.map(({ device }) => device));
  const [then, elsewhere] = daemon === "stafd"
    ? [
      "stacd will then disconnect",
      " that nothing else lists, unless they are in use or disconnect-scope keeps them",
    ]
    : [
      "stacd disconnects",
      "",
    ];
  return [
    ...(paths.length === 0
      ? []
      : [["effect", `${then} ${pathsText(paths)}${elsewhere}: ${devices}`] as const]),
    ...(lastPaths.length > MAX_NAMES
      ? [["effect", `${lastPaths.length} subsystems lose their last path: ${some(lastPaths)}`] as const]
      : lastPaths.map((nqn) => ["effect", `${nqn} loses its last path`] as const)),
    ...inUse.map(({ device, holders, by }) => {
      const use = `${device} is in use (${holders.join("; ")}): ${by.join(", ")}`;
      return policy === null
        ? ["held", `${use} ${by.length === 1 ? "stays" : "stay"} connected meanwhile`] as const
        : ["effect", use] as const;
    }),
    ...(policy === null ? [] : [["effect", policy] as const]),
  ];
}

/** The paths that go at once, and not only when nothing uses what is behind them. */
function goingOf(effects: V1Effects): V1Effects["paths"] {
  const held = staying(effects, effects.inUse);
  return effects.paths.filter(({ device }) => !held.has(device));
}

function pathsText(paths: V1Effects["paths"]): string {
  const subsystems = new Set(paths.map(({ nqn }) => nqn)).size;
  return `${paths.length} I/O ${paths.length === 1 ? "path" : "paths"} of ${subsystems} ${
    subsystems === 1 ? "subsystem" : "subsystems"
  }`;
}

function summary({ changes, unchanged, effects }: V1PlanEffects, real: readonly V1Change[]): string {
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
  const isTold = effects !== undefined && effects.paths.length > 0;
  const sum = real.length > 1 || isTold ? `In total: ${counts.join(", ")}.\n` : "";
  return `${sum}${isTold ? storageSum(effects) : ""}${retried}${same}`;
}

function storageSum(effects: V1Effects): string {
  const { lastPaths, inUse } = effects;
  const paths = goingOf(effects);
  const stay = effects.paths.length - paths.length;
  const go = paths.length === 0
    ? "no I/O path goes"
    : `${pathsText(paths)} ${paths.length === 1 ? "goes" : "go"}`;
  const kept = stay === 0 ? "" : `, ${stay} ${stay === 1 ? "stays" : "stay"} connected`;
  const without = lastPaths.length === 0
    ? "every subsystem keeps a path"
    : `${lastPaths.length} ${lastPaths.length === 1 ? "subsystem keeps" : "subsystems keep"} no path`;
  const used = inUse.length === 0
    ? "none of their namespaces is in use"
    : `${inUse.length} ${inUse.length === 1 ? "namespace is" : "namespaces are"} in use`;
  return `${go}${kept}; ${without}; ${used}.\n`;
}
