/** The act `forget` between the bus and stafd's core. */
import type { Fleet } from "../core/fleet/fleet.ts";
import type { ForgetAnswer, ForgetEvent } from "../core/stafd/forget.ts";
import type { StafActs } from "../dbus/server.ts";
import type { V1ForgetAnswer } from "../dbus/v1_types.ts";
import { tidText } from "../nvme/tid.ts";
import type { Clock } from "../ports.ts";
import { type ActCalls, namedBy } from "./act_calls.ts";
import type { Peek } from "./views/classic.ts";

export interface ForgetParts {
  readonly clock: Clock;
  readonly fleet: () => Fleet;
  /** The devices of the kernel as they are now. */
  readonly fresh: () => Promise<Peek>;
  readonly post: (event: ForgetEvent) => void;
}

export const forgetActs = (
  calls: ActCalls<ForgetAnswer>,
  { clock, fleet, fresh, post }: ForgetParts,
): StafActs => ({
  forget: async (act, mode) => {
    const keys = namedBy(act.names, fleet(), await fresh());
    const { uid, what } = act;
    const answer = await calls.told((call) => post({ type: "forget", call, uid, what, keys, mode }));
    return JSON.stringify(answerOf(answer, clock.now().wall));
  },
});

const answerOf = ({ result, reasons, controllers }: ForgetAnswer, at: number): V1ForgetAnswer => ({
  schema: 1,
  daemon: "stafd",
  at,
  result,
  reasons,
  controllers: controllers.map((one) => ({ ...one, text: tidText(one.tid) })),
});
