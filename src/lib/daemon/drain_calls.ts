/** The acts `drain` and `undrain` between the bus and the core: a call becomes an event, and the core's answer its reply. */
import { covers, type Drain, type DrainAnswer, type DrainEvent, drainEvidence } from "../core/stacd/drain.ts";
import { type Ctl, deviceOf } from "../core/controller/ctl.ts";
import { evidenceText } from "../core/planning/evidence.ts";
import type { Fleet } from "../core/fleet/fleet.ts";
import type { AskedAct, StacActs } from "../dbus/server.ts";
import type { V1Drain, V1DrainAnswer } from "../dbus/v1_types.ts";
import { tidText } from "../nvme/tid.ts";
import { milliseconds } from "../base/time.ts";
import { matcherOf, type Nameable, named } from "../nvme/what.ts";
import type { Clock } from "../ports.ts";
import type { Peek } from "./views/classic.ts";
import type { Problem } from "./views/v1_health.ts";
import { deviceNow, hostsOf } from "./views/v1_common.ts";

export interface DrainParts {
  readonly clock: Clock;
  readonly fleet: () => Fleet;
  /** The devices of the kernel as they are now. */
  readonly fresh: () => Promise<Peek>;
  readonly post: (event: DrainEvent) => void;
}

export class DrainCalls {
  readonly #waiting = new Map<number, (answer: DrainAnswer) => void>();
  #calls = 0;

  /** Of the core; a call that this process does not wait for is one of before a restart. */
  answer(call: number, answer: DrainAnswer): void {
    const reply = this.#waiting.get(call);
    this.#waiting.delete(call);
    reply?.(answer);
  }

  acts({ clock, fleet, fresh, post }: DrainParts): StacActs {
    const told = async (act: AskedAct, event: (call: number, keys: readonly string[]) => DrainEvent) => {
      const keys = namedBy(act.names, fleet(), await fresh());
      const answer = await this.#told((call) => post(event(call, keys)));
      return JSON.stringify(answerOf(answer, fleet(), clock.now().wall));
    };
    return {
      drain: (act, termMs, mode) =>
        told(act, (call, keys) => {
          const term = termMs === 0 ? undefined : milliseconds(termMs);
          return { type: "drain", call, ...act, keys, term, mode };
        }),
      undrain: (act) =>
        told(act, (call, keys) => ({ type: "undrain", call, uid: act.uid, what: act.what, keys })),
    };
  }

  #told(post: (call: number) => void): Promise<DrainAnswer> {
    const call = ++this.#calls;
    const { promise, resolve } = Promise.withResolvers<DrainAnswer>();
    this.#waiting.set(call, resolve);
    post(call);
    return promise;
  }
}

/** The controllers that these names stand for. */
function namedBy(names: readonly string[], fleet: Fleet, peek: Peek): readonly string[] {
  const nameable = (ctl: Ctl): Nameable => ({
    tid: ctl.tid,
    text: tidText(ctl.tid),
    device: deviceOf(ctl)?.device ?? "",
    namespaces: deviceNow(ctl, peek)?.namespaces ?? [],
    hosts: hostsOf(ctl),
  });
  const all = [...fleet.ctls.values()];
  const found = names.flatMap((name) => named(matcherOf(name), all, nameable));
  return [...new Set(found.map(({ key }) => key))];
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
  controllers: answer.controllers.map((one) => ({ ...one, text: tidText(one.tid) })),
  again: answer.again ?? null,
  drains: answer.drains.map((drain) => drainOf(drain, fleet)),
});
