/** The acts `drain` and `undrain` between the bus and the core: a call becomes an event, and the core's answer its reply. */
import { covers, type Drain, type DrainAnswer, type DrainEvent, drainEvidence } from "../core/stacd/drain.ts";
import { evidenceText } from "../core/planning/evidence.ts";
import type { Act } from "../core/effects.ts";
import type { Fleet } from "../core/fleet/fleet.ts";
import type { AskedAct, StacActs } from "../dbus/server.ts";
import type { V1Drain, V1DrainAnswer } from "../dbus/v1_types.ts";
import { milliseconds } from "../base/time.ts";
import { type ActCalls, type ActParts, handOver, withTexts } from "./act_calls.ts";
import type { Problem } from "./views/v1_health.ts";

export function drainActs(
  calls: ActCalls<DrainAnswer>,
  parts: ActParts<DrainEvent>,
): Omit<StacActs, "renew"> {
  const told = async (act: AskedAct, event: (act: Act) => DrainEvent) => {
    const answer = await handOver(calls, parts, act, event);
    return JSON.stringify(answerOf(answer, parts.fleet(), parts.clock.now().wall));
  };
  return {
    drain: (act, termMs, mode) =>
      told(act, (called) => {
        const term = termMs === 0 ? undefined : milliseconds(termMs);
        return { type: "drain", ...called, names: act.names, term, mode };
      }),
    undrain: (act) => told(act, (called) => ({ type: "undrain", ...called })),
  };
}

export const drainOf = (drain: Drain, { ctls }: Pick<Fleet, "ctls">): V1Drain => {
  const { what, uid, at, until, forced } = drain;
  const controllers = [...ctls.values()].filter((ctl) => covers(drain, ctl)).length;
  return { what, uid, at, until: until ?? null, forced, controllers };
};

/** A person has asked for it, and may have forgotten. */
export const drainProblems = (drains: readonly Drain[], fleet: Pick<Fleet, "ctls">): readonly Problem[] =>
  drains.map((drain) => {
    const { controllers } = drainOf(drain, fleet);
    return {
      id: "drained",
      severity: "advice",
      text: `${controllers} ${controllers === 1 ? "controller is" : "controllers are"} ${
        evidenceText(drainEvidence(drain))
      }`,
      remedy: `when the maintenance is over: stacctl undrain '${drain.what.replaceAll("'", "'\\''")}'`,
    };
  });

const answerOf = (answer: DrainAnswer, fleet: Fleet, at: number): V1DrainAnswer => ({
  schema: 1,
  daemon: "stacd",
  at,
  result: answer.result,
  reasons: answer.reasons,
  controllers: withTexts(answer.controllers),
  again: answer.again ?? null,
  drains: answer.drains.map((drain) => drainOf(drain, fleet)),
});
