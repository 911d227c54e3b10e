/**
 * The act `renew` in one step of stacd: one connection after the other, the next only when the renewed one serves all
 * that is in use; the first failure stops it. No path goes that something in use needs (S12), and none comes back
 * with less security than it had (S15).
 */
import { meansOf } from "./renew_means.ts";
import { demandAsSafe, renewalUndone, tooManyDemands } from "./renew_bar.ts";
import { guardPolicy } from "./stacd_guard.ts";
import type { StacdEvent } from "../effects.ts";
import type { StacdDraft, StacdView } from "./stacd_draft.ts";
import {
  BOTH_KEYS,
  isLive,
  neededOf,
  type Renewals,
  type RenewAnswer,
  type Renewed,
  renewedText,
  type RenewEvent,
  renewEvidence,
  type RenewPhase,
  type RenewRun,
  type RenewStep,
  stillNeeded,
  stoppedText,
} from "./renew.ts";
import { namedCtls, stopping, tooMany, unread } from "../fleet/acts.ts";
import { emit, newOp, remindAt } from "../fleet/draft.ts";
import { ctlAt } from "../fleet/questions.ts";
import { tidText } from "../../nvme/tid.ts";
import type { Ctl } from "../controller/ctl.ts";
import { deviceAt, siblingsOf } from "../fleet/kernel_view.ts";
import { evidenceText } from "../planning/evidence.ts";
import { eventFields } from "../../base/messages.ts";
import { inOrder } from "../../base/name_numbers.ts";
import { announce, happened, logLine, say } from "../fleet/reporting.ts";
import { type Guard, type GuardPolicy, judgedBy, looked, newGuard } from "../planning/guard.ts";
import { after, reached } from "../../base/time.ts";
import { disconnect } from "../fleet/settle.ts";
import { RENEW_LIMIT, RENEW_LOOK, RENEW_SERVES, RENEW_SETTLE } from "../retry.ts";
import { lessSafe, lessSafeText } from "../controller/as_asked.ts";

type UseSeen = Extract<StacdEvent, { readonly type: "use-seen" }>;

type Disconnected = Extract<StacdEvent, { readonly type: "disconnected" }>;

type KeysWritten = Extract<StacdEvent, { readonly type: "keys-written" }>;

function renewalsOf(view: StacdView): Renewals {
  return view.state.renewals;
}

function putRenewals(draft: StacdDraft, change: Partial<Renewals>): void {
  const { state } = draft;
  draft.state = { ...state, renewals: { ...state.renewals, ...change } };
}

function sendAnswer(draft: StacdDraft, call: number | undefined, answer: RenewAnswer): void {
  if (call !== undefined) emit(draft, { do: "answer-renew", call, answer });
}

export function renew(draft: StacdDraft, { call, uid, what, keys, mode, reconnects }: RenewEvent): void {
  const { run, last } = renewalsOf(draft);
  const { now } = draft;
  const refuse = (...reasons: readonly string[]): void =>
    sendAnswer(draft, call, { result: "refused", reasons, warnings: [], controllers: [] });
  if (mode === "watch" || mode === "stop") {
    if (run !== undefined && mode === "stop") changeRun(draft, { stops: true });
    const nothing: RenewAnswer = { result: "unknown", reasons: [], warnings: [], controllers: [] };
    return sendAnswer(draft, call, run === undefined ? last ?? nothing : told(draft, run, "running"));
  }
  if (run !== undefined) {
    return refuse(`the renewal of ${run.what}, begun by uid ${run.uid}, is under way: wait for its end`);
  }
  const ctls = namedCtls(draft, keys).toSorted((a, b) => inOrder(tidText(a.tid), tidText(b.tid)));
  if (ctls.length === 0) {
    return sendAnswer(draft, call, { result: "unknown", reasons: [], warnings: [], controllers: [] });
  }
  const why = stopping(draft) ?? unread(draft) ?? tooMany(ctls, "renew") ?? tooManyDemands(draft);
  if (why !== undefined) return refuse(why);
  const means = ctls.map((ctl) => ({ ctl, found: meansOf(draft, ctl, reconnects) }));
  const steps = means.map(({ ctl: { key, tid }, found }): RenewStep => ({
    key,
    tid,
    means: found.ok ? found.means : "reconnect",
    is: found.ok ? "waiting" : "failed",
    why: found.why,
    guard: undefined,
  }));
  const reasons = means.flatMap(({ ctl, found }) => found.ok ? [] : [`${named(draft, ctl)}: ${found.why}`]);
  const warnings = means.flatMap(({ found }) => found.ok ? found.warning ?? [] : []);
  const begun: RenewRun = {
    call,
    uid,
    what,
    at: now.wall,
    onlyAsked: mode === "ask",
    reconnects,
    steps,
    warnings,
    stage: "check",
    index: 0,
    phase: { is: "begin" },
    stops: false,
  };
  if (reasons.length > 0) {
    return sendAnswer(draft, call, { ...told(draft, begun, "refused"), reasons });
  }
  putRenewals(draft, { run: begun, last: undefined });
}

