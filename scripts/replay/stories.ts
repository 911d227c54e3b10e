/** The recordings of a report as stories: event, decision, reason, effect. */
import type { StacdEvent, StafdEvent } from "../../src/lib/core/effects.ts";
import type { Ctl } from "../../src/lib/core/controller/ctl.ts";
import { withoutMemo } from "../../src/lib/core/stafd/stafd_state.ts";
import { stacdView } from "../../src/lib/core/stacd/stacd_rules.ts";
import { stafdView } from "../../src/lib/core/stafd/stafd_rules.ts";
import { type Recording, recordingOf } from "../../src/lib/daemon/record/document.ts";
import { recordedNames, underNames } from "../../src/lib/daemon/record/names.ts";
import { played } from "../../src/lib/daemon/record/replay.ts";
import { difference } from "../../src/lib/daemon/record/values.ts";
import type { Core } from "../../src/lib/daemon/shell.ts";
import { stacdCore } from "../../src/lib/daemon/stacd_service.ts";
import { stafdCore } from "../../src/lib/daemon/stafd_service.ts";
import type { View } from "../../src/lib/core/fleet/view.ts";
import { isoTime, type Now } from "../../src/lib/base/time.ts";
import { scenarioLines } from "./scenario.ts";
import { type AnyEffect, headLine, type Known, type Manner, stepLines } from "./telling.ts";

/** The schema of reports that can be read; `stacctl report` writes it. */
const REPORT_SCHEMA = 1;

export interface StoryOptions extends Manner {
  /** Only so many events of each recording. */
  readonly until: number;
  readonly asScenario: boolean;
}

export type Stories =
  | {
    readonly ok: true;
    readonly lines: readonly string[];
    readonly warnings: readonly string[];
    /** Every recording that was played to its end ends in the state that was recorded. */
    readonly isTrue: boolean;
  }
  | { readonly ok: false; readonly message: string };

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `text` is that of a report. */
export function stories(text: string, options: StoryOptions): Stories {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, message: "this is not JSON; a report of stafctl or stacctl is" };
  }
  if (!isFields(json) || json["report"] !== "nvme-stas") {
    return { ok: false, message: "this is no report of stafctl or stacctl" };
  }
  if (json["schema"] !== REPORT_SCHEMA) {
    return {
      ok: false,
      message: `the report has schema ${String(json["schema"])}; this program reads ${REPORT_SCHEMA}`,
    };
  }
  const warnings: string[] = [];
  const lines: string[] = [];
  let isTrue = true;
  let count = 0;
  for (const [name, daemon] of Object.entries(isFields(json["daemons"]) ? json["daemons"] : {})) {
    if (!isFields(daemon) || !isFields(daemon["recording"])) {
      warnings.push(`${name}: no recording: ${isFields(daemon) ? String(daemon["problem"] ?? "") : ""}`);
      continue;
    }
    const { recording } = daemon;
    const names = recordedNames(daemon["names"]);
    if (json["pseudonyms"] === true && names === undefined) {
      warnings.push(
        `${name}: with pseudonyms only, what depends on the spelling of names may play otherwise`,
      );
    }
    const story = names === undefined
      ? storyOf(recording, options)
      : underNames(names, () => storyOf(recording, options));
    if (!story.ok) return { ok: false, message: `${name}: ${story.message}` };
    warnings.push(...story.warnings.map((warning) => `${name}: ${warning}`));
    lines.push(...(count++ === 0 ? [] : [""]), ...story.lines);
    isTrue &&= story.isTrue;
  }
  if (count === 0) return { ok: false, message: ["the report has no recording", ...warnings].join("; ") };
  return { ok: true, lines, warnings, isTrue };
}

type Told = Pick<Extract<Stories, { readonly ok: true }>, "lines" | "isTrue">;

function storyOf(recording: unknown, options: StoryOptions): Stories {
  const found = recordingOf(recording);
  if (!found.ok) return found;
  const { read, warnings } = found;
  const story = read.daemon === "stafd"
    ? told(stafdCore, withoutMemo, stafdView, read.recording, options)
    : told(stacdCore, (state) => state, stacdView, read.recording, options);
  return { ok: true, ...story, warnings };
}

function told<State extends Known, Event extends StafdEvent | StacdEvent, Effect extends AnyEffect>(
  core: Core<State, Event, Effect>,
  plain: (state: State) => State,
  view: (state: State, now: Now) => View,
  { head, start, events, end }: Recording<State, Event>,
  options: StoryOptions,
): Told {
  const first = events[0]?.at;
  const lines = [headLine(head, events.length, first)];
  if (head.gap !== null) {
    const { at, type, bytes } = head.gap;
    const size = Math.round(bytes / 1024);
    lines.push(
      `An event of ${size} KiB (${type}, ${
        isoTime(at.wall)
      }) was too large to be kept: the recording begins after it.`,
    );
  }
  let last = start;
  const kept = events.slice(0, options.until);
  const ctls = new Map<string, Ctl>();
  for (const step of played(core, start, kept)) {
    for (const ctl of step.after.fleet.ctls.values()) if (!ctls.has(ctl.key)) ctls.set(ctl.key, ctl);
    lines.push(...stepLines(step, first ?? step.at, (state) => view(state, step.at), options));
    last = step.after;
  }
  if (options.asScenario) return { lines: scenarioLines(head, [...ctls.values()], kept), isTrue: true };
  if (kept.length < events.length) return { lines, isTrue: true };
  const other = difference(plain(last), end);
  lines.push(
    other === undefined
      ? "The replay ends in the state that was recorded."
      : `THE REPLAY ENDS IN ANOTHER STATE than the recorded one; the first difference is in ${
        other.slice(1)
      }.`,
  );
  return { lines, isTrue: other === undefined };
}
