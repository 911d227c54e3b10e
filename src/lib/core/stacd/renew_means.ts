/** By which means a controller's connection is renewed, and whether it may be. */
import type { Ctl } from "../controller/ctl.ts";
import { deviceAt, isGoing, shieldOf } from "../fleet/kernel_view.ts";
import { type Means, meansFor } from "./renew.ts";
import type { StacdView } from "./stacd_draft.ts";

export function meansOf(view: StacdView, ctl: Ctl, reconnects: boolean): Means {
  if (ctl.link.phase === "deleting" || ctl.link.phase === "connecting" || ctl.link.phase === "forming") {
    return { ok: false, why: `it is ${ctl.link.phase}: try again when that has ended` };
  }
  if (ctl.link.phase !== "up") return { ok: true, means: "not-connected", why: "" };
  const device = deviceAt(view, ctl.link.ref);
  if (device === undefined) return { ok: false, why: "its connection has just been replaced: try again" };
  // For another record that it served (S5).
  if (isGoing(view, device)) return { ok: false, why: "its connection is being deleted: try again" };
  if (view.rules.verdict(view, ctl).is !== "wanted") {
    return {
      ok: false,
      why: "no source wants it now, or it is excluded or drained: stacctl explain says which",
    };
  }
  const shield = shieldOf(view, device);
  if (shield !== undefined) return { ok: false, why: `stacd may not change its connection: ${shield}` };
  const found = meansFor(
    device,
    view.rules.attempt(view, ctl),
    view.state.fleet.devices.values(),
    view.state.fleet.interfaces,
    reconnects,
  );
  if (!found.ok || found.means !== "reconnect") return found;
  const noAttempt = view.rules.whyNoAttempt(view, ctl);
  if (noAttempt !== undefined) return { ok: false, why: `it could not be connected again: ${noAttempt}` };
  const keep = view.rules.whyKept(view, ctl, device.transport);
  return keep === undefined ? found : { ok: false, why: `stacd may not disconnect it: ${keep}` };
}
