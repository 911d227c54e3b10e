/** The queues for probes and for the one connect: whose turn it is, and the last check before a connect. */
import { changeFleet, type Draft, emit, emitFirst, newOp, put, remindAt, setFleet } from "./draft.ts";
import { type Ctl, noted } from "../controller/ctl.ts";
import type { Reached } from "../../ports.ts";
import { asks, originAt, rankOf } from "./probing.ts";
import { linedUp } from "./waiting.ts";
import { ctlAt, isFresh } from "./questions.ts";
import { MAX_PROBES, MAX_UNREAD } from "./fleet.ts";
import { Drawing, LONG_QUEUE, type TurnPlace, type Turns } from "./turns.ts";
import { PROBE_TIMEOUT } from "../retry.ts";
import { requestFor, type View } from "./view.ts";
import { mayShare } from "./fleet_index.ts";
import { decisionOn } from "./decisions.ts";
import { carryOut } from "./settle.ts";
import { tlsRemedy, tlsText } from "../request/page_tls.ts";
import { sayOf } from "./reporting.ts";
import { guest, restingApart } from "./kernel_share.ts";

const NOBODYS: TurnPlace = { lane: 2, authority: "" };

/** Queues it for the kernel. */
export function queueForKernel(draft: Draft, ctl: Ctl, reached: Reached, isLast = false): void {
  put(draft, { ...ctl, link: { phase: "ready" } });
  draft.queued.push({ key: ctl.key, rank: rankOf(ctl, reached, isLast) });
}

function lineUp(draft: Draft): void {
  setFleet(
    draft,
    linedUp(draft.state.fleet, draft.begun, draft.queued, (key) => ctlAt(draft, key)?.link.phase),
  );
  draft.begun = [];
  draft.queued = [];
}

/** Starts work that has a free slot: probes, one connect, one save. The last action of a step. */
export function startWork(draft: Draft): void {
  lineUp(draft);
  startProbes(draft);
  startConnect(draft);
  // The last check may have put a controller back into a queue.
  lineUp(draft);
  const { saves } = draft.state.fleet;
  if (saves.running === undefined && saves.wanted > saves.done && !saves.failed) {
    const op = newOp(draft);
    changeFleet(draft, { saves: { ...saves, running: { op, upTo: saves.wanted } } });
    emit(draft, { do: "save", op, state: draft.rules.savedState(draft) });
  }
}

function startProbes(draft: Draft): void {
  while (draft.state.fleet.reaching < MAX_PROBES && draft.state.fleet.toReach.length > 0) {
    probeFirst(draft, inTurn(draft));
  }
}

/** How many at the head of the queue are in the order of their turns; draws some if none is. */
function inTurn(draft: Draft): number {
  const { toReach, reaching, drawn, turns } = draft.state.fleet;
  const free = MAX_PROBES - reaching;
  // If there is a slot for each of them, none has to wait.
  if (toReach.length <= free) return toReach.length;
  const isLong = toReach.length > LONG_QUEUE;
  if (isLong && drawn > 0) return drawn;
  const drawing = drawingOf(draft, toReach, (key) => key, turns.probe);
  const count = isLong ? MAX_PROBES : free;
  const first: string[] = [];
  while (first.length < count) {
    const key = drawing.next();
    if (key === undefined) break;
    first.push(key);
  }
  changeFleet(draft, {
    toReach: first.concat(drawing.left()),
    turns: { ...turns, probe: drawing.turns },
  });
  return first.length;
}

/** Probes the first ones of the queue, as far as there are slots. */
function probeFirst(draft: Draft, count: number): void {
  const { toReach } = draft.state.fleet;
  let { reaching } = draft.state.fleet;
  let n = 0;
  for (; n < count && reaching < MAX_PROBES; n++) {
    const key = toReach[n] ?? "";
    const ctl = ctlAt(draft, key);
    if (ctl?.link.phase !== "reaching" || ctl.link.op !== undefined) continue;
    const op = newOp(draft);
    put(draft, { ...ctl, link: { phase: "reaching", op } });
    const { liveAt } = draft.state.fleet;
    const probe = { timeout: PROBE_TIMEOUT, asks: asks(ctl, requestFor(draft, ctl), liveAt) };
    emit(draft, { do: "reach", op, key, tid: ctl.tid, probe });
    reaching++;
  }
  changeFleet(draft, { reaching, toReach: toReach.slice(n), drawn: count - n });
}

/** Draws from a queue in turns; leaves out entries that no longer wait. */
function drawingOf<One>(
  view: View,
  queue: readonly One[],
  keyOf: (one: One) => string,
  turns: Turns,
  originOf: (one: One, ctl: Ctl) => TurnPlace = (_one, ctl) => view.rules.origin(view, ctl),
  resting: readonly One[] = [],
): Drawing<One> {
  const originsOf = (all: readonly One[]): ReadonlyMap<One, TurnPlace> =>
    new Map(all.flatMap((one) => {
      // Sorting is not counted as work; drawing is.
      const ctl = view.state.fleet.ctls.get(keyOf(one));
      return ctl === undefined ? [] : [[one, originOf(one, ctl)] as const];
    }));
  const origins = originsOf(queue);
  const lanes = new Set([...originsOf(resting).values()].map(({ lane }) => lane));
  return new Drawing(origins.keys(), (one) => origins.get(one) ?? NOBODYS, turns, lanes);
}

function startConnect(draft: Draft): void {
  const { busy, exclusions, stopping, unread } = draft.state.fleet;
  if (busy !== undefined || !isFresh(draft) || exclusions === undefined || stopping) return;
  if (unread.length >= MAX_UNREAD) return;
  const guestOf = (ctl: Ctl): string | undefined => guest(draft.rules.origin(draft, ctl));
  const { ready, resting, until } = restingApart(draft.state.fleet, guestOf, draft.now);
  if (until !== undefined) remindAt(draft, until, { of: "rest" });
  if (ready.length === 0) return;
  const isAlone = ready.length === 1;
  const drawing = isAlone ? new Drawing(ready, () => NOBODYS, draft.state.fleet.turns.connect) : drawingOf(
    draft,
    ready,
    ({ key }) => key,
    draft.state.fleet.turns.connect,
    ({ rank }, ctl) => originAt(rank, draft.rules.origin(draft, ctl)),
    resting,
  );
  const later: typeof ready[number][] = [];
  let { turns } = drawing;
  while (draft.state.fleet.busy === undefined) {
    const first = drawing.next();
    if (first === undefined) break;
    draft.work += 1 + unread.length;
    const ctl = ctlAt(draft, first.key);
    if (ctl?.link.phase !== "ready") continue;
    // Not saved yet, or perhaps the same connection as one that was made and has not been read back (S4).
    if (ctl.savedWith > draft.state.fleet.saves.done || unread.some((made) => mayShare(made.tid, ctl.tid))) {
      later.push(first);
      continue;
    }
    // Only a controller that was really tried has used its turn.
    ({ turns } = drawing);
    connect(draft, ctl);
  }
  changeFleet(draft, {
    turns: isAlone ? draft.state.fleet.turns : { ...draft.state.fleet.turns, connect: turns },
    ready: later.concat(drawing.left(), resting),
  });
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
  changeFleet(draft, { busy: { op, key: ctl.key, tid: ctl.tid, guest: owner, begun: undefined } });
  const request = triedTls ? { ...asked, options: { ...asked.options, tls: true } } : asked;
  emitFirst(draft, { do: "connect", op, key: ctl.key, request });
}
