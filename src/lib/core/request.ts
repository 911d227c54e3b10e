import type { DaemonConf } from "../config/daemon_conf.ts";
import type { DhchapKeys } from "../nvme/connect_options.ts";
import { ipFamily } from "../nvme/address.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { canonicalAddress, type Tid } from "../nvme/tid.ts";
import type { ConnectRequest } from "../ports.ts";
import type { Ctl } from "./ctl.ts";
import type { Fleet } from "./fleet.ts";
import type { HostConf } from "./host.ts";
import { askedOf } from "./line_demands.ts";
import type { Lines } from "./lines.ts";

/** An IPv4-mapped address is asked for as IPv4 where `ip-family` disables IPv6. */
function asAllowed(tid: Tid, conf: DaemonConf | undefined): Tid {
  const hasFamily = tid.transport === "tcp" || tid.transport === "rdma";
  if (!hasFamily || conf?.ipFamilies.value.v6 !== false || ipFamily(tid.traddr) !== 6) return tid;
  return { ...tid, traddr: canonicalAddress(tid.transport, tid.traddr) };
}

/**
 * The host ID that goes with the host NQN of a controller. What a page lists is connected as its discovery controller is;
 * the kernel keeps one host ID for one host NQN, so any connection as that host tells it.
 */
export function hostIdOf(ctl: Ctl, host: HostConf | undefined, devices: Iterable<KernelCtrl>): string {
  const own = host?.id ?? "";
  if (ctl.tid.hostNqn === host?.nqn) return own;
  for (const claim of ctl.claims.values()) {
    if ((claim.kind === "nbft" || claim.kind === "config") && claim.hostId !== "") return claim.hostId;
  }
  for (const claim of ctl.claims.values()) if (claim.kind === "config") return own;
  for (const { hostNqn, hostId } of devices) if (hostNqn === ctl.tid.hostNqn && hostId !== "") return hostId;
  return own;
}

/**
 * How a controller is to be connected: its own line takes precedence over `[Global]` (CFG-62), the strictest security counts (S15),
 * its own keys before the host's (KRN-35), and a host NQN of the boot table goes with the host ID of that table (TID-8).
 */
export function connectRequest(
  ctl: Ctl,
  { host, devices }: Pick<Fleet, "host" | "devices">,
  conf: DaemonConf | undefined,
  lines: Lines,
  discovery: boolean,
): ConnectRequest {
  const asked = askedOf(ctl, conf, lines, discovery);
  const hostKey = asked.keys.hostKey ?? host?.key;
  const { ctrlKey } = asked.keys;
  const keys: DhchapKeys = {
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(ctrlKey === undefined ? {} : { ctrlKey }),
  };
  return {
    tid: asAllowed(ctl.tid, conf),
    hostId: hostIdOf(ctl, host, devices.values()),
    discovery,
    options: asked.options,
    keys,
  };
}
