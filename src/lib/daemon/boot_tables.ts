/** Turns the boot firmware's tables into the core's values. */
import type { Event } from "../core/effects.ts";
import type { NbftTarget } from "../core/request/host.ts";
import { isIp } from "../nvme/address.ts";
import type { InterfaceTable } from "../nvme/kernel_ctrl.ts";
import type { Nbft } from "../nvme/nbft.ts";
import { nbftTargets } from "../nvme/nbft_targets.ts";
import { tidText } from "../nvme/tid.ts";
import type { Log } from "../ports.ts";

export function nbftEvent(
  files: readonly { readonly file: string; readonly nbft: Nbft }[],
  interfaces: InterfaceTable,
  hostNqn: string,
  log: Log,
): Extract<Event, { readonly type: "nbft" }> {
  const discovery: NbftTarget[] = [];
  const boot: NbftTarget[] = [];
  for (const { file, nbft } of files) {
    const targets = nbftTargets(nbft, interfaces, hostNqn);
    for (const warning of targets.warnings) log.write({ level: "warning", message: `${file}: ${warning}` });
    for (const { tid, hostId } of targets.discovery) {
      const named = (tid.transport === "tcp" || tid.transport === "rdma") && !isIp(tid.traddr);
      if (!named) discovery.push({ tid, hostId, file });
      else {log.write({
          level: "warning",
          message: `${file}: ${tidText(tid)} is not used: it needs a name server`,
        });}
    }
    for (const { tid, hostId } of targets.boot) boot.push({ tid, hostId, file });
  }
  return { type: "nbft", targets: { discovery, boot } };
}
