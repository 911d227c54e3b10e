/** One step of a replay in words. */
import type { StacdEffect, StacdEvent, StafdEffect, StafdEvent } from "../../src/lib/core/effects.ts";
import { claimText, type Ctl } from "../../src/lib/core/controller/ctl.ts";
import { decisionOn } from "../../src/lib/core/fleet/decisions.ts";
import type { View } from "../../src/lib/core/fleet/view.ts";
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import { proofText } from "../../src/lib/core/planning/evidence.ts";
import type { RecordingHead } from "../../src/lib/daemon/record/document.ts";
import type { Played } from "../../src/lib/daemon/record/replay.ts";
import { decisionText } from "../../src/lib/daemon/views/v1_common.ts";
import { tidOfKey, tidText } from "../../src/lib/nvme/tid.ts";
import { isoTime, type Now } from "../../src/lib/base/time.ts";

export type AnyEvent = StafdEvent | StacdEvent;
export type AnyEffect = StafdEffect | StacdEffect;

export interface Known {
  readonly fleet: Fleet;
}

export interface Manner {
  /** Only what concerns controllers whose transport id has this text. */
  readonly about: string | undefined;
  /** Also events without an effect, and effects of housekeeping. */
  readonly all: boolean;
}

export function headLine(
  { daemon, version, count }: RecordingHead,
  kept: number,
  first: Now | undefined,
): string {
  const from = first === undefined ? "" : ` from ${isoTime(first.wall)}`;
  const lost = count === kept ? "all since its start" : `the last of ${count}`;
  return `${daemon} ${version}: ${kept} ${kept === 1 ? "event" : "events"}${from}, ${lost}`;
}

/** Effects that every step may have, and that decide nothing. */
const HOUSEKEEPING: ReadonlySet<AnyEffect["do"]> = new Set([
  "save",
  "signal",
  "states",
  "exclusions",
  "look-at-tls",
]);

export function stepLines<State extends Known>(
  { n, at, event, before, after, effects }: Played<State, AnyEvent, AnyEffect>,
  first: Now,
  view: (state: State) => View,
  { about, all }: Manner,
): readonly string[] {
  const isMeant = (text: string): boolean => about === undefined || text.includes(about);
  const lines: string[] = [];
  for (const [old, now] of changed(before.fleet, after.fleet)) {
    const one = now ?? old;
    if (one === undefined) continue;
    const text = tidText(one.tid);
    if (isMeant(text)) lines.push(...ctlLines(text, old, now, after, view(after), at));
  }
  for (const effect of effects) {
    if (!all && HOUSEKEEPING.has(effect.do)) continue;
    const text = effectText(effect);
    if (isMeant(text)) lines.push(text);
  }
  const head = eventText(event);
  if (lines.length === 0 && !(all && isMeant(head))) return [];
  const seconds = ((at.mono - first.mono) / 1000).toFixed(3).padStart(10);
  return [`${seconds}  #${n} ${head}`, ...lines.map((line) => `${" ".repeat(12)}${line}`)];
}

type Change = readonly [old: Ctl, now: Ctl | undefined] | readonly [old: Ctl | undefined, now: Ctl];

function changed(before: Fleet, after: Fleet): readonly Change[] {
  const changes: Change[] = [];
  for (const ctl of after.ctls.values()) {
    const old = before.ctls.get(ctl.key);
    if (old !== ctl) changes.push([old, ctl]);
  }
  for (const old of before.ctls.values()) if (!after.ctls.has(old.key)) changes.push([old, undefined]);
  return changes;
}

