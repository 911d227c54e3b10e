/** What a new connection has less of than was asked for, and how an adopted one differs: said once, when it is up (S15). */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { differences, lessSafe, lessSafeRemedy, lessSafeText } from "./as_asked.ts";
import { type Ctl, noted } from "./ctl.ts";
import type { FleetDraft } from "../fleet/fleet_draft.ts";
import { eventFields } from "../../base/messages.ts";

type Turn = Pick<FleetDraft, "rules" | "say" | "put" | "ctl" | "now" | "announce">;

/** Reports missing security of a connection and, if another program made it, other options that differ. */
export function sayDifferences(turn: Turn, ctl: Ctl, device: KernelCtrl, adopted: boolean): void {
  if (ctl.claims.size === 0) return;
  const request = turn.rules.request(ctl);
  const lacking = lessSafe(request, device);
  const more = { NVME_DEVICE: device.device };
  if (lacking.length > 0) {
    const what = lessSafeText(lacking);
    turn.say("warning", ctl, `The connection is ${what}; ${lessSafeRemedy(device.device)}`, {
      ...more,
      ...eventFields("less-safe"),
    });
    turn.put(noted(turn.ctl(ctl.key) ?? ctl, turn.now.wall, what));
    turn.announce(ctl, "less-safe", what);
  }
  const differing = adopted ? differences(request, device) : [];
  if (differing.length > 0) {
    const what = `made with other options than asked for: ${differing.join(", ")}`;
    turn.say(
      "info",
      ctl,
      `The connection was ${what}; the configured options take effect when it is connected again${
        turn.rules.daemon === "stacd" ? ": stacctl renew" : ""
      }`,
      more,
    );
    turn.put(noted(turn.ctl(ctl.key) ?? ctl, turn.now.wall, what));
  }
}
