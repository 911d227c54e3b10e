/** Plays a recording again on the core: the same events at the same times give the same effects. */
import type { Now } from "../../base/time.ts";
import type { Core } from "../shell.ts";

/** One step of a replay. */
export interface Played<State, Event, Effect> {
  /** Counted from 1. */
  readonly n: number;
  readonly at: Now;
  readonly event: Event;
  readonly before: State;
  readonly after: State;
  readonly effects: readonly Effect[];
}

export function* played<State, Event, Effect>(
  core: Core<State, Event, Effect>,
  start: State,
  events: Iterable<{ readonly at: Now; readonly event: Event }>,
): Generator<Played<State, Event, Effect>> {
  let before = start;
  let n = 0;
  for (const { at, event } of events) {
    const { state: after, effects } = core.step(before, event, at);
    yield { n: ++n, at, event, before, after, effects };
    before = after;
  }
}
