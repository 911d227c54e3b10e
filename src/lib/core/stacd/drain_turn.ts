/**
 * The acts `drain` and `undrain` in one step of stacd. A drain that would leave a namespace in use without a usable
 * path is refused (S12): stacd first examines all controllers that it covers, and judges them as if it were in force.
 */
import type { Event } from "../effects.ts";
import {
  covers,
  type Drain,
  type DrainAnswer,
  type DrainAsk,
  type Drained,
  type DrainEvent,
  drainEvidence,
  type Drains,
  isOver,
  targetsOf,
  withDrain,
} from "./drain.ts";
import { type Guard, judgedBy, looked, newGuard } from "../planning/guard.ts";
import { after, type Instant, milliseconds, reached } from "../../base/time.ts";
import type { StacdDraft, StacdView } from "./stacd_draft.ts";
import { MAX_ASKS, MAX_DRAINS } from "../fleet/act_limits.ts";
import { answersDue, namedCtls, stopping, tooMany, unread } from "../fleet/acts.ts";
import { allCtls } from "../fleet/questions.ts";
import { type Ctl, deviceOf } from "../controller/ctl.ts";
import { emit, markDirty, newOp, remindAt, touch, trySoon } from "../fleet/draft.ts";
import { DRAIN_PATIENCE } from "../retry.ts";
import { afterwards } from "../fleet/decisions.ts";
import { guardPolicy } from "./stacd_guard.ts";
import { tidText } from "../../nvme/tid.ts";
import { siblingsOf } from "../fleet/kernel_view.ts";
import { evidenceText } from "../planning/evidence.ts";
import { happened } from "../fleet/reporting.ts";

type Ask = Extract<DrainEvent, { readonly type: "drain" }>;

type Undrain = Extract<DrainEvent, { readonly type: "undrain" }>;

type UseSeen = Extract<Event, { readonly type: "use-seen" }>;

const nothing: Omit<DrainAnswer, "result"> = {
  reasons: [],
  controllers: [],
  again: undefined,
  drains: [],
};

function drainsOf(view: StacdView): Drains {
  return view.state.drains;
}

function putDrains(draft: StacdDraft, change: Partial<Drains>): void {
  const { state } = draft;
  draft.state = { ...state, drains: { ...state.drains, ...change } };
}

/** {@link sendAnswers} sends them, once the changes that they report are saved. */
function answer(draft: StacdDraft, call: number | undefined, answer: DrainAnswer): void {
  if (call === undefined) return;
  const upTo = draft.state.fleet.saves.due;
  putDrains(draft, { answers: [...drainsOf(draft).answers, { call, answer, upTo }] });
}

function refuse(draft: StacdDraft, call: number | undefined, ...reasons: readonly string[]): void {
  answer(draft, call, { ...nothing, result: "refused", reasons });
}

// --- drain ---------------------------------------------------------------------------------------------------------
export function drain(draft: StacdDraft, event: Ask): void {
  const { now } = draft;
  const { call, keys } = event;
  const old = drainsOf(draft).asks.find((ask) => isSame(ask, event));
  if (old !== undefined) {
    refuse(draft, old.call, "replaced by a newer request for the same drain");
    dropAsk(draft, old);
  }
  if (keys.length === 0) return answer(draft, call, { ...nothing, result: "unknown" });
  const why = stopping(draft) ?? tooMany(keys, "drain");
  if (why !== undefined) return refuse(draft, call, why);
  const others = drainsOf(draft).list.filter(({ what }) => what !== event.what).length;
  if (others >= MAX_DRAINS) return refuse(draft, call, `${MAX_DRAINS} drains are in force: end one first`);
  if (event.mode === "force") return beginDrain(draft, event);
  const early = unread(draft);
  if (early !== undefined) return refuse(draft, call, early);
  if (drainsOf(draft).asks.length >= MAX_ASKS) {
    return refuse(draft, call, `${MAX_ASKS} drains are waiting for a decision: try again`);
  }
  const looks = new Map<
    string,
    { readonly guard: Guard; readonly ref: NonNullable<ReturnType<typeof deviceOf>> }
  >();
  for (const ctl of going(draft, event)) {
    const ref = deviceOf(ctl);
    if (ref === undefined) continue;
    const known = old?.looks.get(ctl.key);
    const isSame = known?.ref.incarnation === ref.incarnation && known.ref.device === ref.device;
    const op = newOp(draft);
    looks.set(ctl.key, { guard: { ...isSame ? known.guard : newGuard, op }, ref });
    emit(draft, { do: "look-at-use", op, key: ctl.key, target: ref });
  }
  const ask: DrainAsk = { call, event, looks, until: after(now, DRAIN_PATIENCE) };
  putDrains(draft, { asks: [...drainsOf(draft).asks, ask] });
  remindOfDrains(draft);
  judge(draft, ask);
}

