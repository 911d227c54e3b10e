/** The act `forget` between the bus and stafd's core. */
import type { ForgetAnswer, ForgetEvent } from "../core/stafd/forget.ts";
import type { StafActs } from "../dbus/server.ts";
import type { V1ForgetAnswer } from "../dbus/v1_types.ts";
import { type ActCalls, type ActParts, handOver, withTexts } from "./act_calls.ts";

export const forgetActs = (calls: ActCalls<ForgetAnswer>, parts: ActParts<ForgetEvent>): StafActs => ({
  forget: async (act, mode) => {
    const answer = await handOver(
      calls,
      parts,
      act,
      (called): ForgetEvent => ({ type: "forget", ...called, mode }),
    );
    return JSON.stringify(answerOf(answer, parts.clock.now().wall));
  },
});

const answerOf = ({ result, reasons, controllers }: ForgetAnswer, at: number): V1ForgetAnswer => ({
  schema: 1,
  daemon: "stafd",
  at,
  result,
  reasons,
  controllers: withTexts(controllers),
});
