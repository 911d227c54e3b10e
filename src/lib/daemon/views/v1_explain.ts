/** `explain`: the chain from the sources of a controller through the decisions to the next action. */
import {
  differences,
  lessSafe,
  lessSafeRemedy,
  lessSafeText,
  unshown,
} from "../../core/controller/as_asked.ts";
import { claimText, type Ctl, deviceOf } from "../../core/controller/ctl.ts";
import { claimsOf } from "../../core/fleet/questions.ts";
import { IDENTITY_REMEDY } from "../../core/controller/identity.ts";
import { evidenceText, proofText } from "../../core/planning/evidence.ts";
import type { Past } from "../../core/fleet/fleet.ts";
import { ctlsFor } from "../../core/fleet/fleet_index.ts";
import { turnText } from "../../core/stacd/renew.ts";
import { tlsRemedy, tlsText } from "../../core/request/page_tls.ts";
import { LINK_LOST } from "../../core/controller/links.ts";
import type { Decision, Verdict } from "../../core/planning/planner.ts";
import type { DaemonName, V1Explanation, V1Phase, V1Step } from "../../dbus/v1_types.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { kernelTid, matches } from "../../nvme/match.ts";
import { tidText } from "../../nvme/tid.ts";
import type { Now } from "../../base/time.ts";
import { matcherOf, type Nameable, named } from "../../nvme/what.ts";
import type { Peek } from "./classic.ts";
import { localTime } from "./texts.ts";
import { nextOfForeign, nextOfPast, nextSteps } from "./v1_next.ts";
import {
  decisionParts,
  decisionText,
  deviceNow,
  hostsOf,
  lostOf,
  lostText,
  otherwise,
  phaseOf,
  type V1Lost,
} from "./v1_common.ts";
import { requestFor, type View } from "../../core/fleet/view.ts";
import { decisionOn } from "../../core/fleet/decisions.ts";
import { shieldOf } from "../../core/fleet/kernel_view.ts";

/** Facts that are not in the core. */
export interface Beside {
  /** When the configuration in force was loaded. */
  readonly loadedAt: number;
  /**
   * When a discovery controller is dropped that mDNS no longer announces; undefined if that does not apply,
   * Infinity: never.
   */
  readonly droppedAt?: ((ctl: Ctl) => number | undefined) | undefined;
}

type Match = V1Explanation["matches"][number];

/**
 * The controllers that the query names (`what.ts`); all if it is empty. Certain matches count before possible
 * ones.
 */
export function explain(
  query: string,
  daemon: DaemonName,
  core: View,
  accepts: (device: KernelCtrl) => boolean,
  peek: Peek,
  now: Now,
  beside: Beside = { loadedAt: 0 },
): V1Explanation {
  const { fleet } = core.state;
  const known: Known[] = [];
  for (const ctl of fleet.ctls.values()) {
    known.push({
      tid: ctl.tid,
      text: tidText(ctl.tid),
      device: "ref" in ctl.link ? ctl.link.ref.device : "",
      namespaces: deviceNow(ctl, peek)?.namespaces ?? [],
      hosts: hostsOf(ctl),
      match: () => ofController(ctl, core, peek, beside, now),
    });
  }
  for (const device of fleet.devices.values()) {
    const used = (fleet.users.get(device.device) ?? []).length > 0;
    const tid = kernelTid(device, fleet.interfaces);
    if (used || tid === undefined || !accepts(device)) continue;
    const asking = ctlsFor(fleet.ctlsAt, device).flatMap((key) => fleet.ctls.get(key) ?? [])
      .filter((ctl) => matches(ctl.tid, device, fleet.interfaces));
    // Being made, or about to be taken over: described with the controller.
    if (
      asking.some((ctl) => ctl.link.phase === "connecting" || core.rules.verdict(core, ctl).is === "wanted")
    ) continue;
    known.push({
      tid,
      text: tidText(tid),
      device: device.device,
      namespaces: device.namespaces,
      hosts: [],
      match: () => ofForeign(nowOf(device, peek), core, tid, asking[0], now),
    });
  }
  for (const departures of Map.groupBy(fleet.past, ({ key }) => key).values()) {
    const last = departures.at(-1);
    if (last === undefined || fleet.ctls.has(last.key)) continue;
    known.push({
      ...last,
      namespaces: [],
      hosts: [],
      match: () => ofPast(departures, last, core.rules.kind, now),
    });
  }
  const matching = named(matcherOf(query), known, (one) => one).map(({ match }) => match());
  return {
    schema: 1,
    daemon,
    at: now.wall,
    query,
    matches: matching.toSorted((a, b) => a.text < b.text ? -1 : 1),
  };
}

