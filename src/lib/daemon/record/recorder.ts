/**
 * The flight recorder: the last events that entered the core, and the state that they began from. The state never
 * changes, so a reference to it is a checkpoint; two generations of events are kept, and the older one is dropped
 * as a whole. Everything stays in memory until a person asks for a report.
 */
import type { StacdEvent, StafdEvent } from "../../core/effects.ts";
import type { Fleet } from "../../core/fleet/fleet.ts";
import type { Now } from "../../base/time.ts";
import type { Core } from "../shell.ts";
import { kept } from "./share.ts";

/** Events of one generation; between one and two generations are kept (S6). */
export const MAX_EVENTS = 2048;
/** Estimated bytes of the events of one generation beyond what they share with each other and the state (S6). */
export const MAX_BYTES = 1024 * 1024;

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
  /** The last event of each kind and object, to keep equal parts once. */
  readonly last: Map<string, unknown>;
}

/** What names the object of an event. */
interface Named {
  readonly type: string;
  readonly key?: unknown;
  readonly device?: unknown;
  readonly host?: unknown;
}

const nameOf = ({ type, key, device, host }: Named): string =>
  [type, key, device, host].filter((part) => typeof part === "string").join(" ");

export class Recorder<State, Event extends Named> {
  readonly #known: (state: State, event: Event) => unknown;
  readonly #plain: (state: State) => State;
  readonly #limits: { readonly events: number; readonly bytes: number };
  #older: Generation<State> | undefined;
  #newer: Generation<State> | undefined;
  #count = 0;
  #gap: Gap | undefined;

  /**
   * `known` gives a value that shares with the state what an event repeats of it; undefined: nothing. `plain` takes
   * away what is worked out from the rest of the state.
   */
  constructor(
    known: (state: State, event: Event) => unknown = () => undefined,
    plain: (state: State) => State = (state) => state,
    limits = { events: MAX_EVENTS, bytes: MAX_BYTES },
  ) {
    this.#known = known;
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
    const name = nameOf(event);
    const { value, bytes } = kept(event, generation.last.get(name) ?? this.#known(state, event));
    if (bytes > this.#limits.bytes) {
      this.#gap = { at: { mono, wall }, type: event.type, bytes };
      this.#older = undefined;
      this.#newer = undefined;
      return;
    }
    generation.events.push({ at: { mono, wall }, event: value });
    generation.last.set(name, value);
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
      count: this.#count,
      gap: this.#gap,
    };
  }

  #generation(state: State): Generation<State> {
    const { events, bytes } = this.#limits;
    const now = this.#newer;
    if (now !== undefined && now.events.length < events && now.bytes < bytes) return now;
    this.#older = now;
    const next: Generation<State> = { start: state, events: [], bytes: 0, last: new Map() };
    this.#newer = next;
    return next;
  }
}

/** A scan repeats what the state has of the kernel's connections. */
export function knownDevices(
  { fleet }: { readonly fleet: Fleet },
  event: StacdEvent | StafdEvent,
): unknown {
  if (event.type !== "scanned" || !event.outcome.ok) return undefined;
  const value = event.outcome.value.map(({ device }) => fleet.devices.get(device));
  return { ...event, outcome: { ...event.outcome, value } };
}

/** The core, with what it is told on record. */
export const recording = <State, Event extends Named, Effect>(
  core: Core<State, Event, Effect>,
  recorder: Recorder<State, Event>,
): Core<State, Event, Effect> => ({
  ...core,
  step: (state, event, now) => {
    recorder.note(state, event, now);
    return core.step(state, event, now);
  },
});
