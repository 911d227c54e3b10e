/**
 * The act `renew` in one step of stacd: one connection after the other, the next only when the renewed one serves all
 * that is in use; the first failure stops it. No path goes that something in use needs (S12), and none comes back
 * with less security than it had (S15).
 */
import { tidText } from "../../nvme/tid.ts";
import { after, reached } from "../../base/time.ts";
import type { Ctl } from "../controller/ctl.ts";
import { lessSafe, lessSafeText } from "../controller/as_asked.ts";
import type { StacdEvent } from "../effects.ts";
import { evidenceText } from "../planning/evidence.ts";
import { type Guard, type GuardPolicy, judgedBy, looked, newGuard } from "../planning/guard.ts";
import type { Attempt } from "../request/request.ts";
import { RENEW_LIMIT, RENEW_LOOK, RENEW_SERVES } from "../retry.ts";
import type { DrainHost } from "./drain_turn.ts";
import {
  lacking,
  lackingText,
  type Means,
  meansFor,
  neededOf,
  type Renewals,
  type RenewAnswer,
  type Renewed,
  type RenewEvent,
  renewEvidence,
  type RenewPhase,
  type RenewRun,
  type RenewStep,
  safetyOf,
  stillNeeded,
  stoppedText,
} from "./renew.ts";

const REMINDER = "#renew";
export const isRenewReminder = (key: string): boolean => key === REMINDER;

/** The limit of controllers that one act names; more are refused (S6). */
const MAX_RENEWED = 4096;

type UseSeen = Extract<StacdEvent, { readonly type: "use-seen" }>;
type Disconnected = Extract<StacdEvent, { readonly type: "disconnected" }>;
type KeysWritten = Extract<StacdEvent, { readonly type: "keys-written" }>;

export interface RenewHost extends DrainHost {
  attempt(ctl: Ctl): Attempt;
  bar(ctl: Ctl): string | undefined;
  verdict: (ctl: Ctl) => { readonly is: string };
  keep: (ctl: Ctl, device: { readonly transport: string }) => string | undefined;
}

export class RenewTurn {
  readonly #host: RenewHost;

  constructor(host: RenewHost) {
    this.#host = host;
  }

