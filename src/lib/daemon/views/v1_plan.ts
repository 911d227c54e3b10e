/** `plan`: what would be connected and disconnected, with reasons. The core answers; nothing is done. */
import { claimText, type Ctl, deviceOf } from "../../core/controller/ctl.ts";
import { evidenceText } from "../../core/planning/evidence.ts";
import { tlsText } from "../../core/request/page_tls.ts";
import type { V1Change, V1Held } from "../../dbus/v1_types.ts";
import { tidText } from "../../nvme/tid.ts";
import type { Now } from "../../base/time.ts";
import { wallOf } from "./v1_common.ts";
import type { View } from "../../core/fleet/view.ts";
import { afterwards, outlook } from "../../core/fleet/decisions.ts";
import { claimsOf, ctlAt } from "../../core/fleet/questions.ts";

/** Controllers that a log page withdrew, with an unknown time at which the withdrawal counts (S14). */
function waiting(core: View): readonly V1Held[] {
  const held: V1Held[] = [];
  for (const ctl of core.state.fleet.ctls.values()) {
    if (ctl.claims.size > 0 || ctl.link.phase !== "up") continue;
    const verdict = core.rules.verdict(core, ctl);
    if (verdict.is !== "held" || verdict.withdrawn === undefined || verdict.until !== undefined) continue;
    const { why, withdrawn } = verdict;
    const { device } = ctl.link.ref;
    held.push({ tid: ctl.tid, text: tidText(ctl.tid), device, why, reasons: withdrawn.map(evidenceText) });
  }
  return held;
}

/** Controllers that are no longer wanted but stay, for any reason. */
export const heldBy = (core: View): readonly V1Held[] => [...heldInUse(core), ...waiting(core)];

export interface Planned {
  readonly changes: readonly V1Change[];
  readonly held: readonly V1Held[];
  readonly unchanged: number;
}

/** Controllers that are no longer wanted but stay because of their namespaces (S12). */
export function heldInUse(core: View): readonly V1Held[] {
  const held: V1Held[] = [];
  for (const ctl of core.state.fleet.ctls.values()) {
    if (ctl.guard === undefined) continue;
    const decision = outlook(core, ctl);
    if (decision.act !== "guard") continue;
    const { why, device, evidence } = decision;
    held.push({ tid: ctl.tid, text: tidText(ctl.tid), device, why, reasons: evidence.map(evidenceText) });
  }
  return held;
}

/**
 * The outstanding changes in `core`, compared with `before`, which has the real connections. Both are the
 * same for the configuration in force; for another configuration `core` is the state that it would produce.
 */
export function planOf(core: View, before: View, now: Now): Planned {
  const changes: V1Change[] = [];
  let unchanged = 0;
  for (const ctl of core.state.fleet.ctls.values()) {
    const was = ctlAt(before, ctl.key);
    const change = changeOf(ctl, core, was, now);
    if (change === undefined) unchanged++;
    // A controller that failed before is tried again with or without this configuration.
    else {changes.push(
        change.action === "connect" && isFailing(was, before) ? { ...change, retry: true } : change,
      );}
  }
  for (const past of core.state.fleet.past) {
    const was = ctlAt(before, past.key);
    if (was?.link.phase !== "up" || before.state.fleet.past.includes(past)) continue;
    changes.push({
      action: "let-go",
      tid: past.tid,
      text: past.text,
      kind: core.rules.kind,
      device: past.device,
      at: null,
      reasons: [past.why, ...past.evidence.map(evidenceText)],
    });
  }
  const held = heldBy(core);
  return {
    changes: changes.toSorted((a, b) => a.text < b.text ? -1 : 1),
    held,
    unchanged: unchanged - held.length,
  };
}

const isFailing = (was: Ctl | undefined, before: View): boolean =>
  was?.lastFailure !== undefined && before.rules.verdict(before, was).is === "wanted";

