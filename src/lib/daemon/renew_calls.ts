/** The act `renew` between the bus and stacd's core. */
import { RENEW_LOOK } from "../core/retry.ts";
import type { RenewAnswer, RenewEvent } from "../core/stacd/renew.ts";
import type { StacActs } from "../dbus/server.ts";
import type { V1RenewAnswer } from "../dbus/v1_types.ts";
import { type ActCalls, type ActParts, handOver, withTexts } from "./act_calls.ts";

export const renewActs = (
  calls: ActCalls<RenewAnswer>,
  parts: ActParts<RenewEvent>,
): Pick<StacActs, "renew"> => ({
  renew: async (act, mode) => {
    const reconnects = mode === "ask-reconnect" || mode === "do-reconnect";
    const plain = mode === "ask-reconnect" ? "ask" : mode === "do-reconnect" ? "do" : mode;
    const answer = await handOver(
      calls,
      parts,
      act,
      (called): RenewEvent => ({ type: "renew", ...called, mode: plain, reconnects }),
    );
    return JSON.stringify(answerOf(answer, parts.clock.now().wall));
  },
});

const answerOf = ({ controllers, ...answer }: RenewAnswer, at: number): V1RenewAnswer => ({
  schema: 1,
  daemon: "stacd",
  at,
  ...answer,
  controllers: withTexts(controllers),
  again: answer.result === "running" ? RENEW_LOOK.ms : null,
});
