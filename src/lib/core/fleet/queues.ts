/** The queues for probes and for the one connect: whose turn it is, and the last check before a connect. */
import { changeFleet, type Draft, emit, emitFirst, newOp, put, remindAt } from "./draft.ts";
import type { Op } from "../effects.ts";
import { type Ctl, noted } from "../controller/ctl.ts";
import type { Reached } from "../../ports.ts";
import { asks, originAt, rankOf } from "./probing.ts";
import { entered, inTurn, left, OPEN, waitersIn } from "./waiting.ts";
import { ctlAt, isFresh } from "./questions.ts";
import { MAX_PROBES, waitsFor } from "./fleet.ts";
import type { Turns } from "./turns.ts";
import { PROBE_TIMEOUT } from "../retry.ts";
import { requestFor } from "./view.ts";
import { decisionOn } from "./decisions.ts";
import { carryOut } from "./settle.ts";
import { tlsRemedy, tlsText } from "../request/page_tls.ts";
import { sayOf } from "./reporting.ts";
import {
  guest,
  isHeld,
  mayConnect,
  nextEnd,
  partOf,
  sharedWith,
  sharing,
  taken,
  UNSAVED,
} from "./kernel_lock.ts";

/** Queues it for the kernel. */
export function queueForKernel(draft: Draft, ctl: Ctl, reached: Reached, isLast = false): void {
  put(draft, { ...ctl, link: { phase: "ready" } });
  draft.toPlace.set(ctl.key, rankOf(ctl, reached, isLast));
}

/** Gives those that wait their places: what has begun to wait, has changed, or counts against another authority now. */
function lineUp(draft: Draft): void {
  const displaced = draft.rules.displaced(draft);
  const { toReach, ready } = draft.state.fleet;
  const keys = displaced === "all" ? [...toReach.waiters.keys(), ...ready.waiters.keys()] : displaced;
  draft.work += keys.length;
  for (const key of keys) if (!draft.toPlace.has(key)) draft.toPlace.set(key, undefined);
  for (const [key, rank] of draft.toPlace) placed(draft, key, rank);
  draft.toPlace.clear();
}

function placed(draft: Draft, key: string, rank: number | undefined): void {
  // Sorting is not counted as work; drawing is.
  const ctl = draft.state.fleet.ctls.get(key);
  if (ctl === undefined) return;
  const { toReach, ready } = draft.state.fleet;
  const origin = draft.rules.origin(draft, ctl);
  switch (waitsFor(ctl)) {
    case "probe":
      return changeFleet(draft, { toReach: entered(toReach, { ...origin, key, rank: 0, part: OPEN }) });
    case "kernel": {
      const known = rank ?? ready.waiters.get(key)?.rank;
      if (known === undefined) return;
      const part = partOf(ctl, origin, draft.state.fleet.saves.done);
      return changeFleet(draft, {
        ready: entered(ready, { ...originAt(known, origin), key, rank: known, part }),
      });
    }
    case undefined:
      return;
  }
}

/** Those of a part have their places worked out again. */
function placeAgain(draft: Draft, part: string): void {
  for (const { key, rank } of waitersIn(draft.state.fleet.ready, part)) placed(draft, key, rank);
}

/** What the state file says now may be connected. */
export function placeSaved(draft: Draft): void {
  placeAgain(draft, UNSAVED);
}

/** The connection has been read back: what it would have served was recognised, and the others have their turns. */
export function placeRead(draft: Draft, op: Op): void {
  placeAgain(draft, sharing(op));
}

/** Starts work that has a free slot: probes, one connect, one save. The last action of a step. */
export function startWork(draft: Draft): void {
  lineUp(draft);
  startProbes(draft);
  startConnect(draft);
  // The last check may have put a controller back into a queue.
  lineUp(draft);
  const { saves, stopping } = draft.state.fleet;
  const due = stopping ? saves.wanted : saves.due;
  if (saves.running === undefined && due > saves.done && !saves.failed) {
    const op = newOp(draft);
    changeFleet(draft, { saves: { ...saves, running: { op, upTo: saves.wanted } } });
    emit(draft, { do: "save", op, state: draft.rules.savedState(draft) });
  }
}

