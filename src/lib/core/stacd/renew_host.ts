/** The draft of one step of stacd, as a renewal sees it, and whether it may renew a controller. */
import type { Ctl } from "../controller/ctl.ts";
import type { Attempt } from "../request/request.ts";
import type { DrainHost } from "./drain_turn.ts";
import { type Means, meansFor } from "./renew.ts";

export interface RenewHost extends DrainHost {
  attempt(ctl: Ctl): Attempt;
  bar(ctl: Ctl): string | undefined;
  verdict: (ctl: Ctl) => { readonly is: string };
  keep: (ctl: Ctl, device: { readonly transport: string }) => string | undefined;
}

/** By which means the connection is renewed, and whether it may be. */
export function meansOf(host: RenewHost, ctl: Ctl, reconnects: boolean): Means {
  const { fleet } = host;
  if (ctl.link.phase === "deleting" || ctl.link.phase === "connecting" || ctl.link.phase === "forming") {
    return { ok: false, why: `it is ${ctl.link.phase}: try again when that has ended` };
  }
  if (ctl.link.phase !== "up") return { ok: true, means: "not-connected", why: "" };
  const device = fleet.device(ctl.link.ref);
  if (device === undefined) return { ok: false, why: "its connection has just been replaced: try again" };
  if (host.verdict(ctl).is !== "wanted") {
    return {
      ok: false,
      why: "no source wants it now, or it is excluded or drained: stacctl explain says which",
    };
  }
  const shield = fleet.shield(device);
  if (shield !== undefined) return { ok: false, why: `stacd may not change its connection: ${shield}` };
  const found = meansFor(
    device,
    host.attempt(ctl),
    fleet.fleet.devices.values(),
    fleet.fleet.interfaces,
    reconnects,
  );
  if (!found.ok || found.means !== "reconnect") return found;
  const bar = host.bar(ctl);
  if (bar !== undefined) return { ok: false, why: `it could not be connected again: ${bar}` };
  const keep = host.keep(ctl, device);
  return keep === undefined ? found : { ok: false, why: `stacd may not disconnect it: ${keep}` };
}
