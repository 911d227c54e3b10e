/**
 * Transports that this host can use. An entry of a page or mDNS must not make the kernel load a module: a
 * transport counts only if its module is loaded, its hardware exists, or a line of the configuration names
 * it. Loop is for lines only.
 */
import type { DaemonConf } from "../../config/daemon_conf.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { Fleet } from "../fleet/fleet.ts";

/** Why an unconfigured controller cannot be used on this host; a connected one is usable. */
export function unusableHere(
  ctl: Ctl,
  conf: DaemonConf,
  { transports }: Pick<Fleet, "transports">,
): string | undefined {
  const { transport } = ctl.tid;
  if (
    transport === "tcp" || ctl.claims.size === 0 || ctl.link.phase !== "idle" && ctl.link.phase !== "waiting"
  ) {
    return undefined;
  }
  for (const { kind } of ctl.claims.values()) if (kind === "config" || kind === "nbft") return undefined;
  if (transport === "loop") return "loop is for controller= lines only: it leads back to this host";
  if (transports?.has(transport) !== false) return undefined;
  if (conf.controllers.some(({ fields }) => fields.transport === transport)) return undefined;
  return `this host has no ${transport}: no such hardware, module nvme_${transport} is not loaded, and no controller= line ` +
    `uses it (to use it: modprobe nvme_${transport})`;
}
