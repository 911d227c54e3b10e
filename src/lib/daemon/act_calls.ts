/** Acts of persons between the bus and the core: a call becomes an event, and the core's answer its reply. */
import { type Ctl, deviceOf } from "../core/controller/ctl.ts";
import type { Act } from "../core/effects.ts";
import type { Fleet } from "../core/fleet/fleet.ts";
import type { AskedAct } from "../dbus/server.ts";
import { type Tid, tidText } from "../nvme/tid.ts";
import { matcherOf, type Nameable, named } from "../nvme/what.ts";
import type { Clock } from "../ports.ts";
import type { Peek } from "./views/classic.ts";
import { deviceNow, hostsOf } from "./views/v1_common.ts";

/** What the acts of a daemon need of it. */
export interface ActParts<Event> {
  readonly clock: Clock;
  readonly fleet: () => Fleet;
  /** The devices of the kernel as they are now. */
  readonly fresh: () => Promise<Peek>;
  readonly post: (event: Event) => void;
}

export class ActCalls<Answer> {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  /** Of the core; a call that this process does not wait for is one of before a restart. */
  answer(call: number, answer: Answer): void {
    const reply = this.#waiting.get(call);
    this.#waiting.delete(call);
    reply?.(answer);
  }

  /** `post` hands the call to the core. */
  told(post: (call: number) => void): Promise<Answer> {
    const call = ++this.#calls;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(call, resolve);
    post(call);
    return promise;
  }
}

/** Hands an act to the core, with the controllers that its names stand for now. */
export async function handOver<Event, Answer>(
  calls: ActCalls<Answer>,
  { fleet, fresh, post }: ActParts<Event>,
  { uid, what, names }: AskedAct,
  event: (act: Act) => Event,
): Promise<Answer> {
  const keys = namedBy(names, fleet(), await fresh());
  return await calls.told((call) => post(event({ call, uid, what, keys })));
}

/** The controllers of an answer, with their texts. */
export const withTexts = <One extends { readonly tid: Tid }>(
  controllers: readonly One[],
): readonly (One & { readonly text: string })[] =>
  controllers.map((one) => ({ ...one, text: tidText(one.tid) }));

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