function named(view: StacdView, ctl: Pick<Ctl, "key" | "tid">): string {
  const device = deviceNameOf(view, ctl.key);
  return [...device === "" ? [] : [device], tidText(ctl.tid)].join(" ");
}

function deviceNameOf(view: StacdView, key: string): string {
  const link = ctlAt(view, key)?.link;
  return link !== undefined && "ref" in link ? link.ref.device : "";
}

function told(
  view: StacdView,
  run: RenewRun,
  result: RenewAnswer["result"],
  reasons: readonly string[] = [],
): RenewAnswer {
  const controllers = run.steps.map(({ key, tid, means, is, why }): Renewed => ({
    tid,
    device: deviceNameOf(view, key),
    means,
    is,
    why,
  }));
  return { result, reasons, warnings: run.warnings, controllers };
}

function changeRun(draft: StacdDraft, change: Partial<RenewRun>): void {
  const { run } = renewalsOf(draft);
  if (run !== undefined) putRenewals(draft, { run: { ...run, ...change } });
}

function changeStep(draft: StacdDraft, change: Partial<RenewStep>): void {
  const { run } = renewalsOf(draft);
  if (run === undefined) return;
  changeRun(draft, {
    steps: run.steps.map((step, index) => index === run.index ? { ...step, ...change } : step),
  });
}

function waitFor(draft: StacdDraft, phase: RenewPhase): void {
  changeRun(draft, { phase });
  const at = "until" in phase && phase.until !== undefined ? phase.until : undefined;
  const again = phase.is === "serving" && phase.op === undefined ? phase.again : at;
  if (again !== undefined) remindAt(draft, again, { of: "renew" });
}

/** The end of a step: as far as it can go now. True when controllers have to be looked at again. */
export function advanceRenewal(draft: StacdDraft): boolean {
  if (renewalsOf(draft).run === undefined) return false;
  const before = draft.effects.length;
  for (let run: RenewRun | undefined = renewalsOf(draft).run; run !== undefined;) {
    if (draft.state.fleet.stopping) end(draft, "stopped", "stacd is stopping");
    else go(draft, run);
    const next: RenewRun | undefined = renewalsOf(draft).run;
    if (next === run) break;
    run = next;
  }
  return draft.effects.length > before;
}

function go(draft: StacdDraft, run: RenewRun): void {
  const step = run.steps[run.index];
  if (step === undefined) return run.stage === "check" ? checked(draft, run) : end(draft, "renewed");
  const ctl = ctlAt(draft, step.key);
  if (ctl === undefined) return fail(draft, "its controller is no longer known");
  switch (run.phase.is) {
    case "begin":
      return beginRenewal(draft, run, step, ctl);
    case "looking":
      return looking(draft, run, run.phase, step, ctl);
    case "writing":
      return;
    case "settling": {
      const { op, until, ref } = run.phase;
      if (op !== undefined || !reached(until, draft.now)) return;
      const seen = newOp(draft);
      emit(draft, { do: "look-at-use", op: seen, key: ctl.key, target: ref });
      return changeRun(draft, { phase: { ...run.phase, op: seen } });
    }
    case "replacing":
      return replacing(draft, run.phase, ctl);
    case "serving":
      return serving(draft, run.phase, ctl);
  }
}