type Known = Nameable & { readonly match: () => Match };

function ofController(ctl: Ctl, core: View, peek: Peek, beside: Beside, now: Now): Match {
  const device = deviceNow(ctl, peek);
  const verdict = core.rules.verdict(core, ctl);
  const noAttempt = core.rules.whyNoAttempt(core, ctl);
  const phase = phaseOf(ctl, verdict, device, noAttempt !== undefined && ctl.attempts > 0);
  const decision = decisionOn(core, ctl);
  const lost = lostOf(ctl, device, now);
  const chain: V1Step[] = [];
  for (const claim of claimsOf(core, ctl)) {
    const at = claim.kind === "log-page" || claim.kind === "referral" ? claim.readAt : null;
    chain.push({ step: "source", at, text: claimText(claim) });
  }
  for (const evidence of ctl.released.values()) {
    chain.push({ step: "source", at: null, text: `no source any more: ${evidenceText(evidence)}` });
  }
  const head = headline(phase, ctl, decisionText(decision, now), verdict);
  const told = [head, ...chain.map(({ text }) => text)];
  chain.push({ step: "decision", at: null, text: decisionBeside(decision, phase, told, now) });
  chain.push(...ofTls(ctl, core, device !== undefined));
  chain.push(...whatHappened(ctl, lost, told));
  if (device !== undefined) {
    chain.push({ step: "state", at: null, text: `the kernel reports ${device.device} as ${device.state}` });
    if (lost !== undefined) chain.push({ step: "state", at: lost.at, text: lostText(lost) });
    chain.push(...asAsked(ctl, device, core, beside), ...unexpected(ctl, device, core));
  }
  const run = core.state.renewals?.run;
  const turn = run === undefined ? undefined : turnText(run, ctl.key);
  if (run !== undefined && turn !== undefined) chain.push({ step: "state", at: run.at, text: turn });
  const differences = otherwise(ctl, core, peek);
  for (const text of differences) chain.push({ step: "state", at: null, text });
  chain.push(
    ...nextSteps({ ctl, core, verdict, decision, noAttempt, lost, droppedAt: beside.droppedAt?.(ctl) }, now),
  );
  const remedy = ctl.lastFailure?.failure.remedy;
  if (remedy !== undefined) chain.push({ step: "remedy", at: null, text: remedy });
  if (differences.length > 0) chain.push({ step: "remedy", at: null, text: IDENTITY_REMEDY });
  return {
    tid: ctl.tid,
    text: tidText(ctl.tid),
    device: deviceOf(ctl)?.device ?? "",
    phase,
    headline: head,
    chain,
  };
}

/** What log pages make of TLS (DEC-15). */
function ofTls(ctl: Ctl, core: View, isConnected: boolean): readonly V1Step[] {
  if (ctl.claims.size === 0) return [];
  const { choice } = core.rules.attempt(core, ctl);
  const text = tlsText(choice);
  const remedy = tlsRemedy(choice);
  if (text === undefined) return [];
  const step: V1Step = {
    step: "decision",
    at: null,
    text: `${isConnected ? "connected again, " : ""}${text}`,
  };
  return remedy === undefined ? [step] : [step, { step: "remedy", at: null, text: remedy }];
}

