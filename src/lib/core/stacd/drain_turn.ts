/**
 * The acts `drain` and `undrain` in one step of stacd. A drain that would leave a namespace in use without a usable
 * path is refused (S12): stacd first examines all controllers that it covers, and judges them as if it were in force.
 */
import type { Failure } from "../../base/failure.ts";
import { tidText } from "../../nvme/tid.ts";
import { after, type Instant, milliseconds, type Now, reached } from "../../base/time.ts";
import type { StacdState } from "./stacd_state.ts";
import { type Ctl, deviceOf } from "../controller/ctl.ts";
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
  MAX_DRAINS,
  MAX_TARGETS,
  targetsOf,
  withDrain,
} from "./drain.ts";
import type { Event, StacdEffect } from "../effects.ts";
import { evidenceText } from "../planning/evidence.ts";
import type { FleetTurn } from "../fleet/fleet_turn.ts";
import { type Guard, type GuardPolicy, judgedBy, looked, newGuard } from "../planning/guard.ts";
import { DRAIN_PATIENCE } from "../retry.ts";

const REMINDER = "#drain";
export const isDrainReminder = (key: string): boolean => key === REMINDER;

/** The limit of requested drains without a decision; more are refused (S6). */
const MAX_ASKS = 8;

type Ask = Extract<DrainEvent, { readonly type: "drain" }>;
type Undrain = Extract<DrainEvent, { readonly type: "undrain" }>;
type UseSeen = Extract<Event, { readonly type: "use-seen" }>;

/** The draft of one step of stacd, as drains see it. */
export interface DrainHost {
  state: StacdState;
  readonly now: Now;
  readonly fleet: FleetTurn<StacdEffect>;
  readonly guard: GuardPolicy;
}

const nothing: Omit<DrainAnswer, "result"> = {
  reasons: [],
  controllers: [],
  again: undefined,
  drains: [],
};

const failed = (guard: Guard, { message }: Failure, now: Instant): Guard => ({
  ...guard,
  op: undefined,
  at: { mono: now.mono },
  failure: message,
});

export class DrainTurn {
  readonly #host: DrainHost;

  constructor(host: DrainHost) {
    this.#host = host;
  }