function next(draft: StacdDraft): void {
  const { run } = renewalsOf(draft);
  if (run !== undefined) changeRun(draft, { index: run.index + 1, phase: { is: "begin" } });
}

/** All uses are known: nothing has been changed so far. */
function checked(draft: StacdDraft, run: RenewRun): void {
  const held = run.steps.filter(({ is }) => is === "failed");
  if (held.length > 0) {
    const reasons = held.map((step) => `${named(draft, step)}: ${step.why}`);
    putRenewals(draft, { run: undefined });
    return sendAnswer(draft, run.call, told(draft, run, "refused", reasons));
  }
  if (run.onlyAsked) {
    putRenewals(draft, { run: undefined });
    return sendAnswer(draft, run.call, told(draft, run, "possible"));
  }
  const words = evidenceText(renewEvidence(run));
  happened(draft, "notice", "renewing", `Connections are ${words}`, {
    STAS_UID: String(run.uid),
    NVME_EVIDENCE: words,
  });
  for (const warning of run.warnings) logLine(draft, "warning", warning);
  changeRun(draft, { stage: "go", index: 0, phase: { is: "begin" } });
  if (run.steps.some(({ means }) => means === "reconnect" || means === "keys")) {
    sendAnswer(draft, run.call, told(draft, run, "running"));
    changeRun(draft, { call: undefined });
  }
}

function beginRenewal(draft: StacdDraft, run: RenewRun, { means, guard }: RenewStep, ctl: Ctl): void {
  if (run.stage === "check") {
    if (ctl.link.phase !== "up") return next(draft);
    if (means === "keys") return handOver(draft, ctl, true);
    return means === "reconnect" ? look(draft, ctl, newGuard) : next(draft);
  }
  if (run.stops) return end(draft, "stopped", "a person has stopped it");
  // The configuration and the connection may have changed since.
  const found = meansOf(draft, ctl, run.reconnects);
  if (!found.ok) return fail(draft, found.why);
  changeStep(draft, { means: found.means, is: "under-way", why: found.why });
  switch (found.means) {
    case "same":
    case "not-connected":
      changeStep(draft, { is: "done" });
      return next(draft);
    case "keys":
      return handOver(draft, ctl, false);
    case "reconnect":
      return look(draft, ctl, guard ?? newGuard);
  }
}

function handOver(draft: StacdDraft, ctl: Ctl, dry: boolean): void {
  if (ctl.link.phase !== "up") return fail(draft, "its connection is gone");
  const op = newOp(draft);
  const { keys } = draft.rules.attempt(draft, ctl).request;
  emit(draft, { do: "write-keys", op, key: ctl.key, target: ctl.link.ref, keys, dry });
  waitFor(draft, { is: "writing", op });
}

function look(draft: StacdDraft, ctl: Ctl, guard: Guard): void {
  if (ctl.link.phase !== "up") return fail(draft, "its connection is gone");
  const op = newOp(draft);
  changeStep(draft, { guard: { ...guard, op, failure: undefined } });
  emit(draft, { do: "look-at-use", op, key: ctl.key, target: ctl.link.ref });
  waitFor(draft, { is: "looking", ref: ctl.link.ref });
}

/** Whatever `disconnect-in-use` says: a path that comes back is no reason to take the last one. */
function policyOf(view: StacdView): GuardPolicy {
  return { ...guardPolicy(view.state.conf), inUseGoes: false };
}

