/** The acts of persons in both daemons: who is meant, why an act is refused from the first, when an answer is sent. */
import type { WaitingAnswer } from "../effects.ts";
import { MAX_NAMED } from "./act_limits.ts";
import type { Ctl } from "../controller/ctl.ts";
import { ctlAt, isFresh } from "./questions.ts";
import type { View } from "./view.ts";

/** The controllers that it names, where they are still known. */
export const namedCtls = (view: View, keys: readonly string[]): readonly Ctl[] =>
  keys.flatMap((key) => ctlAt(view, key) ?? []);

export const stopping = ({ state, rules }: View): string | undefined =>
  state.fleet.stopping ? `${rules.daemon} is stopping` : undefined;

export const unread = (view: View): string | undefined =>
  isFresh(view) ? undefined : "the kernel's connections have not been read yet";

export const tooMany = (named: readonly unknown[], act: keyof typeof MAX_NAMED): string | undefined =>
  named.length > MAX_NAMED[act]
    ? `it names ${named.length} controllers: one ${act} takes ${MAX_NAMED[act]}`
    : undefined;

/** The answers whose changes are saved, or never will be. */
export function answersDue<Answer>(
  { state: { fleet: { saves, stopping } } }: View,
  answers: readonly WaitingAnswer<Answer>[],
): Readonly<Record<"due" | "waiting", readonly WaitingAnswer<Answer>[]>> {
  const isDue = ({ upTo }: WaitingAnswer<Answer>): boolean => upTo <= saves.done || stopping;
  return { due: answers.filter(isDue), waiting: answers.filter((one) => !isDue(one)) };
}
