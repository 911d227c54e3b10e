/**
 * Transports that this host can use. What a page or mDNS lists must not make the kernel load a module: a transport counts
 * only when it is loaded, has hardware here, or is named by a line of the configuration. Loop is for lines only.
 */
import type { DaemonConf } from "../config/daemon_conf.ts";
import type { Ctl } from "./ctl.ts";
import type { Fleet } from "./fleet.ts";

/** Why a controller that is not configured cannot be used here; a connected one is usable. */
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
    `uses it (modprobe nvme_${transport}, if it is to be used)`;
}