function looking(
  draft: StacdDraft,
  run: RenewRun,
  { ref, until }: Extract<RenewPhase, { readonly is: "looking" }>,
  { guard }: RenewStep,
  ctl: Ctl,
): void {
  if (guard === undefined || guard.op !== undefined) return;
  const { now } = draft;
  const isSame = ctl.link.phase === "up" && ctl.link.ref.incarnation === ref.incarnation;
  if (!isSame) return fail(draft, "its connection has been replaced meanwhile");
  if (until !== undefined) return reached(until, now) ? look(draft, ctl, guard) : undefined;
  if (guard.at === undefined) return;
  const seen = judgedBy(guard, guard.at, policyOf(draft), siblingsOf(draft, ctl), ref.device, true);
  if (run.stage === "check") {
    if (seen.is === "held") {
      changeStep(draft, { is: "failed", why: `${seen.why}, and no other usable path serves it` });
    }
    return next(draft);
  }
  switch (seen.is) {
    case "held":
      return fail(draft, `${seen.why}, and no other usable path serves it`);
    case "watched":
      return waitFor(draft, { is: "looking", ref, until: seen.until });
    case "free": {
      if (guard.at.mono !== now.mono) return look(draft, ctl, guard);
      const found = meansOf(draft, ctl, true);
      const device = deviceAt(draft, ref);
      if (!found.ok) return fail(draft, found.why);
      if (device === undefined) return fail(draft, "its connection has been replaced meanwhile");
      const needs = neededOf(guard, ref.device);
      demandAsSafe(draft, ctl, device);
      disconnect(draft, ctl, { target: ref, evidence: [renewEvidence(run)], devicesToClaim: seen.claims });
      return waitFor(draft, { is: "replacing", old: ref, needs, until: after(now, RENEW_LIMIT) });
    }
  }
}

function replacing(
  draft: StacdDraft,
  { old, needs, until }: Extract<RenewPhase, { readonly is: "replacing" }>,
  ctl: Ctl,
): void {
  const { now } = draft;
  const { link, lastFailure } = ctl;
  if (link.phase === "up") {
    if (link.ref.incarnation === old.incarnation) {
      renewalUndone(draft, ctl.key);
      return fail(draft, `it was not disconnected: ${ctl.history.at(-1)?.text ?? "the kernel kept it"}`);
    }
    const device = deviceAt(draft, link.ref);
    const lacks = device === undefined ? [] : lessSafe(draft.rules.attempt(draft, ctl).request, device);
    if (lacks.length > 0) return fail(draft, `its new connection is ${lessSafeText(lacks)}`);
    const again = { mono: now.mono };
    return waitFor(draft, {
      is: "serving",
      ref: link.ref,
      needs,
      op: undefined,
      again,
      until: after(now, RENEW_SERVES),
    });
  }
  if (link.phase !== "deleting" && draft.rules.verdict(draft, ctl).is !== "wanted") {
    return fail(
      draft,
      "it is not connected again: no source wants it any more, or it is excluded or drained",
    );
  }
  const noAttempt = link.phase === "idle" ? draft.rules.whyNoAttempt(draft, ctl) : undefined;
  if (noAttempt !== undefined) return fail(draft, `it is not connected again: ${noAttempt}`);
  if (link.phase === "waiting" && ctl.attempts > 0) {
    return fail(draft, `it could not be connected again: ${lastFailure?.failure.message ?? "unknown"}`);
  }
  if (reached(until, now)) fail(draft, "it has not been connected again in time");
}

function serving(
  draft: StacdDraft,
  phase: Extract<RenewPhase, { readonly is: "serving" }>,
  ctl: Ctl,
): void {
  const { now } = draft;
  const { ref, needs, op, again, until } = phase;
  const isSame = ctl.link.phase === "up" && ctl.link.ref.incarnation === ref.incarnation &&
    ctl.link.lost === undefined;
  if (!isSame) return fail(draft, "its new connection was lost");
  if (needs.length === 0) return done(draft, ctl);
  if (op !== undefined) return;
  if (reached(until, now)) {
    return fail(
      draft,
      `its new connection does not serve ${needs.join(", ")} (listed, with usable ANA state)`,
    );
  }
  if (!reached(again, now)) return;
  const look = newOp(draft);
  emit(draft, { do: "look-at-use", op: look, key: ctl.key, target: ref });
  changeRun(draft, { phase: { ...phase, op: look } });
}

function done(draft: StacdDraft, ctl: Ctl): void {
  const { run } = renewalsOf(draft);
  const by = run === undefined ? "" : `, for uid ${run.uid}`;
  const step = run?.steps[run.index];
  const what = step?.means === "keys"
    ? `the keys of the file were handed to the kernel, which authenticates again${by}`
    : `connected again with the options of the file${by}`;
  say(draft, "notice", ctl, `Renewed: ${what}`, eventFields("renewed", { STAS_UID: String(run?.uid ?? 0) }));
  announce(draft, ctl, "renewed", what);
  changeStep(draft, { is: "done" });
  next(draft);
}