function isSame({ event }: DrainAsk, { uid, what }: Ask): boolean {
  return event.uid === uid && event.what === what;
}

function dropAsk(draft: StacdDraft, ask: DrainAsk): void {
  putDrains(draft, { asks: drainsOf(draft).asks.filter((other) => other !== ask) });
}

function made(view: StacdView, { what, names, uid, term, mode, keys }: Ask): Drain {
  const { now } = view;
  return {
    what,
    names,
    uid,
    at: now.wall,
    until: term === undefined ? undefined : now.wall + term.ms,
    forced: mode === "force",
    targets: targetsOf(new Set(keys), allCtls(view)),
  };
}

/** Answers a question about the state in which the drain is in force. */
function asIf<T>(draft: StacdDraft, drain: Drain, question: () => T): T {
  const { list } = drainsOf(draft);
  putDrains(draft, { list: withDrain(list, drain, allCtls(draft)) });
  const answer = question();
  putDrains(draft, { list });
  return answer;
}

/** Controllers whose connection it would disconnect. */
function going(draft: StacdDraft, event: Ask): readonly Ctl[] {
  const drain = made(draft, event);
  return asIf(
    draft,
    drain,
    () => namedCtls(draft, event.keys).filter((ctl) => keptThough(draft, ctl, drain) === undefined),
  );
}

/** Why its connection stays; empty where it has none. Undefined: it will be disconnected. */
function keptThough(view: StacdView, ctl: Ctl, drain: Drain): string | undefined {
  if (ctl.link.phase !== "up") return "";
  const decision = afterwards(view, ctl, [drainEvidence(drain)]);
  return decision.act === "release" ? decision.why : decision.act === "forget" ? "" : undefined;
}

/** A look at the use of namespaces has ended. False: it did not belong to a drain. */
export function drainUseSeen(draft: StacdDraft, { op, outcome }: UseSeen): boolean {
  const { now } = draft;
  const policy = guardPolicy(draft.state.conf);
  const ask = drainsOf(draft).asks.find(({ looks }) =>
    [...looks.values()].some(({ guard }) => guard.op === op)
  );
  if (ask === undefined) return false;
  const looks = new Map(ask.looks);
  for (const [key, { guard, ref }] of ask.looks) {
    if (guard.op !== op) continue;
    looks.set(key, { guard: looked(guard, outcome, policy, now), ref });
  }
  const next: DrainAsk = { ...ask, looks };
  putDrains(draft, { asks: drainsOf(draft).asks.map((other) => other === ask ? next : other) });
  judge(draft, next);
  return true;
}

function judge(draft: StacdDraft, ask: DrainAsk): void {
  const { call, event, looks } = ask;
  if (call === undefined || [...looks.values()].some(({ guard }) => guard.op !== undefined)) return;
  const { now } = draft;
  const drain = made(draft, event);
  const found = asIf(
    draft,
    drain,
    () => namedCtls(draft, event.keys).map((ctl) => becomes(draft, ctl, drain, ask)),
  );
  const controllers = found.map(({ drained }) => drained);
  const reasons = controllers.flatMap(({ tid, device, becomes, why }) =>
    becomes === "held" || becomes === "kept" ? [`${device} ${tidText(tid)}: ${why}`] : []
  );
  if (reasons.length > 0) {
    dropAsk(draft, ask);
    return answer(draft, call, { ...nothing, result: "refused", reasons, controllers });
  }
  const until = found.reduce((latest, one) => Math.max(latest, one.until?.mono ?? 0), 0);
  if (until > now.mono) {
    const waits: DrainAsk = { ...ask, call: undefined, until: after({ mono: until }, DRAIN_PATIENCE) };
    putDrains(draft, { asks: drainsOf(draft).asks.map((other) => other === ask ? waits : other) });
    remindOfDrains(draft);
    const again = Math.ceil(until - now.mono);
    return answer(draft, call, { ...nothing, result: "watching", controllers, again });
  }
  dropAsk(draft, ask);
  if (event.mode === "ask") return answer(draft, call, { ...nothing, result: "possible", controllers });
  beginDrain(draft, event, controllers);
}

function becomes(
  draft: StacdDraft,
  ctl: Ctl,
  drain: Drain,
  { looks }: DrainAsk,
): { readonly drained: Drained; readonly until?: Instant } {
  const { tid } = ctl;
  const device = deviceOf(ctl)?.device ?? "";
  const is = (becomes: Drained["becomes"], why = ""): Drained => ({ tid, device, becomes, why });
  const kept = keptThough(draft, ctl, drain);
  if (kept !== undefined) return { drained: kept === "" ? is("not-connected") : is("kept", kept) };
  const look = looks.get(ctl.key);
  const isSeen = look?.ref.incarnation === deviceOf(ctl)?.incarnation && look?.guard.at !== undefined;
  if (look === undefined || !isSeen || look.guard.at === undefined) {
    return { drained: is("held", "use unknown: its connection has been replaced meanwhile") };
  }
  const policy = guardPolicy(draft.state.conf);
  const seen = judgedBy(look.guard, look.guard.at, policy, siblingsOf(draft, ctl), device, true);
  switch (seen.is) {
    case "held":
      return { drained: is("held", seen.why) };
    case "watched":
      return {
        drained: is("watched", "nothing holds it; whether a program reads or writes it is not known yet"),
        until: seen.until,
      };
    case "free":
      return { drained: is("disconnected") };
  }
}

