/**
 * The loop around a core: it passes events in one at a time, carries out the resulting effects, and has one
 * timer for all the times that the core waits for. It makes no decisions.
 */
import type { Instant, Now } from "../base/time.ts";
import type { Clock } from "../ports.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { Recorded } from "./record/recorder.ts";

/** A core as the shell sees it. */
export interface Core<State, Event, Effect> {
  readonly step: (state: State, event: Event, now: Now) => {
    readonly state: State;
    readonly effects: readonly Effect[];
    /** The counted work of the step, for observers (S11). */
    readonly work?: number;
  };
  readonly wakeAt: (state: State) => Instant | undefined;
  /** The event that says that the time of `wakeAt` has come. */
  readonly tick: Event;
  /** The event that says that the wall clock was set by so many milliseconds. */
  readonly clockSet: (ms: number) => Event;
}

/** Hooks for a simulation: to observe the core, and each effect before it is carried out. */
export interface Seams<State, Event, Effect> {
  readonly core: Core<State, Event, Effect>;
  readonly around: (effect: Effect, go: () => void) => void;
  /** Receives functions that read the state and the flight recorder, before anything happens. */
  readonly built: (state: () => State, recorded: () => Recorded<State>) => void;
}

export class Shell<State, Event, Effect> {
  readonly #core: Core<State, Event, Effect>;
  readonly #clock: Clock;
  readonly #perform: (effect: Effect) => void;
  #state: State;
  readonly #queue: Event[] = [];
  readonly #watch: ClockWatch;
  readonly #onClockSet: (ms: number) => void;
  #running = false;
  #stopped = false;
  #alarm: { readonly at: number; readonly cancel: () => void } | undefined;

  /** `perform` starts an effect; its outcome never arrives before `perform` returns. */
  constructor(
    core: Core<State, Event, Effect>,
    initial: State,
    clock: Clock,
    perform: (effect: Effect) => void,
    onClockSet: (ms: number) => void = () => undefined,
    watch = new ClockWatch(clock),
  ) {
    this.#core = core;
    this.#state = initial;
    this.#clock = clock;
    this.#perform = perform;
    this.#watch = watch;
    this.#onClockSet = onClockSet;
  }

  /** Converted to the present clock. */
  get state(): State {
    if (!this.#running && !this.#stopped) this.#run();
    return this.#state;
  }

  post(event: Event): void {
    if (this.#stopped) return;
    this.#queue.push(event);
    if (!this.#running) this.#run();
  }

  /** Takes all events that wait. Each step has a clock that the state's times are of. */
  #run(): void {
    this.#running = true;
    let steps = 0;
    for (;; steps++) {
      const now = this.#clock.now();
      const ms = this.#watch.setBy(now);
      if (ms !== 0) this.#onClockSet(ms);
      const next = ms === 0 ? this.#queue.shift() : this.#core.clockSet(ms);
      if (next === undefined) break;
      const { state, effects } = this.#core.step(this.#state, next, now);
      this.#state = state;
      for (const effect of effects) this.#perform(effect);
    }
    this.#running = false;
    if (steps > 0) this.#setAlarm();
  }

  /** Ends the loop: no more events are accepted, and no more effects performed. */
  stop(): void {
    this.#stopped = true;
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #setAlarm(): void {
    if (this.#stopped) return;
    const at = this.#core.wakeAt(this.#state);
    if (at?.mono === this.#alarm?.at) return;
    this.#alarm?.cancel();
    this.#alarm = at === undefined ? undefined : {
      at: at.mono,
      cancel: this.#clock.wakeAt(at, () => {
        this.#alarm = undefined;
        this.post(this.#core.tick);
      }),
    };
  }
}