  get #drains(): Drains {
    return this.#host.state.drains;
  }

  #put(change: Partial<Drains>): void {
    const { state } = this.#host;
    this.#host.state = { ...state, drains: { ...state.drains, ...change } };
  }

  /** {@link finish} sends the answers, once the changes that they report are saved. */
  #answer(call: number | undefined, answer: DrainAnswer): void {
    if (call === undefined) return;
    const upTo = this.#host.fleet.fleet.saves.wanted;
    this.#put({ answers: [...this.#drains.answers, { call, answer, upTo }] });
  }

  #refuse(call: number | undefined, ...reasons: readonly string[]): void {
    this.#answer(call, { ...nothing, result: "refused", reasons });
  }

  // --- drain ---------------------------------------------------------------------------------------------------------

  drain(event: Ask): void {
    const { fleet, now } = this.#host;
    const { call, keys } = event;
    const old = this.#drains.asks.find((ask) => this.#isSame(ask, event));
    if (old !== undefined) {
      this.#refuse(old.call, "replaced by a newer request for the same drain");
      this.#drop(old);
    }
    if (keys.length === 0) return this.#answer(call, { ...nothing, result: "unknown" });
    if (fleet.fleet.stopping) return this.#refuse(call, "stacd is stopping");
    if (keys.length > MAX_TARGETS) {
      return this.#refuse(call, `it names ${keys.length} controllers: one drain takes ${MAX_TARGETS}`);
    }
    const others = this.#drains.list.filter(({ what }) => what !== event.what).length;
    if (others >= MAX_DRAINS) return this.#refuse(call, `${MAX_DRAINS} drains are in force: end one first`);
    if (event.mode === "force") return this.#begin(event);
    if (!fleet.fresh) return this.#refuse(call, "the kernel's connections have not been read yet");
    if (this.#drains.asks.length >= MAX_ASKS) {
      return this.#refuse(call, `${MAX_ASKS} drains are waiting for a decision: try again`);
    }
    const looks = new Map<
      string,
      { readonly guard: Guard; readonly ref: NonNullable<ReturnType<typeof deviceOf>> }
    >();
    for (const ctl of this.#going(event)) {
      const ref = deviceOf(ctl);
      if (ref === undefined) continue;
      const known = old?.looks.get(ctl.key);
      const isSame = known?.ref.incarnation === ref.incarnation && known.ref.device === ref.device;
      const op = fleet.op();
      looks.set(ctl.key, { guard: { ...isSame ? known.guard : newGuard, op }, ref });
      fleet.emit({ do: "look-at-use", op, key: ctl.key, target: ref });
    }
    const ask: DrainAsk = { call, event, looks, until: after(now, DRAIN_PATIENCE) };
    this.#put({ asks: [...this.#drains.asks, ask] });
    this.remind();
    this.#judge(ask);
  }

  #isSame({ event }: DrainAsk, { uid, what }: Ask): boolean {
    return event.uid === uid && event.what === what;
  }

  #drop(ask: DrainAsk): void {
    this.#put({ asks: this.#drains.asks.filter((other) => other !== ask) });
  }

  #ctls({ keys }: Pick<Ask, "keys">): readonly Ctl[] {
    return keys.flatMap((key) => this.#host.fleet.ctl(key) ?? []);
  }

  #made({ what, names, uid, term, mode, keys }: Ask): Drain {
    const { now, fleet } = this.#host;
    return {
      what,
      names,
      uid,
      at: now.wall,
      until: term === undefined ? undefined : now.wall + term.ms,
      forced: mode === "force",
      targets: targetsOf(new Set(keys), fleet.all()),
    };
  }

  /** Answers a question about the state in which the drain is in force. */
  #asIf<T>(drain: Drain, question: () => T): T {
    const { list } = this.#drains;
    this.#put({ list: withDrain(list, drain, this.#host.fleet.all()) });
    const answer = question();
    this.#put({ list });
    return answer;
  }

  /** Controllers whose connection it would disconnect. */
  #going(event: Ask): readonly Ctl[] {
    const drain = this.#made(event);
    return this.#asIf(drain, () => this.#ctls(event).filter((ctl) => this.#keptBy(ctl, drain) === undefined));
  }

  /** Why its connection stays; empty where it has none. Undefined: it will be disconnected. */
  #keptBy(ctl: Ctl, drain: Drain): string | undefined {
    if (ctl.link.phase !== "up") return "";
    const decision = this.#host.fleet.afterwards(ctl, [drainEvidence(drain)]);
    return decision.act === "release" ? decision.why : decision.act === "forget" ? "" : undefined;
  }

  /** A look at the use of namespaces has ended. False: it did not belong to a drain. */
  seen({ op, outcome }: UseSeen): boolean {
    const { now, guard: policy } = this.#host;
    const ask = this.#drains.asks.find(({ looks }) =>
      [...looks.values()].some(({ guard }) => guard.op === op)
    );
    if (ask === undefined) return false;
    const looks = new Map(ask.looks);
    for (const [key, { guard, ref }] of ask.looks) {
      if (guard.op !== op) continue;
      const next = outcome.ok
        ? looked(guard, outcome.value, policy, now)
        : failed(guard, outcome.failure, now);
      looks.set(key, { guard: next, ref });
    }
    const next: DrainAsk = { ...ask, looks };
    this.#put({ asks: this.#drains.asks.map((other) => other === ask ? next : other) });
    this.#judge(next);
    return true;
  }

  #judge(ask: DrainAsk): void {
    const { call, event, looks } = ask;
    if (call === undefined || [...looks.values()].some(({ guard }) => guard.op !== undefined)) return;
    const { now } = this.#host;
    const drain = this.#made(event);
    const found = this.#asIf(drain, () => this.#ctls(event).map((ctl) => this.#becomes(ctl, drain, ask)));
    const controllers = found.map(({ drained }) => drained);
    const reasons = controllers.flatMap(({ tid, device, becomes, why }) =>
      becomes === "held" || becomes === "kept" ? [`${device} ${tidText(tid)}: ${why}`] : []
    );
    if (reasons.length > 0) {
      this.#drop(ask);
      return this.#answer(call, { ...nothing, result: "refused", reasons, controllers });
    }
    const until = found.reduce((latest, one) => Math.max(latest, one.until?.mono ?? 0), 0);
    if (until > now.mono) {
      const waits: DrainAsk = { ...ask, call: undefined, until: after({ mono: until }, DRAIN_PATIENCE) };
      this.#put({ asks: this.#drains.asks.map((other) => other === ask ? waits : other) });
      this.remind();
      const again = Math.ceil(until - now.mono);
      return this.#answer(call, { ...nothing, result: "watching", controllers, again });
    }
    this.#drop(ask);
    if (event.mode === "ask") return this.#answer(call, { ...nothing, result: "possible", controllers });
    this.#begin(event, controllers);
  }

  #becomes(
    ctl: Ctl,
    drain: Drain,
    { looks }: DrainAsk,
  ): { readonly drained: Drained; readonly until?: Instant } {
    const { tid } = ctl;
    const device = deviceOf(ctl)?.device ?? "";
    const is = (becomes: Drained["becomes"], why = ""): Drained => ({ tid, device, becomes, why });
    const kept = this.#keptBy(ctl, drain);
    if (kept !== undefined) return { drained: kept === "" ? is("not-connected") : is("kept", kept) };
    const look = looks.get(ctl.key);
    const isSeen = look?.ref.incarnation === deviceOf(ctl)?.incarnation && look?.guard.at !== undefined;
    if (look === undefined || !isSeen || look.guard.at === undefined) {
      return { drained: is("held", "use unknown: its connection has been replaced meanwhile") };
    }
    const { fleet, guard: policy } = this.#host;
    const seen = judgedBy(look.guard, look.guard.at, policy, fleet.siblings(ctl), device, true);
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

  #begin(event: Ask, controllers?: readonly Drained[]): void {
    const { fleet } = this.#host;
    const drain = this.#made(event);
    this.#put({ list: withDrain(this.#drains.list, drain, this.#host.fleet.all()) });
    const words = evidenceText(drainEvidence(drain));
    fleet.happened("notice", "drained", `Controllers are ${words}`, {
      STAS_UID: String(drain.uid),
      NVME_EVIDENCE: words,
    });
    fleet.dirty();
    this.#touch([drain]);
    this.remind();
    const becomes = controllers ?? this.#ctls(event).map((ctl): Drained => {
      const kept = this.#keptBy(ctl, drain);
      return {
        tid: ctl.tid,
        device: deviceOf(ctl)?.device ?? "",
        becomes: kept === undefined ? "disconnected" : kept === "" ? "not-connected" : "kept",
        why: kept ?? "",
      };
    });
    this.#answer(event.call, { ...nothing, result: "drained", controllers: becomes, drains: [drain] });
  }

  // --- the end -------------------------------------------------------------------------------------------------------

  undrain({ call, uid, what, keys }: Undrain): void {
    const { list } = this.#drains;
    const named = new Set(keys);
    const same = list.filter((drain) => drain.what === what);
    const ending = same.length > 0 ? same : list.filter((drain) => this.#isWithin(drain, named));
    if (ending.length === 0) return this.#answer(call, { ...nothing, result: "unknown", drains: list });
    this.#end(ending, `uid ${uid} has ended it`, uid);
    this.#answer(call, { ...nothing, result: "undrained", drains: ending });
  }

  /** All controllers that the drain covers are named: its end puts no others back. */
  #isWithin(drain: Drain, named: ReadonlySet<string>): boolean {
    const taken = [...this.#host.fleet.all()].filter((ctl) => covers(drain, ctl));
    return taken.length > 0 && taken.every(({ key }) => named.has(key));
  }

  #end(ending: readonly Drain[], why: string, uid?: number): void {
    const { fleet } = this.#host;
    this.#put({ list: this.#drains.list.filter((drain) => !ending.includes(drain)) });
    for (const drain of ending) {
      const words = evidenceText(drainEvidence(drain));
      fleet.happened("notice", "undrained", `No longer ${words}; ${why}`, {
        ...(uid === undefined ? {} : { STAS_UID: String(uid) }),
        NVME_EVIDENCE: words,
      });
    }
    fleet.dirty();
    this.#touch(ending);
  }

  /** Judges drained controllers again, and tries those no longer drained at once. */
  #touch(drains: readonly Drain[]): void {
    const { fleet } = this.#host;
    for (const ctl of fleet.all()) {
      if (!drains.some((drain) => covers(drain, ctl))) continue;
      fleet.nudge(ctl.key, true);
      fleet.touch(ctl.key);
    }
  }

  /** The term of a drain, or the wait for an answer, is over. */
  due(): void {
    const { now } = this.#host;
    const over = this.#drains.list.filter((drain) => isOver(drain, now.wall));
    if (over.length > 0) this.#end(over, "its term is over");
    for (const ask of this.#drains.asks) {
      if (!reached(ask.until, now)) continue;
      this.#drop(ask);
      this.#refuse(ask.call, "use unknown: the use of its namespaces could not be determined in time");
    }
    this.remind();
  }

  /** Also needed after a restart: a state file cannot hold deadlines of the monotonic clock. */
  remind(): void {
    const { now, fleet } = this.#host;
    const { list, asks } = this.#drains;
    const ends = list.map(({ until }) =>
      until === undefined ? Infinity : after(now, milliseconds(Math.max(1, until - now.wall))).mono
    );
    const at = Math.min(Infinity, ...ends, ...asks.map(({ until }) => until.mono));
    if (at !== Infinity) fleet.remindAt({ mono: at }, REMINDER);
  }

  /** The end of a step. */
  finish(): void {
    const { answers } = this.#drains;
    if (answers.length === 0) return;
    const { fleet: { fleet } } = this.#host;
    const isGiven = ({ upTo }: Drains["answers"][number]): boolean =>
      upTo <= fleet.saves.done || fleet.stopping;
    for (const one of answers) {
      if (isGiven(one)) this.#host.fleet.emit({ do: "answer", call: one.call, answer: one.answer });
    }
    this.#put({ answers: answers.filter((one) => !isGiven(one)) });
  }
}
