import type { DaemonConf } from "../config/daemon_conf.ts";
import type { DhchapKeys } from "../nvme/connect_options.ts";
import type { ConnectRequest } from "../ports.ts";
import type { Ctl } from "./ctl.ts";
import type { HostConf } from "./host.ts";
import { askedOf } from "./line_demands.ts";
import type { Lines } from "./lines.ts";
import { allowedTid } from "./refusal.ts";

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
 * How a controller is to be connected: its own line goes before `[Global]` (CFG-62), of security the strictest counts (S15), its own keys before the host's
 * (KRN-35), a host NQN of the boot table goes with the host ID of that table (TID-8), and the address is
 * spelt as one does who may ask for it (TID-16).
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
  return { tid: allowedTid(ctl, conf), hostId: hostIdOf(ctl, host), discovery, options: asked.options, keys };
}