function changeOf(ctl: Ctl, core: View, was: Ctl | undefined, now: Now): V1Change | undefined {
  const base = { tid: ctl.tid, text: tidText(ctl.tid), kind: core.rules.kind };
  const reasons = claimsOf(core, ctl).map(claimText);
  const { link } = ctl;
  // Connections that only the audit found are not taken over; they are judged below.
  const isOurs = (ctl.claims.size > 0 || was !== undefined) && !ctl.leftToOthers;
  const isNewlyUp = link.phase === "up" && was?.link.phase !== "up" && was?.link.phase !== "connecting";
  const verdict = core.rules.verdict(core, ctl);
  // A connection that is taken over only to be disconnected counts as disconnected.
  if (isNewlyUp && isOurs && was !== ctl && verdict.is !== "unwanted") {
    return { ...base, action: "adopt", device: link.ref.device, at: null, reasons };
  }
  if (link.phase === "deleting") {
    return {
      ...base,
      action: "disconnect",
      device: link.ref.device,
      at: null,
      reasons: link.evidence.map(evidenceText),
    };
  }
  if (verdict.is === "held") {
    const { withdrawn, until, why } = verdict;
    if (withdrawn === undefined || until === undefined || link.phase !== "up") return undefined;
    const then = afterwards(core, ctl, withdrawn);
    const proof = [why, ...withdrawn.map(evidenceText)];
    const later = { ...base, device: link.ref.device, at: wallOf(until, now) };
    return then.act === "release"
      ? { ...later, action: "let-go", reasons: [then.why, ...proof] }
      : { ...later, action: "disconnect", reasons: proof };
  }
  if (verdict.is === "wanted") {
    if (link.phase === "up" || link.phase === "forming") return undefined;
    const found = outlook(core, ctl);
    if (found.act === "adopt") {
      return { ...base, action: "adopt", device: found.device.device, at: null, reasons };
    }
    if (core.rules.whyNoAttempt(core, ctl) !== undefined) return undefined;
    const at = link.phase === "waiting" ? wallOf(link.until, now) : null;
    const tls = tlsText(core.rules.attempt(core, ctl).choice);
    return {
      ...base,
      action: "connect",
      device: "",
      at,
      reasons: tls === undefined ? reasons : [...reasons, tls],
    };
  }
  if (link.phase === "connecting" || link.phase === "forming") {
    // The kernel cannot be told to stop: the connection that it makes is removed again.
    const why = core.rules.whyKept(core, ctl, ctl.tid.transport);
    return why === undefined
      ? { ...base, action: "disconnect", device: "", at: null, reasons: verdict.evidence.map(evidenceText) }
      : {
        ...base,
        action: "let-go",
        device: "",
        at: null,
        reasons: [why, ...verdict.evidence.map(evidenceText)],
      };
  }
  if (link.phase !== "up") return undefined;
  const decision = outlook(core, ctl);
  const device = deviceOf(ctl)?.device ?? "";
  const proof = verdict.evidence.map(evidenceText);
  switch (decision.act) {
    case "soak":
    case "disconnect": {
      const at = ctl.removeAt === undefined ? null : wallOf(ctl.removeAt, now);
      return { ...base, action: "disconnect", device, at, reasons: proof };
    }
    case "going":
      return { ...base, action: "disconnect", device, at: null, reasons: proof };
    case "confirm":
      return {
        ...base,
        action: "disconnect",
        device,
        at: null,
        reasons: ["once stafd confirms it", ...proof],
      };
    case "look":
    case "watch": {
      const at = decision.act === "watch" ? wallOf(decision.until, now) : null;
      return {
        ...base,
        action: "disconnect",
        device,
        at,
        reasons: ["unless one of its namespaces is in use then", ...proof],
      };
    }
    case "release":
      return { ...base, action: "let-go", device, at: null, reasons: [decision.why, ...proof] };
    default:
      return undefined;
  }
}
