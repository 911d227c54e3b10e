import type { DaemonConf } from "../config/daemon_conf.ts";
import type { DhchapKeys } from "../nvme/connect_options.ts";
import { ipFamily } from "../nvme/address.ts";
import { canonicalAddress, type Tid } from "../nvme/tid.ts";
import type { ConnectRequest } from "../ports.ts";
import type { Ctl } from "./ctl.ts";
import type { HostConf } from "./host.ts";
import { askedOf } from "./line_demands.ts";
import type { Lines } from "./lines.ts";

/** An IPv4-mapped address is asked for as IPv4 where `ip-family` disables IPv6. */
function asAllowed(tid: Tid, conf: DaemonConf | undefined): Tid {
  const hasFamily = tid.transport === "tcp" || tid.transport === "rdma";
  if (!hasFamily || conf?.ipFamilies.value.v6 !== false || ipFamily(tid.traddr) !== 6) return tid;
  return { ...tid, traddr: canonicalAddress(tid.transport, tid.traddr) };
}

/** The host ID that goes with the host NQN of a controller. */
export function hostIdOf(ctl: Ctl, host: HostConf | undefined): string {
  let hostId = host?.id ?? "";
  if (ctl.tid.hostNqn === host?.nqn) return hostId;
  for (const claim of ctl.claims.values()) {
    if (claim.kind === "nbft" && claim.hostId !== "") hostId = claim.hostId;
  }
  return hostId;
}

/**
 * How a controller is to be connected: its own line goes before `[Global]` (CFG-62), of security the strictest counts (S15),
 * its own keys before the host's (KRN-35), and a host NQN of the boot table goes with the host ID of that table (TID-8).
 */
export function connectRequest(
  ctl: Ctl,
  host: HostConf | undefined,
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
    hostId: hostIdOf(ctl, host),
    discovery,
    options: asked.options,
    keys,
  };
}
