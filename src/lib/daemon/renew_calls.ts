/** The act `renew` between the bus and stacd's core. */
import { RENEW_LOOK } from "../core/retry.ts";
import type { Fleet } from "../core/fleet/fleet.ts";
import type { RenewAnswer, RenewEvent } from "../core/stacd/renew.ts";
import type { StacActs } from "../dbus/server.ts";
import type { V1RenewAnswer } from "../dbus/v1_types.ts";
import { tidText } from "../nvme/tid.ts";
import type { Clock } from "../ports.ts";
import { type ActCalls, namedBy } from "./act_calls.ts";
import type { Peek } from "./views/classic.ts";

export interface RenewParts {
  readonly clock: Clock;
  readonly fleet: () => Fleet;
  /** The devices of the kernel as they are now. */
  readonly fresh: () => Promise<Peek>;
  readonly post: (event: RenewEvent) => void;
}

export const renewActs = (
  calls: ActCalls<RenewAnswer>,
  { clock, fleet, fresh, post }: RenewParts,
): Pick<StacActs, "renew"> => ({
  renew: async (act, mode) => {
    const keys = namedBy(act.names, fleet(), await fresh());
    const { uid, what } = act;
    const reconnects = mode === "ask-reconnect" || mode === "do-reconnect";
    const plain = mode === "ask-reconnect" ? "ask" : mode === "do-reconnect" ? "do" : mode;
    const answer = await calls.told((call) =>
      post({ type: "renew", call, uid, what, keys, mode: plain, reconnects })
    );
    return JSON.stringify(answerOf(answer, clock.now().wall));
  },
});

const answerOf = ({ controllers, ...answer }: RenewAnswer, at: number): V1RenewAnswer => ({
  schema: 1,
  daemon: "stacd",
  at,
  ...answer,
  controllers: controllers.map((one) => ({ ...one, text: tidText(one.tid) })),
  again: answer.result === "running" ? RENEW_LOOK.ms : null,
});
