/** The acts of persons in both daemons: who is meant, why an act is refused from the first, when an answer is sent. */
import type { WaitingAnswer } from "../effects.ts";
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

export const tooMany = (named: readonly unknown[], limit: number, act = "call"): string | undefined =>
  named.length > limit ? `it names ${named.length} controllers: one ${act} takes ${limit}` : undefined;

/** The answers whose changes are saved, or never will be. */
export function answersDue<Answer>(
  { state: { fleet: { saves, stopping } } }: View,
  answers: readonly WaitingAnswer<Answer>[],
): Readonly<Record<"due" | "waiting", readonly WaitingAnswer<Answer>[]>> {
  const isDue = ({ upTo }: WaitingAnswer<Answer>): boolean => upTo <= saves.done || stopping;
  return { due: answers.filter(isDue), waiting: answers.filter((one) => !isDue(one)) };
}
