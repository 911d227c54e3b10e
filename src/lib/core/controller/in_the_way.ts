/**
 * EALREADY: the kernel considers an existing connection to be the wanted one, but we do not recognise it as
 * such.
 */
import { isDeleting } from "../../nvme/kernel_state.ts";
import type { Failure } from "../../base/failure.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { isUnfinished, matchIndexKey } from "../../nvme/match.ts";
import type { Tid } from "../../nvme/tid.ts";

/**
 * The device that the kernel means: the same address, and the same NQN if it has one (FC shows none before it
 * is live).
 */
function inTheWay(tid: Tid, devices: Iterable<KernelCtrl>): KernelCtrl | undefined {
  const key = matchIndexKey(tid);
  let unnamed: KernelCtrl | undefined;
  for (const device of devices) {
    if (matchIndexKey(device) !== key || isDeleting(device.state)) continue;
    if (device.subsysnqn === tid.subsysnqn) return device;
    if (device.subsysnqn === "") unnamed ??= device;
  }
  return unnamed;
}

/** Details by which a person can distinguish the two. */
function described(device: KernelCtrl): string {
  const parts = [
    `state ${device.state || "unknown"}`,
    ...(device.cntrltype === "" ? [] : [`type ${device.cntrltype}`]),
    ...(device.namespaces.length === 0 ? ["no namespaces"] : []),
    `host NQN ${device.hostNqn || "unknown"}`,
    ...(device.hostIface === "" ? [] : [`host-iface ${device.hostIface}`]),
    ...(device.hostTraddr === "" ? [] : [`host-traddr ${device.hostTraddr}`]),
    ...(device.srcAddr === "" ? [] : [`source address ${device.srcAddr}`]),
  ];
  return parts.join(", ");
}

/** The failure of a connect that the kernel refused because it already has the connection. */
export function alreadyThere(tid: Tid, devices: Iterable<KernelCtrl>): Failure {
  const device = inTheWay(tid, devices);
  const base = { phase: "connect", kind: "transient", errno: "EALREADY" } as const;
  if (device === undefined) {
    return {
      ...base,
      message:
        "the kernel already has this connection, but none of its controllers is recognised as this one (EALREADY)",
      remedy: "nvme list-subsys -v shows the controllers of the kernel",
    };
  }
  const { device: name } = device;
  if (isUnfinished(device)) {
    return {
      ...base,
      message:
        `${name} is in the way: something else asked the kernel for this connection, and the kernel is still ` +
        `connecting it (EALREADY; ${name}: ${described(device)})`,
      remedy:
        `nothing can be done before ${name} is live: then it is taken over. If it never is, the kernel deletes it ` +
        "when its ctrl-loss-tmo is over",
    };
  }
  return {
    ...base,
    message:
      `${name} is in the way: the kernel considers it this connection, but it is not recognised as this controller ` +
      `(EALREADY; ${name}: ${described(device)})`,
    remedy:
      `change the line so that it names what ${name} was connected with, or, if nothing uses its namespaces, ` +
      `nvme disconnect -d ${name}`,
  };
}