function ctlLines(
  text: string,
  old: Ctl | undefined,
  now: Ctl | undefined,
  after: Known,
  view: View,
  at: Now,
): readonly string[] {
  if (now === undefined) {
    const past = after.fleet.past.findLast(({ key }) => key === old?.key);
    return [`${text}: ${past?.what ?? "forgotten"}: ${past?.why ?? "no source wants it"}`];
  }
  const lines: string[] = [];
  const was = old?.link.phase ?? "new";
  const is = now.link.phase;
  const decision = decisionOn(view, now);
  const decided = `${decision.act}: ${decisionText(decision, at)}`;
  if (was !== is || now.removeAt?.mono !== old?.removeAt?.mono) {
    const move = was === is
      ? `${is}, its removal is ${now.removeAt === undefined ? "off" : "due"}`
      : `${was} -> ${is}`;
    lines.push(`${text}: ${move}`, `  decision ${decided}`);
  }
  for (const [authority, claim] of now.claims) {
    if (old?.claims.has(authority) !== true) lines.push(`${text}: source: ${claimText(claim)}`);
  }
  const known = new Set(old?.history);
  for (const entry of now.history) if (!known.has(entry)) lines.push(`${text}: ${entry.text}`);
  for (const [authority, evidence] of now.released) {
    if (old?.released.get(authority) !== evidence) lines.push(`${text}: withdrawn: ${proofText([evidence])}`);
  }
  return lines;
}

export function eventText(event: AnyEvent): string {
  const about = "key" in event && typeof event.key === "string" ? tidOfKey(event.key) : undefined;
  const of = about === undefined ? "" : ` ${tidText(about)}`;
  if ("outcome" in event) {
    const what = event.outcome.ok ? "ok" : event.outcome.failure.message;
    return `${event.type}${of}: ${what}`;
  }
  switch (event.type) {
    case "device":
      return `device ${event.cause}: ${event.ctrl.device} ${event.ctrl.subsysnqn} is ${
        event.ctrl.state || "new"
      }`;
    case "removed":
      return `removed: ${event.device}`;
    case "aen":
      return `event of ${event.device}: 0x${event.value.toString(16)}`;
    case "states":
      return `states: ${[...event.states].filter(([, state]) => state !== "live").join("; ") || "all live"}`;
    case "service":
      return `service ${event.service.name} at ${event.service.traddr} on ${event.service.hostIface}`;
    case "service-gone":
      return `service gone: ${event.key}`;
    case "stafd":
      return `stafd is ${event.present ? "present" : "away"}`;
    case "config":
      return event.reload ? "the configuration is loaded again" : "the configuration is loaded";
    case "clock-set":
      return `the clock is set by ${event.ms} ms`;
    case "drain":
    case "undrain":
    case "forget":
    case "renew":
      return `${event.type} ${event.what}, by uid ${event.uid}`;
    default:
      return event.type;
  }
}

function effectText(effect: AnyEffect): string {
  switch (effect.do) {
    case "log":
      return `${effect.entry.level}: ${effect.entry.message}`;
    case "reach":
      return `-> reach ${tidText(effect.tid)}`;
    case "connect":
      return `-> connect ${tidText(effect.request.tid)}`;
    case "disconnect":
      return `-> disconnect ${effect.target.device} ${tidText(effect.tid)}, because: ${
        proofText(effect.evidence)
      }`;
    case "resolve":
      return `-> resolve ${effect.host}`;
    case "answer":
    case "answer-renew":
      return `-> answer: ${effect.answer.result} ${effect.answer.reasons.join("; ")}`.trimEnd();
    case "own":
      return `-> ${effect.owned ? "own" : "disown"} ${effect.device}`;
    case "register":
    case "supported-logs":
    case "read-log":
    case "generation":
    case "look-at-use":
      return `-> ${effect.do} ${effect.target.device} ${keyText(effect.key)}`;
    case "restart-unit":
      return `-> restart ${effect.template} ${effect.args.join(" ")}`;
    case "browse":
      return `-> browse: ${effect.enabled ? "on" : "off"}`;
    case "states":
      return `-> look at the states of ${effect.devices.length}`;
    default:
      return `-> ${effect.do}`;
  }
}

function keyText(key: string): string {
  const tid = tidOfKey(key);
  return tid === undefined ? key : tidText(tid);
}