/** What was decided, without the reasons that stand above it already. */
function decisionBeside(decision: Decision, phase: V1Phase, told: readonly string[], now: Now): string {
  if (phase === "connected" || phase === "reconnecting") {
    if (decision.act === "none") return "kept while a source wants it";
  }
  const { words, reasons } = decisionParts(decision, now);
  const isTold = (reason: string): boolean =>
    reason.split("; ").every((part) => told.some((text) => text.includes(part)));
  const [why, because] = reasons.map((reason) => isTold(reason) ? undefined : reason);
  return `${words}${why === undefined ? "" : `: ${why}`}${
    because === undefined ? "" : ` (withdrawn because: ${because})`
  }`;
}

/** `disconnected: exclude = ...`: without the reason, where that stands above. */
function withoutTold(text: string, told: readonly string[]): string {
  const end = text.indexOf(": ");
  const reason = end < 0 ? "" : text.slice(end + 2);
  return reason !== "" && told.some((one) => one.includes(reason)) ? text.slice(0, end) : text;
}

/** Its history; of a failure that the headline tells, only when it happened, and of a lost link nothing, for that follows. */
function whatHappened(ctl: Ctl, lost: V1Lost | undefined, told: readonly string[]): readonly V1Step[] {
  const steps: V1Step[] = [];
  const { lastFailure, history, attempts } = ctl;
  for (const { at, text } of history) {
    const isSame = lastFailure?.failure.message === text;
    if (isSame && lastFailure.at === at) continue;
    if (lost?.at === at && text.startsWith(LINK_LOST)) continue;
    steps.push({
      step: "attempt",
      at,
      text: isSame ? "failed for the same reason" : withoutTold(text, told),
    });
  }
  if (lastFailure === undefined) return steps;
  const { phase: where, errno, message } = lastFailure.failure;
  const kind = errno === undefined ? where : `${where}, ${errno}`;
  const why = told.some((text) => text.includes(message)) ? "" : `: ${message}`;
  return [...steps, {
    step: "attempt",
    at: lastFailure.at,
    text: `attempt ${attempts} failed (${kind})${why}`,
  }];
}

/** Facts that may surprise a person who misses storage, or who made the connection by hand. */
function unexpected(ctl: Ctl, device: KernelCtrl, core: View): readonly V1Step[] {
  const steps: V1Step[] = [];
  if (core.rules.kind === "io" && device.state === "live" && device.namespaces.length === 0) {
    steps.push(
      { step: "state", at: null, text: `connected, and ${device.device} has no namespace` },
      {
        step: "remedy",
        at: null,
        text: `map a namespace of ${device.subsysnqn} on the array to this host: ${
          device.hostNqn || ctl.tid.hostNqn
        }`,
      },
    );
  }
  const isAdopted = ctl.link.phase === "up" && ctl.link.adopted;
  if (isAdopted && core.rules.whyKept(core, ctl, device.transport) === undefined) {
    const text = "it existed already and was taken over: it is disconnected when no source wants it any more";
    steps.push({ step: "state", at: null, text });
  }
  return steps;
}

/** Differences between the connection and the configuration. */
function asAsked(ctl: Ctl, device: KernelCtrl, core: View, { loadedAt }: Beside): readonly V1Step[] {
  // A controller that no source wants has no configured options.
  if (ctl.claims.size === 0) return [];
  const request = requestFor(core, ctl);
  const steps: V1Step[] = [];
  const state = (text: string): void => {
    steps.push({ step: "state", at: null, text });
  };
  const lacking = lessSafe(request, device);
  if (lacking.length > 0) state(`${device.device} is ${lessSafeText(lacking)}`);
  const isAdopted = ctl.link.phase === "up" && ctl.link.adopted;
  for (const difference of differences(request, device)) {
    state(
      `made with another option: ${difference}; the configured value takes effect when it is connected again`,
    );
  }
  const hidden = isAdopted ? unshown(request) : [];
  if (hidden.length > 0) state(`the kernel does not show whether it was made with ${hidden.join(" and ")}`);
  const since = ctl.link.phase === "up" ? ctl.standing?.since ?? Infinity : Infinity;
  const hasKeys = request.keys.hostKey !== undefined || request.keys.ctrlKey !== undefined;
  if (hasKeys && loadedAt > since) {
    state(
      `its keys are those of ${localTime(since)}, when it was connected; keys in the configuration of ${
        localTime(loadedAt)
      } take effect when it is connected again`,
    );
  }
  if (lacking.length > 0) steps.push({ step: "remedy", at: null, text: lessSafeRemedy(device.device) });
  return steps;
}