  get #renewals(): Renewals {
    return this.#host.state.renewals;
  }

  #put(change: Partial<Renewals>): void {
    const { state } = this.#host;
    this.#host.state = { ...state, renewals: { ...state.renewals, ...change } };
  }

  #answer(call: number | undefined, answer: RenewAnswer): void {
    if (call !== undefined) this.#host.fleet.emit({ do: "answer-renew", call, answer });
  }

  // --- the act -------------------------------------------------------------------------------------------------------

  renew({ call, uid, what, keys, mode, reconnects }: RenewEvent): void {
    const { run, last } = this.#renewals;
    const { fleet, now } = this.#host;
    const refuse = (...reasons: readonly string[]): void =>
      this.#answer(call, { result: "refused", reasons, warnings: [], controllers: [] });
    if (mode === "watch" || mode === "stop") {
      if (run !== undefined && mode === "stop") this.#change({ stops: true });
      const nothing: RenewAnswer = { result: "unknown", reasons: [], warnings: [], controllers: [] };
      return this.#answer(call, run === undefined ? last ?? nothing : this.#told(run, "running"));
    }
    if (run !== undefined) {
      return refuse(`the renewal of ${run.what}, begun by uid ${run.uid}, is under way: wait for its end`);
    }
    const ctls = keys.flatMap((key) => fleet.ctl(key) ?? [])
      .toSorted((a, b) => tidText(a.tid) < tidText(b.tid) ? -1 : 1);
    if (ctls.length === 0) {
      return this.#answer(call, { result: "unknown", reasons: [], warnings: [], controllers: [] });
    }
    if (fleet.fleet.stopping) return refuse("stacd is stopping");
    if (!fleet.fresh) return refuse("the kernel's connections have not been read yet");
    if (ctls.length > MAX_RENEWED) {
      return refuse(`it names ${ctls.length} controllers: one call takes ${MAX_RENEWED}`);
    }
    const means = ctls.map((ctl) => ({ ctl, found: this.#meansOf(ctl, reconnects) }));
    const steps = means.map(({ ctl: { key, tid }, found }): RenewStep => ({
      key,
      tid,
      means: found.ok ? found.means : "reconnect",
      is: found.ok ? "waiting" : "failed",
      why: found.why,
      guard: undefined,
    }));
    const reasons = means.flatMap(({ ctl, found }) => found.ok ? [] : [`${this.#named(ctl)}: ${found.why}`]);
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
      return this.#answer(call, { ...this.#told(begun, "refused"), reasons });
    }
    this.#put({ run: begun, last: undefined });
  }

  #named(ctl: Pick<Ctl, "key" | "tid">): string {
    const device = this.#deviceOf(ctl.key);
    return [...device === "" ? [] : [device], tidText(ctl.tid)].join(" ");
  }

  #deviceOf(key: string): string {
    const link = this.#host.fleet.ctl(key)?.link;
    return link !== undefined && "ref" in link ? link.ref.device : "";
  }

  #told(run: RenewRun, result: RenewAnswer["result"], reasons: readonly string[] = []): RenewAnswer {
    const controllers = run.steps.map(({ key, tid, means, is, why }): Renewed => ({
      tid,
      device: this.#deviceOf(key),
      means,
      is,
      why,
    }));
    return { result, reasons, warnings: run.warnings, controllers };
  }

  /** By which means the connection is renewed, and whether it may be. */
  #meansOf(ctl: Ctl, reconnects: boolean): Means {
    const { fleet } = this.#host;
    if (ctl.link.phase === "deleting" || ctl.link.phase === "connecting" || ctl.link.phase === "forming") {
      return { ok: false, why: `it is ${ctl.link.phase}: try again when that has ended` };
    }
    if (ctl.link.phase !== "up") return { ok: true, means: "not-connected", why: "" };
    const device = fleet.device(ctl.link.ref);
    if (device === undefined) return { ok: false, why: "its connection has just been replaced: try again" };
    if (this.#host.verdict(ctl).is !== "wanted") {
      return {
        ok: false,
        why: "no source wants it now, or it is excluded or drained: stacctl explain says which",
      };
    }
    const shield = fleet.shield(device);
    if (shield !== undefined) return { ok: false, why: `stacd may not change its connection: ${shield}` };
    const found = meansFor(
      device,
      this.#host.attempt(ctl),
      fleet.fleet.devices.values(),
      fleet.fleet.interfaces,
      reconnects,
    );
    if (!found.ok || found.means !== "reconnect") return found;
    const bar = this.#host.bar(ctl);
    if (bar !== undefined) return { ok: false, why: `it could not be connected again: ${bar}` };
    const keep = this.#host.keep(ctl, device);
    return keep === undefined ? found : { ok: false, why: `stacd may not disconnect it: ${keep}` };
  }

  // --- the run -------------------------------------------------------------------------------------------------------

  #change(change: Partial<RenewRun>): void {
    const { run } = this.#renewals;
    if (run !== undefined) this.#put({ run: { ...run, ...change } });
  }

  #step(change: Partial<RenewStep>): void {
    const { run } = this.#renewals;
    if (run === undefined) return;
    this.#change({
      steps: run.steps.map((step, index) => index === run.index ? { ...step, ...change } : step),
    });
  }

  #wait(phase: RenewPhase): void {
    this.#change({ phase });
    const at = "until" in phase && phase.until !== undefined ? phase.until : undefined;
    const again = phase.is === "serving" && phase.op === undefined ? phase.again : at;
    if (again !== undefined) this.#host.fleet.remindAt(again, REMINDER);
  }

  /** The end of a step: as far as it can go now. True when controllers have to be looked at again. */
  advance(): boolean {
    if (this.#renewals.run === undefined) return false;
    const before = this.#host.fleet.effects.length;
    for (let run: RenewRun | undefined = this.#renewals.run; run !== undefined;) {
      if (this.#host.fleet.fleet.stopping) this.#end("stopped", "stacd is stopping");
      else this.#go(run);
      const next: RenewRun | undefined = this.#renewals.run;
      if (next === run) break;
      run = next;
    }
    return this.#host.fleet.effects.length > before;
  }

  #go(run: RenewRun): void {
    const step = run.steps[run.index];
    if (step === undefined) return run.stage === "check" ? this.#checked(run) : this.#end("renewed");
    const ctl = this.#host.fleet.ctl(step.key);
    if (ctl === undefined) return this.#fail("its controller is no longer known");
    switch (run.phase.is) {
      case "begin":
        return this.#begin(run, step, ctl);
      case "looking":
        return this.#looking(run, run.phase, step, ctl);
      case "writing":
        return;
      case "replacing":
        return this.#replacing(run.phase, ctl);
      case "serving":
        return this.#serving(run.phase, ctl);
    }
  }

  #next(): void {
    const { run } = this.#renewals;
    if (run !== undefined) this.#change({ index: run.index + 1, phase: { is: "begin" } });
  }

  /** All uses are known: nothing has been changed so far. */
  #checked(run: RenewRun): void {
    const held = run.steps.filter(({ is }) => is === "failed");
    if (held.length > 0) {
      const reasons = held.map((step) => `${this.#named(step)}: ${step.why}`);
      this.#put({ run: undefined });
      return this.#answer(run.call, this.#told(run, "refused", reasons));
    }
    if (run.onlyAsked) {
      this.#put({ run: undefined });
      return this.#answer(run.call, this.#told(run, "possible"));
    }
    const { fleet } = this.#host;
    const words = evidenceText(renewEvidence(run));
    fleet.happened("notice", "renewing", `Connections are ${words}`, {
      STAS_UID: String(run.uid),
      NVME_EVIDENCE: words,
    });
    for (const warning of run.warnings) fleet.log("warning", warning);
    this.#change({ stage: "go", index: 0, phase: { is: "begin" } });
    if (run.steps.some(({ means }) => means === "reconnect" || means === "keys")) {
      this.#answer(run.call, this.#told(run, "running"));
      this.#change({ call: undefined });
    }
  }

  #begin(run: RenewRun, { means, guard }: RenewStep, ctl: Ctl): void {
    if (run.stage === "check") {
      if (means !== "reconnect" || ctl.link.phase !== "up") return this.#next();
      return this.#look(ctl, newGuard);
    }
    if (run.stops) return this.#end("stopped", "a person has stopped it");
    // The configuration and the connection may have changed since.
    const found = this.#meansOf(ctl, run.reconnects);
    if (!found.ok) return this.#fail(found.why);
    this.#step({ means: found.means, is: "under-way", why: found.why });
    switch (found.means) {
      case "same":
      case "not-connected":
        this.#step({ is: "done" });
        return this.#next();
      case "keys": {
        if (ctl.link.phase !== "up") return this.#fail("its connection is gone");
        const op = this.#host.fleet.op();
        const { keys } = this.#host.attempt(ctl).request;
        this.#host.fleet.emit({ do: "write-keys", op, key: ctl.key, target: ctl.link.ref, keys });
        return this.#wait({ is: "writing", op });
      }
      case "reconnect":
        return this.#look(ctl, guard ?? newGuard);
    }
  }

  #look(ctl: Ctl, guard: Guard): void {
    if (ctl.link.phase !== "up") return this.#fail("its connection is gone");
    const op = this.#host.fleet.op();
    this.#step({ guard: { ...guard, op, failure: undefined } });
    this.#host.fleet.emit({ do: "look-at-use", op, key: ctl.key, target: ctl.link.ref });
    this.#wait({ is: "looking", ref: ctl.link.ref });
  }

  /** Whatever `disconnect-in-use` says: a path that comes back is no reason to take the last one. */
  get #policy(): GuardPolicy {
    return { ...this.#host.guard, inUseGoes: false };
  }

  #looking(
    run: RenewRun,
    { ref, until }: Extract<RenewPhase, { readonly is: "looking" }>,
    { guard }: RenewStep,
    ctl: Ctl,
  ): void {
    if (guard === undefined || guard.op !== undefined) return;
    const { fleet, now } = this.#host;
    const isSame = ctl.link.phase === "up" && ctl.link.ref.incarnation === ref.incarnation;
    if (!isSame) return this.#fail("its connection has been replaced meanwhile");
    if (until !== undefined) return reached(until, now) ? this.#look(ctl, guard) : undefined;
    if (guard.at === undefined) return;
    const seen = judgedBy(guard, guard.at, this.#policy, fleet.siblings(ctl), ref.device, true);
    if (run.stage === "check") {
      if (seen.is === "held") {
        this.#step({ is: "failed", why: `${seen.why}, and no other usable path serves it` });
      }
      return this.#next();
    }
    switch (seen.is) {
      case "held":
        return this.#fail(`${seen.why}, and no other usable path serves it`);
      case "watched":
        return this.#wait({ is: "looking", ref, until: seen.until });
      case "free": {
        if (guard.at.mono !== now.mono) return this.#look(ctl, guard);
        const found = this.#meansOf(ctl, run.reconnects);
        const device = fleet.device(ref);
        if (!found.ok) return this.#fail(found.why);
        if (device === undefined) return this.#fail("its connection has been replaced meanwhile");
        const needs = neededOf(guard, ref.device);
        this.#put({ demands: new Map(this.#renewals.demands).set(ctl.key, safetyOf(device)) });
        fleet.disconnect(ctl, { target: ref, evidence: [renewEvidence(run)], claims: seen.claims });
        return this.#wait({ is: "replacing", old: ref, needs, until: after(now, RENEW_LIMIT) });
      }
    }
  }

  #replacing({ old, needs, until }: Extract<RenewPhase, { readonly is: "replacing" }>, ctl: Ctl): void {
    const { fleet, now } = this.#host;
    const { link, lastFailure } = ctl;
    if (link.phase === "up") {
      if (link.ref.incarnation === old.incarnation) {
        return this.#fail(`it was not disconnected: ${ctl.history.at(-1)?.text ?? "the kernel kept it"}`);
      }
      const device = fleet.device(link.ref);
      const lacks = device === undefined ? [] : lessSafe(this.#host.attempt(ctl).request, device);
      if (lacks.length > 0) return this.#fail(`its new connection is ${lessSafeText(lacks)}`);
      const again = { mono: now.mono };
      return this.#wait({
        is: "serving",
        ref: link.ref,
        needs,
        op: undefined,
        again,
        until: after(now, RENEW_SERVES),
      });
    }
    if (link.phase !== "deleting" && this.#host.verdict(ctl).is !== "wanted") {
      return this.#fail(
        "it is not connected again: no source wants it any more, or it is excluded or drained",
      );
    }
    const bar = link.phase === "idle" ? this.#host.bar(ctl) : undefined;
    if (bar !== undefined) return this.#fail(`it is not connected again: ${bar}`);
    if (link.phase === "waiting" && ctl.attempts > 0) {
      return this.#fail(`it could not be connected again: ${lastFailure?.failure.message ?? "unknown"}`);
    }
    if (reached(until, now)) this.#fail("it has not been connected again in time");
  }

  #serving(phase: Extract<RenewPhase, { readonly is: "serving" }>, ctl: Ctl): void {
    const { fleet, now } = this.#host;
    const { ref, needs, op, again, until } = phase;
    const isSame = ctl.link.phase === "up" && ctl.link.ref.incarnation === ref.incarnation &&
      ctl.link.lost === undefined;
    if (!isSame) return this.#fail("its new connection was lost");
    if (needs.length === 0) return this.#done(ctl);
    if (op !== undefined) return;
    if (reached(until, now)) {
      return this.#fail(
        `its new connection does not serve ${needs.join(", ")} (listed, with usable ANA state)`,
      );
    }
    if (!reached(again, now)) return;
    const look = fleet.op();
    fleet.emit({ do: "look-at-use", op: look, key: ctl.key, target: ref });
    this.#change({ phase: { ...phase, op: look } });
  }

  #done(ctl: Ctl): void {
    const { fleet } = this.#host;
    const { run } = this.#renewals;
    const by = run === undefined ? "" : `, for uid ${run.uid}`;
    const step = run?.steps[run.index];
    const what = step?.means === "keys"
      ? `the keys of the file were handed to the kernel, which authenticates again${by}`
      : `connected again with the options of the file${by}`;
    fleet.say("notice", ctl, `Renewed: ${what}`);
    fleet.announce(ctl, "renewed", what);
    this.#step({ is: "done" });
    this.#next();
  }

  #fail(why: string): void {
    this.#step({ is: "failed", why });
    const { run } = this.#renewals;
    const step = run?.steps[run.index];
    if (run === undefined || step === undefined) return;
    // Nothing has been changed yet: the others are judged as well.
    if (run.stage === "check") return this.#next();
    this.#end("stopped", `${this.#named(step)}: ${why}`);
  }

  #end(result: "renewed" | "stopped", ...reasons: readonly string[]): void {
    const { run } = this.#renewals;
    if (run === undefined) return;
    const steps = run.steps.map((step) =>
      step.is === "waiting" || step.is === "under-way" ? { ...step, is: "left" as const } : step
    );
    const answer = this.#told({ ...run, steps }, run.stage === "check" ? "refused" : result, reasons);
    this.#put({ run: undefined, last: answer });
    this.#answer(run.call, answer);
    if (run.stage === "check") return;
    const { fleet } = this.#host;
    const words = evidenceText(renewEvidence(run));
    const more = { STAS_UID: String(run.uid), NVME_EVIDENCE: words };
    const done = steps.filter(({ is }) => is === "done").length;
    if (result === "renewed") {
      fleet.happened("notice", "renewed", `All ${done} connections were ${words}`, more);
    } else fleet.happened("warning", "renewal-stopped", `${stoppedText(steps, reasons)}; ${words}`, more);
  }

  // --- news ----------------------------------------------------------------------------------------------------------

  /** A look at the use of namespaces has ended. False: it did not belong to a renewal. */
  seen({ op, outcome }: UseSeen): boolean {
    const { run } = this.#renewals;
    const step = run?.steps[run.index];
    if (run === undefined || step === undefined) return false;
    const { phase } = run;
    if (phase.is === "looking" && step.guard?.op === op) {
      const { now } = this.#host;
      const guard = outcome.ok
        ? looked(step.guard, outcome.value, this.#policy, now)
        : { ...step.guard, op: undefined, at: { mono: now.mono }, failure: outcome.failure.message };
      this.#step({ guard });
      return true;
    }
    if (phase.is !== "serving" || phase.op !== op) return false;
    const { needs, ref } = phase;
    const left = outcome.ok ? stillNeeded(needs, outcome.value, ref.device) : needs;
    this.#wait({ ...phase, op: undefined, needs: left, again: after(this.#host.now, RENEW_LOOK) });
    return true;
  }

  /** A block device could not be claimed: its path stays. */
  disconnected({ key, outcome }: Disconnected): void {
    const { run } = this.#renewals;
    if (run?.phase.is !== "replacing" || run.steps[run.index]?.key !== key || !outcome.ok) return;
    if (typeof outcome.value !== "string") this.#fail(`it was not disconnected: ${outcome.value.inUse}`);
  }

  written({ op, key, outcome }: KeysWritten): void {
    const { run } = this.#renewals;
    if (run?.phase.is !== "writing" || run.phase.op !== op) return;
    const ctl = this.#host.fleet.ctl(key);
    if (!outcome.ok) return this.#fail(outcome.failure.message);
    if (ctl === undefined) return this.#fail("its controller is no longer known");
    this.#done(ctl);
  }

  /** Why the controller may not be connected: its next connection would be less safe than the one before (S15). */
  bar(ctl: Ctl): string | undefined {
    const demand = this.#renewals.demands.get(ctl.key);
    const lacks = demand === undefined ? [] : lacking(demand, this.#host.attempt(ctl));
    return lacks.length === 0 ? undefined : lackingText(lacks, "restart stacd to connect it without");
  }

  /** It is connected, or no longer known: nothing is left to compare with. */
  settled({ key }: Pick<Ctl, "key">): void {
    if (!this.#renewals.demands.has(key)) return;
    const demands = new Map(this.#renewals.demands);
    demands.delete(key);
    this.#put({ demands });
  }
}
