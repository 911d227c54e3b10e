/**
 * The loop around a core: events go in one at a time, effects come out and are carried out, and one timer stands for all
 * the core waits for. It decides nothing.
 */
import type { Instant, Now } from "../nvme/time.ts";
import type { Clock } from "../ports.ts";
import { ClockWatch } from "./clock_watch.ts";

/** A core as the shell sees it. */
export interface Core<State, Event, Effect> {
  readonly step: (state: State, event: Event, now: Now) => {
    readonly state: State;
    readonly effects: readonly Effect[];
    /** What the step looked at and decided, counted: for those who look in (S11). */
    readonly work?: number;
  };
  readonly wakeAt: (state: State) => Instant | undefined;
  /** The event that says that the time of `wakeAt` has come. */
  readonly tick: Event;
  /** The event that says that the wall clock was set by so many milliseconds. */
  readonly clockSet: (ms: number) => Event;
}

/** Where a simulation looks in: at the core, and at each effect on its way to the world. */
export interface Seams<State, Event, Effect> {
  readonly core: Core<State, Event, Effect>;
  readonly around: (effect: Effect, go: () => void) => void;
  /** Is told how to look at the state, before anything happens. */
  readonly built: (state: () => State) => void;
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

  /** `perform` starts an effect and never posts its outcome before it returns. */
  constructor(
    core: Core<State, Event, Effect>,
    initial: State,
    clock: Clock,
    perform: (effect: Effect) => void,
    onClockSet: (ms: number) => void = () => undefined,
  ) {
    this.#core = core;
    this.#state = initial;
    this.#clock = clock;
    this.#perform = perform;
    this.#watch = new ClockWatch(clock);
    this.#onClockSet = onClockSet;
  }

  /** In terms of the clock as it is now. */
  get state(): State {
    if (!this.#running && !this.#stopped) this.#noticeClock();
    return this.#state;
  }

  post(event: Event): void {
    if (this.#stopped) return;
    this.#queue.push(event);
    if (this.#running) return;
    this.#noticeClock();
    this.#run();
  }

  #noticeClock(): void {
    const ms = this.#watch.setBy();
    if (ms === 0) return;
    this.#onClockSet(ms);
    this.#queue.unshift(this.#core.clockSet(ms));
    this.#run();
  }

  #run(): void {
    this.#running = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { state, effects } = this.#core.step(this.#state, next, this.#clock.now());
      this.#state = state;
      for (const effect of effects) this.#perform(effect);
    }
    this.#running = false;
    this.#setAlarm();
  }

  /** Ends the loop: nothing is taken in and nothing is performed any more. */
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