function beginDrain(draft: StacdDraft, event: Ask, controllers?: readonly Drained[]): void {
  const drain = made(draft, event);
  putDrains(draft, { list: withDrain(drainsOf(draft).list, drain, allCtls(draft)) });
  const words = evidenceText(drainEvidence(drain));
  happened(draft, "notice", "drained", `Controllers are ${words}`, {
    STAS_UID: String(drain.uid),
    NVME_EVIDENCE: words,
  });
  markDirty(draft);
  touchDrained(draft, [drain]);
  remindOfDrains(draft);
  const becomes = controllers ?? namedCtls(draft, event.keys).map((ctl): Drained => {
    const kept = keptThough(draft, ctl, drain);
    return {
      tid: ctl.tid,
      device: deviceOf(ctl)?.device ?? "",
      becomes: kept === undefined ? "disconnected" : kept === "" ? "not-connected" : "kept",
      why: kept ?? "",
    };
  });
  answer(draft, event.call, { ...nothing, result: "drained", controllers: becomes, drains: [drain] });
}

// --- the end -------------------------------------------------------------------------------------------------------
export function undrain(draft: StacdDraft, { call, uid, what, keys }: Undrain): void {
  const { list } = drainsOf(draft);
  const named = new Set(keys);
  const same = list.filter((drain) => drain.what === what);
  const ending = same.length > 0 ? same : list.filter((drain) => isWithin(draft, drain, named));
  if (ending.length === 0) return answer(draft, call, { ...nothing, result: "unknown", drains: list });
  endDrains(draft, ending, `uid ${uid} has ended it`, uid);
  answer(draft, call, { ...nothing, result: "undrained", drains: ending });
}

/** All controllers that the drain covers are named: its end puts no others back. */
function isWithin(view: StacdView, drain: Drain, named: ReadonlySet<string>): boolean {
  const taken = [...allCtls(view)].filter((ctl) => covers(drain, ctl));
  return taken.length > 0 && taken.every(({ key }) => named.has(key));
}

function endDrains(draft: StacdDraft, ending: readonly Drain[], why: string, uid?: number): void {
  putDrains(draft, { list: drainsOf(draft).list.filter((drain) => !ending.includes(drain)) });
  for (const drain of ending) {
    const words = evidenceText(drainEvidence(drain));
    happened(draft, "notice", "undrained", `No longer ${words}; ${why}`, {
      ...(uid === undefined ? {} : { STAS_UID: String(uid) }),
      NVME_EVIDENCE: words,
    });
  }
  markDirty(draft);
  touchDrained(draft, ending);
}

/** Judges drained controllers again, and tries those no longer drained at once. */
function touchDrained(draft: StacdDraft, drains: readonly Drain[]): void {
  for (const ctl of allCtls(draft)) {
    if (!drains.some((drain) => covers(drain, ctl))) continue;
    trySoon(draft, ctl.key, true);
    touch(draft, ctl.key);
  }
}

/** The term of a drain, or the wait for an answer, is over. */
export function drainsDue(draft: StacdDraft): void {
  const { now } = draft;
  const over = drainsOf(draft).list.filter((drain) => isOver(drain, now.wall));
  if (over.length > 0) endDrains(draft, over, "its term is over");
  for (const ask of drainsOf(draft).asks) {
    if (!reached(ask.until, now)) continue;
    dropAsk(draft, ask);
    refuse(draft, ask.call, "use unknown: the use of its namespaces could not be determined in time");
  }
  remindOfDrains(draft);
}

/** Also needed after a restart: a state file cannot hold deadlines of the monotonic clock. */
export function remindOfDrains(draft: StacdDraft): void {
  const { now } = draft;
  const { list, asks } = drainsOf(draft);
  const ends = list.map(({ until }) =>
    until === undefined ? Infinity : after(now, milliseconds(Math.max(1, until - now.wall))).mono
  );
  const at = Math.min(Infinity, ...ends, ...asks.map(({ until }) => until.mono));
  if (at !== Infinity) remindAt(draft, { mono: at }, { of: "drain" });
}

/** The end of a step. */
export function sendAnswers(draft: StacdDraft): void {
  const { answers } = drainsOf(draft);
  if (answers.length === 0) return;
  const { due, waiting } = answersDue(draft, answers);
  for (const { call, answer } of due) emit(draft, { do: "answer", call, answer });
  putDrains(draft, { answers: waiting });
}
