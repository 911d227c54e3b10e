/** A step changes nothing that it was given, and taken twice it gives the same. */
import type { Core } from "../../src/lib/daemon/shell.ts";
import { Freezer, isRefused } from "./frozen.ts";
import { isSame } from "./snapshot.ts";
import { Violation } from "./violation.ts";

/** From the first look on, nobody can change a state: neither a step that was given it, nor the shell afterwards. */
export function pure<State, Event extends { readonly type: string }, Effect>(
  who: string,
  step: Core<State, Event, Effect>["step"],
): Core<State, Event, Effect>["step"] {
  const freezer = new Freezer();
  return (state, event, now) => {
    try {
      freezer.freeze(state);
      const next = step(state, event, now);
      // The work may be less: what the first turn worked out of the state need not be worked out again.
      const again = { ...step(state, event, now), work: next.work };
      if (!isSame(next, again)) {
        throw new Violation("purity", `${who}: ${event.type} twice gives two results`);
      }
      freezer.freeze(next.state);
      return next;
    } catch (error) {
      if (!isRefused(error)) throw error;
      throw new Violation("purity", `${who}: ${event.type} changes the state it was given: ${error.stack}`);
    }
  };
}
