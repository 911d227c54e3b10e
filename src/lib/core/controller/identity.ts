/** The host identity of a connection, compared with our present one (S13). */
import type { Failure } from "../../base/failure.ts";
import type { InterfaceTable, KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { matches } from "../../nvme/match.ts";
import type { ConnectRequest } from "../../ports.ts";

export const IDENTITY_REMEDY =
  "restore the old value (host NQN: /etc/nvme/hostnqn, host ID: /etc/nvme/hostid, or sys.conf) and " +
  "restart stafd and stacd; or reboot; or, when nothing uses the storage, disconnect everything (nvme disconnect-all). Only if host NQN " +
  "and host ID both differ can the paths be replaced one after the other; the storage then sees a different host";

const sameId = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/**
 * How a connection differs from one that would be made now: `connected as A, configured is B`. Empty if it
 * does not.
 */
export function identityTexts(
  device: KernelCtrl,
  { tid, hostId }: Pick<ConnectRequest, "tid" | "hostId">,
  interfaces: InterfaceTable,
): readonly string[] {
  const texts: string[] = [];
  if (device.hostNqn !== "" && device.hostNqn !== tid.hostNqn) {
    texts.push(`connected as ${device.hostNqn}, configured is ${tid.hostNqn}`);
  }
  if (device.hostId !== "" && hostId !== "" && !sameId(device.hostId, hostId)) {
    texts.push(`connected with host ID ${device.hostId}, configured is ${hostId}`);
  }
  if (!matches({ ...tid, hostNqn: device.hostNqn }, device, interfaces)) {
    const way = (iface: string, source: string): string =>
      [iface === "" ? "any interface" : iface, ...(source === "" ? [] : [source])].join(" and ");
    texts.push(
      `connected by ${way(device.hostIface, device.hostTraddr)}, configured is ${
        way(tid.hostIface, tid.hostTraddr)
      }`,
    );
  }
  return texts;
}

/**
 * The kernel (6.5 and newer) accepts only one host ID for a host NQN, and one host NQN for a host ID: it
 * refuses any other pair with EINVAL. Explains that if a connection with the other identity exists.
 */
export function identityRefused(
  failure: Failure,
  { tid, hostId }: ConnectRequest,
  devices: Iterable<KernelCtrl>,
): Failure {
  if (failure.errno !== "EINVAL") return failure;
  for (const device of devices) {
    if (device.hostNqn === "" || device.hostId === "" || hostId === "") continue;
    const [isNqn, isId] = [device.hostNqn === tid.hostNqn, sameId(device.hostId, hostId)];
    if (isNqn === isId) continue;
    const why = isId
      ? `${device.device} is connected as ${device.hostNqn} with the same host ID, ${hostId}; configured is ${tid.hostNqn}`
      : `${device.device} is connected as ${tid.hostNqn} with host ID ${device.hostId}; configured is ${hostId}`;
    return {
      ...failure,
      message: `the kernel refuses a second identity of this host (EINVAL): ${why}`,
      remedy: IDENTITY_REMEDY,
    };
  }
  return failure;
}
