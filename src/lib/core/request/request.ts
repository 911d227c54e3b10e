import type { DaemonConf } from "../../config/daemon_conf.ts";
import type { DhchapKeys } from "../../nvme/connect_options.ts";
import { ipFamily } from "../../nvme/address.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { canonicalAddress, type Tid } from "../../nvme/tid.ts";
import type { ConnectRequest } from "../../ports.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { HostConf } from "./host.ts";
import { askedOf } from "./line_demands.ts";
import type { Lines } from "../sources/lines.ts";
import { type PageOwner, type TlsChoice, tlsChoice } from "./page_tls.ts";

/** An IPv4-mapped address is requested as IPv4 if `ip-family` disables IPv6. */
function asAllowed(tid: Tid, conf: DaemonConf | undefined): Tid {
  const hasFamily = tid.transport === "tcp" || tid.transport === "rdma";
  if (!hasFamily || conf?.ipFamilies.value.v6 !== false || ipFamily(tid.traddr) !== 6) return tid;
  return { ...tid, traddr: canonicalAddress(tid.transport, tid.traddr) };
}

/**
 * The host ID that goes with the host NQN of a controller. A controller that a page lists is connected with
 * the host identity of its discovery controller; the kernel accepts one host ID for a host NQN, so any
 * connection with that host NQN shows it.
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

/** What is asked for, and what pages make of TLS beside that. */
export interface Attempt {
  readonly request: ConnectRequest;
  readonly choice: TlsChoice;
}

/**
 * The request to connect a controller: its own line takes precedence over `[Global]` (CFG-62), the strictest
 * security counts (S15), its own keys take precedence over the host's (KRN-35), and a host NQN of the boot
 * table goes with the host ID of that table (TID-8).
 */
export function attemptAt(
  ctl: Ctl,
  fleet: Pick<Fleet, "host" | "devices" | "tls" | "secured" | "aboutTls" | "ctls">,
  conf: DaemonConf | undefined,
  lines: Lines,
  discovery: boolean,
  ownerOf: PageOwner,
): Attempt {
  const { host, devices } = fleet;
  const asked = askedOf(ctl, conf, lines, discovery);
  const hostKey = asked.keys.hostKey ?? host?.key;
  const { ctrlKey } = asked.keys;
  const keys: DhchapKeys = {
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(ctrlKey === undefined ? {} : { ctrlKey }),
  };
  const choice = tlsChoice(ctl, asked.options, fleet, conf, ownerOf);
  const isMust = choice.is === "tls" && choice.must;
  const request: ConnectRequest = {
    tid: asAllowed(ctl.tid, conf),
    hostId: hostIdOf(ctl, host, devices.values()),
    discovery,
    options: isMust ? { ...asked.options, tls: true } : asked.options,
    keys,
  };
  return { request, choice };
}
