/**
 * The flight recorder: the last events that entered the core, and the state that they began from. The state never
 * changes, so a reference to it is a checkpoint; two generations of events are kept, and the older one is dropped
 * as a whole. Everything stays in memory until a person asks for a report.
 */
import type { StacdEvent, StafdEvent } from "../../core/effects.ts";
import type { Fleet } from "../../core/fleet/fleet.ts";
import type { Now } from "../../base/time.ts";
import type { Core } from "../shell.ts";
import { keptScan, type Replaced, weigh } from "./share.ts";

/** Events of one generation; between one and two generations are kept (S6). */
export const MAX_EVENTS = 2048;
/**
 * Estimated bytes of the events of one generation beyond what they share with each other and the state (S6). A longer page
 * of a discovery controller makes the record begin again: the state before it would keep all that the page has replaced.
 */
export const MAX_BYTES = 512 * 1024;

export interface RecordedEvent {
  readonly at: Now;
  readonly event: unknown;
}

/** An event that was too large to be kept: the record begins after it. */
export interface Gap {
  readonly at: Now;
  readonly type: string;
  readonly bytes: number;
}

export interface Recorded<State> {
  /** Before the first event. */
  readonly start: State;
  readonly events: readonly RecordedEvent[];
  /** What stands for an object whose equal was kept in its place. */
  readonly identity: (value: object) => object;
  /** After the last event. */
  readonly end: State;
  /** Events since the daemon was started, with those that are no longer kept. */
  readonly count: number;
  readonly gap: Gap | undefined;
}

interface Generation<State> {
  readonly start: State;
  readonly events: RecordedEvent[];
  bytes: number;
  /** What the bytes were counted of. */
  readonly counted: WeakSet<object>;
  /** The last states of the links. */
  states: ReadonlyMap<string, string> | undefined;
}

interface HasFleet {
  readonly fleet: Pick<Fleet, "devices">;
}

export class Recorder<State extends HasFleet, Event extends StafdEvent | StacdEvent> {
  readonly #plain: (state: State) => State;
  readonly #limits: { readonly events: number; readonly bytes: number };
  #older: Generation<State> | undefined;
  #newer: Generation<State> | undefined;
  readonly #replaced: Replaced = new WeakMap();
  #count = 0;
  #gap: Gap | undefined;

  /** `plain` takes away what is worked out from the rest of the state. */
  constructor(
    plain: (state: State) => State = (state) => state,
    limits = { events: MAX_EVENTS, bytes: MAX_BYTES },
  ) {
    this.#plain = plain;
    this.#limits = limits;
  }

  /** Estimated bytes that are kept beyond the present state. */
  get bytes(): number {
    return (this.#older?.bytes ?? 0) + (this.#newer?.bytes ?? 0);
  }

  /** Before the step. */
  note(state: State, event: Event, { mono, wall }: Now): void {
    this.#count++;
    const generation = this.#generation(state);
    const value = this.#kept(state, event, generation);
    const bytes = weigh(value, generation.counted);
    if (bytes > this.#limits.bytes) {
      this.#gap = { at: { mono, wall }, type: event.type, bytes };
      this.#older = undefined;
      this.#newer = undefined;
      return;
    }
    generation.events.push({ at: { mono, wall }, event: value });
    generation.bytes += bytes;
  }

  /** `state` is the present one. */
  recorded(state: State): Recorded<State> {
    const newer = this.#newer;
    const older = this.#older;
    return {
      start: this.#plain(older?.start ?? newer?.start ?? state),
      end: this.#plain(state),
      events: [...older?.events ?? [], ...newer?.events ?? []],
      identity: (value) => this.#replaced.get(value) ?? value,
      count: this.#count,
      gap: this.#gap,
    };
  }

  /** Links and scans say the same again and again: what is equal is kept once. */
  #kept({ fleet }: State, event: Event, generation: Generation<State>): unknown {
    if (event.type === "states") {
      const before = generation.states;
      const states = before !== undefined && sameStates(before, event.states) ? before : event.states;
      generation.states = states;
      return { ...event, states };
    }
    if (event.type !== "scanned" || !event.outcome.ok) return event;
    const value = keptScan(event.outcome.value, (device) => fleet.devices.get(device), this.#replaced);
    return { ...event, outcome: { ...event.outcome, value } };
  }

  #generation(state: State): Generation<State> {
    const { events, bytes } = this.#limits;
    const now = this.#newer;
    if (now !== undefined && now.events.length < events && now.bytes < bytes) return now;
    this.#older = now;
    const next: Generation<State> = {
      start: state,
      events: [],
      bytes: 0,
      counted: new WeakSet(),
      states: undefined,
    };
    this.#newer = next;
    return next;
  }
}

function sameStates(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  const others = b.entries();
  for (const [device, state] of a) {
    const [name, other] = others.next().value ?? [];
    if (name !== device || other !== state) return false;
  }
  return a.size === b.size;
}

/** The core, with what it is told on record. */
export const recording = <State extends HasFleet, Event extends StafdEvent | StacdEvent, Effect>(
  core: Core<State, Event, Effect>,
  recorder: Recorder<State, Event>,
): Core<State, Event, Effect> => ({
  ...core,
  step: (state, event, now) => {
    recorder.note(state, event, now);
    return core.step(state, event, now);
  },
});
