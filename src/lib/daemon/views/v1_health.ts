/** `health`: is everything that should be connected connected? */
import { distinct, WANTED } from "../../dbus/v1_distinct.ts";
import type { V1Controller, V1Health } from "../../dbus/v1_types.ts";

export type Problem = V1Health["problems"][number];

export function healthOf(
  daemon: V1Health["daemon"],
  at: number,
  named: readonly V1Controller[],
  more: readonly Problem[],
): V1Health {
  const controllers = distinct(named);
  const count = (...phases: readonly V1Controller["phase"][]): number =>
    controllers.filter(({ phase }) => phases.includes(phase)).length;
  const failing = controllers.filter(({ phase }) =>
    phase === "failing" || phase === "given-up" || phase === "reconnecting"
  );
  const problems: Problem[] = [
    ...more,
    ...failing.map(({ text, detail, lastFailure }) => ({
      id: "controller-failing",
      text: `${text}: ${detail}`,
      remedy: lastFailure?.remedy ?? null,
    })),
  ];
  return {
    schema: 1,
    daemon,
    at,
    status: problems.length === 0 ? "good" : "degraded",
    counts: {
      wanted: controllers.filter(({ phase }) => WANTED.has(phase)).length,
      connected: count("connected"),
      failing: failing.length,
      waiting: count("waiting", "connecting"),
    },
    problems,
  };
}