function headline(phase: V1Phase, ctl: Ctl, decided: string, verdict: Verdict): string {
  switch (phase) {
    case "connected":
      return `Connected as ${deviceOf(ctl)?.device ?? "nvme?"}.`;
    case "reconnecting":
      return "The link is down and the kernel is trying to get it back.";
    case "failing":
      return `Not connected: ${ctl.lastFailure?.failure.message ?? decided}.`;
    case "connecting":
      if (ctl.link.phase === "forming") return `Being connected: ${decided}.`;
      if (verdict.is !== "excluded" && verdict.is !== "unwanted") return "Being connected.";
      return `Being connected, and no longer wanted: ${proofText(verdict.evidence)}.`;
    case "leaving":
      return `Connected and no longer wanted: ${decided}.`;
    case "disconnecting":
      return `Being disconnected: ${ctl.link.phase === "deleting" ? proofText(ctl.link.evidence) : decided}.`;
    case "excluded":
      return `Not connected: ${verdict.is === "excluded" ? proofText(verdict.evidence) : decided}.`;
    case "given-up":
    case "waiting":
    case "foreign":
      return `Not connected: ${decided}.`;
  }
}

/** The loss of a link causes no event: the last event about it may be old. */
function nowOf(device: KernelCtrl, peek: Peek): KernelCtrl {
  const found = peek(device.device);
  return found?.incarnation === device.incarnation ? { ...device, state: found.state } : device;
}

/** `asking`: the sources that want it although it is excluded. */
function ofForeign(
  device: KernelCtrl,
  core: View,
  tid: Match["tid"],
  asking: Ctl | undefined,
  now: Now,
): Match {
  const text = shieldOf(core, device) ??
    (asking === undefined
      ? "no configuration line, log page or service asks for it"
      : decisionText(decisionOn(core, asking), now));
  return {
    tid,
    text: tidText(tid),
    device: device.device,
    phase: "foreign",
    headline: `Connected by another program and left alone: ${text}.`,
    chain: [
      { step: "state", at: null, text: `the kernel reports ${device.device} as ${device.state}` },
      { step: "decision", at: null, text: "left alone" },
      nextOfForeign(now),
    ],
  };
}

const whyOf = (past: Past): string => past.evidence.length === 0 ? past.why : proofText(past.evidence);

/** One answer for a controller, however often it went: the last departure counts, the earlier ones are told in their order. */
function ofPast(departures: readonly Past[], past: Past, kind: View["rules"]["kind"], now: Now): Match {
  const words = whyOf(past);
  const earlier = departures.slice(0, -1).map((before): V1Step => ({
    step: "decision",
    at: before.at,
    text: `${before.what} before${before.device === "" ? "" : ` (${before.device})`}: ${whyOf(before)}`,
  }));
  return {
    tid: past.tid,
    text: past.text,
    device: past.device,
    phase: "gone",
    headline: past.what === "disconnected"
      ? `Was disconnected: ${words}.`
      : past.what === "released"
      ? `Was withdrawn, but the connection was kept: ${past.why}.`
      : `Is no longer wanted: ${words}.`,
    chain: [...earlier, { step: "decision", at: past.at, text: past.what }, nextOfPast(kind, now)],
  };
}