function fail(draft: StacdDraft, why: string): void {
  changeStep(draft, { is: "failed", why });
  const { run } = renewalsOf(draft);
  const step = run?.steps[run.index];
  if (run === undefined || step === undefined) return;
  // Nothing has been changed yet: the others are judged as well.
  if (run.stage === "check") return next(draft);
  end(draft, "stopped", `${named(draft, step)}: ${why}`);
}

function end(draft: StacdDraft, result: "renewed" | "stopped", ...reasons: readonly string[]): void {
  const { run } = renewalsOf(draft);
  if (run === undefined) return;
  const steps = run.steps.map((step) =>
    step.is === "waiting" || step.is === "under-way" ? { ...step, is: "left" as const } : step
  );
  const answer = told(draft, { ...run, steps }, run.stage === "check" ? "refused" : result, reasons);
  putRenewals(draft, { run: undefined, last: answer });
  sendAnswer(draft, run.call, answer);
  if (run.stage === "check") return;
  const words = evidenceText(renewEvidence(run));
  const more = { STAS_UID: String(run.uid), NVME_EVIDENCE: words };
  if (result === "renewed") happened(draft, "notice", "renewed", renewedText(steps, words), more);
  else happened(draft, "warning", "renewal-stopped", `${stoppedText(steps, reasons)}; ${words}`, more);
}

/** A look at the use of namespaces has ended. False: it did not belong to a renewal. */
export function renewalUseSeen(draft: StacdDraft, { op, outcome }: UseSeen): boolean {
  const { run } = renewalsOf(draft);
  const step = run?.steps[run.index];
  if (run === undefined || step === undefined) return false;
  const { phase } = run;
  if (phase.is === "looking" && step.guard?.op === op) {
    changeStep(draft, { guard: looked(step.guard, outcome, policyOf(draft), draft.now) });
    return true;
  }
  if (phase.is === "settling" && phase.op === op) {
    const ctl = ctlAt(draft, step.key);
    const isUp = ctl?.link.phase === "up" && ctl.link.ref.incarnation === phase.ref.incarnation;
    if (ctl !== undefined && isUp && outcome.ok && isLive(outcome.value, phase.ref.device)) done(draft, ctl);
    else fail(draft, "the connection was lost with the new key: the kernel's log (journalctl -k) says why");
    return true;
  }
  if (phase.is !== "serving" || phase.op !== op) return false;
  const { needs, ref } = phase;
  const left = outcome.ok ? stillNeeded(needs, outcome.value, ref.device) : needs;
  waitFor(draft, { ...phase, op: undefined, needs: left, again: after(draft.now, RENEW_LOOK) });
  return true;
}

/** A block device could not be claimed: its path stays. */
export function renewalDisconnected(draft: StacdDraft, { key, outcome }: Disconnected): void {
  const { run } = renewalsOf(draft);
  if (run?.phase.is !== "replacing" || run.steps[run.index]?.key !== key || !outcome.ok) return;
  if (typeof outcome.value === "string") return;
  renewalUndone(draft, key);
  fail(draft, `it was not disconnected: ${outcome.value.inUse}`);
}

export function keysWritten(draft: StacdDraft, { op, key, outcome }: KeysWritten): void {
  const { run } = renewalsOf(draft);
  if (run?.phase.is !== "writing" || run.phase.op !== op) return;
  const ctl = ctlAt(draft, key);
  if (!outcome.ok) return fail(draft, outcome.failure.message);
  if (ctl?.link.phase !== "up") return fail(draft, "its connection is gone");
  if (outcome.value === "both") {
    const found = meansOf(draft, ctl, true);
    if (!found.ok) return fail(draft, found.why);
    changeStep(draft, { means: "reconnect", why: BOTH_KEYS });
    return look(draft, ctl, newGuard);
  }
  if (run.stage === "check") return next(draft);
  if (outcome.value === "same") return done(draft, ctl);
  const until = after(draft.now, RENEW_SETTLE);
  waitFor(draft, { is: "settling", ref: ctl.link.ref, op: undefined, until });
}