function startProbes(draft: Draft): void {
  const { toReach, reaching } = draft.state.fleet;
  // If there is a slot for each of them, none has to wait, and none uses its turn.
  if (reaching + toReach.waiters.size <= MAX_PROBES) {
    const all = [...toReach.waiters.values()].toSorted((a, b) => a.number - b.number);
    for (const { key } of all) probe(draft, key, toReach.turns);
    return;
  }
  while (draft.state.fleet.reaching < MAX_PROBES) {
    const turn = inTurn(draft.state.fleet.toReach, undefined, (count) => draft.work += count);
    if (turn === undefined) return;
    probe(draft, turn.one.key, turn.turns);
  }
}

function probe(draft: Draft, key: string, turns: Turns): void {
  const { reaching, toReach, liveAt } = draft.state.fleet;
  changeFleet(draft, { reaching: reaching + 1, toReach: { ...left(toReach, key), turns } });
  const ctl = ctlAt(draft, key);
  if (ctl === undefined) throw new Error(`${key} waits for a probe and is not known`);
  const op = newOp(draft);
  put(draft, { ...ctl, link: { phase: "reaching", op } });
  const probe = { timeout: PROBE_TIMEOUT, asks: asks(ctl, requestFor(draft, ctl), liveAt) };
  emit(draft, { do: "reach", op, key, tid: ctl.tid, probe });
}

function startConnect(draft: Draft): void {
  const { lock, exclusions, stopping } = draft.state.fleet;
  if (!mayConnect(lock) || !isFresh(draft) || exclusions === undefined || stopping) return;
  const until = nextEnd(lock, draft.now);
  if (until !== undefined) remindAt(draft, until, { of: "rest" });
  while (mayConnect(draft.state.fleet.lock)) {
    const { ready, saves } = draft.state.fleet;
    const turn = inTurn(ready, (part) => isHeld(lock, part, draft.now), (count) => draft.work += count);
    if (turn === undefined) return;
    draft.work += 1 + lock.unread.length;
    const { one } = turn;
    const ctl = ctlAt(draft, one.key);
    if (ctl === undefined) throw new Error(`${one.key} waits for the kernel and is not known`);
    const shared = sharedWith(lock, ctl.tid);
    const held = ctl.savedWith > saves.done ? UNSAVED : shared === undefined ? undefined : sharing(shared.op);
    if (held !== undefined) {
      changeFleet(draft, { ready: entered(ready, { ...one, part: held }) });
      continue;
    }
    // Only a controller that was really tried, while others waited, has used its turn.
    const turns = ready.waiters.size === 1 ? ready.turns : turn.turns;
    changeFleet(draft, { ready: { ...left(ready, one.key), turns } });
    connect(draft, ctl);
  }
}

/**
 * The last check before the connect: the controller may have been connected or excluded meanwhile (S4, S7).
 */
function connect(draft: Draft, ready: Ctl): void {
  let ctl = ready;
  const decision = decisionOn(draft, ctl);
  if (decision.act !== "none") return carryOut(draft, ctl);
  const op = newOp(draft);
  const { request: asked, choice } = draft.rules.attempt(draft, ctl);
  const triedTls = choice.is === "tls" && !choice.must;
  const words = choice.is === "clear" ? tlsText(choice) : undefined;
  // Said once for each reason.
  if (words !== undefined && !ctl.history.some(({ text }) => text === words)) {
    sayOf(draft, ctl, "notice", `Connecting ${words}; ${tlsRemedy(choice) ?? ""}`);
    ctl = noted(ctl, draft.now.wall, words);
  }
  put(draft, { ...ctl, lastTry: draft.now, tryOnce: false, triedTls, link: { phase: "connecting", op } });
  const owner = guest(draft.rules.origin(draft, ctl));
  const { lock } = draft.state.fleet;
  changeFleet(draft, { lock: taken(lock, { op, key: ctl.key, tid: ctl.tid, guest: owner }) });
  const request = triedTls ? { ...asked, options: { ...asked.options, tls: true } } : asked;
  emitFirst(draft, { do: "connect", op, key: ctl.key, request });
}
