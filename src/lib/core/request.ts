import { mergedOptions } from "../config/connect_option.ts";
import type { ConnectOptions, DhchapKeys } from "../nvme/connect_options.ts";
import type { ConnectRequest } from "../ports.ts";
import type { Ctl } from "./ctl.ts";
import type { HostConf } from "./host.ts";
import { configClaims } from "./planner.ts";

/**
 * How a controller is to be connected: its own line goes before `[Global]` (CFG-62), its own keys before the host's
 * (KRN-35), and a host NQN of the boot table goes with the host ID of that table (TID-8).
 */
export function connectRequest(
  ctl: Ctl,
  host: HostConf | undefined,
  global: ConnectOptions,
  discovery: boolean,
): ConnectRequest {
  const line = configClaims(ctl).at(-1);
  const hostKey = line?.keys.hostKey ?? host?.key;
  const ctrlKey = line?.keys.ctrlKey;
  const keys: DhchapKeys = {
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(ctrlKey === undefined ? {} : { ctrlKey }),
  };
  let hostId = host?.id ?? "";
  if (ctl.tid.hostNqn !== host?.nqn) {
    for (const claim of ctl.claims.values()) {
      if (claim.kind === "nbft" && claim.hostId !== "") hostId = claim.hostId;
    }
  }
  return { tid: ctl.tid, hostId, discovery, options: mergedOptions(global, line?.overrides ?? {}), keys };
}
