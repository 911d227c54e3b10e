/** What a new connection has less of than was asked for, and how an adopted one differs: said once, when it is up (S15). */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { differences, lessSafe, lessSafeRemedy, lessSafeText } from "./as_asked.ts";
import { type Ctl, noted } from "./ctl.ts";
import { eventFields } from "../../base/messages.ts";
import { type Draft, put } from "../fleet/draft.ts";
import { requestFor } from "../fleet/view.ts";
import { announce, say } from "../fleet/reporting.ts";
import { ctlAt } from "../fleet/questions.ts";

/** Reports missing security of a connection and, if another program made it, other options that differ. */
export function sayDifferences(draft: Draft, ctl: Ctl, device: KernelCtrl, adopted: boolean): void {
  if (ctl.claims.size === 0) return;
  const request = requestFor(draft, ctl);
  const lacking = lessSafe(request, device);
  const more = { NVME_DEVICE: device.device };
  if (lacking.length > 0) {
    const what = lessSafeText(lacking);
    say(draft, "warning", ctl, `The connection is ${what}; ${lessSafeRemedy(device.device)}`, {
      ...more,
      ...eventFields("less-safe"),
    });
    put(draft, noted(ctlAt(draft, ctl.key) ?? ctl, draft.now.wall, what));
    announce(draft, ctl, "less-safe", what);
  }
  const differing = adopted ? differences(request, device) : [];
  if (differing.length > 0) {
    const what = `made with other options than asked for: ${differing.join(", ")}`;
    say(
      draft,
      "info",
      ctl,
      `The connection was ${what}; the configured options take effect when it is connected again${
        draft.rules.daemon === "stacd" ? ": stacctl renew" : ""
      }`,
      more,
    );
    put(draft, noted(ctlAt(draft, ctl.key) ?? ctl, draft.now.wall, what));
  }
}
