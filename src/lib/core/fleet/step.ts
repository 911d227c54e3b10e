/** A step of a daemon, from the event to the next state, and the end of the last one. */
import type { Step } from "../effects.ts";
import type { Now } from "../../base/time.ts";
import { type Draft, emit } from "./draft.ts";
import { allCtls } from "./questions.ts";
import type { View } from "./view.ts";

type StepFunction<State, Event, Effect> = (state: State, event: Event, now: Now) => Step<State, Effect>;

export function stepOf<State, Event, D extends Draft, Effect>(
  draftOf: (state: State, now: Now) => D,
  take: (draft: D, event: Event) => void,
  finish: (draft: D) => Step<State, Effect>,
): StepFunction<State, Event, Effect> {
  return (state, event, now) => {
    const draft = draftOf(state, now);
    take(draft, event);
    return finish(draft);
  };
}

/** The end of a step of a daemon that stops. */
export function exitWhenQuiet(draft: Draft): void {
  if (draft.state.fleet.stopping && isQuiet(draft)) emit(draft, { do: "exit" });
}

/** No work is under way that must finish before the daemon may end. */
function isQuiet(view: View): boolean {
  const { saves } = view.state.fleet;
  if (saves.running !== undefined || (saves.wanted > saves.done && !saves.failed)) return false;
  for (const ctl of allCtls(view)) if (ctl.link.phase === "deleting") return false;
  return true;
}
