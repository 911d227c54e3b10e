import type { Fleet } from "../core/fleet/fleet.ts";
import type { Outcome } from "../base/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import type { Peek } from "./views/classic.ts";

/** Reads one controller of the kernel. */
export type ReadDevice = (device: string) => Promise<Outcome<KernelCtrl>>;

/** Reads all known devices: the loss of a link causes no event, so only a read shows it. */
export async function lookUp(fleet: Fleet, read: ReadDevice): Promise<Peek> {
  const found = new Map<string, KernelCtrl>();
  const known = new Set([...fleet.users.keys(), ...fleet.devices.keys()]);
  await Promise.all([...known].map(async (device) => {
    const outcome = await read(device);
    if (outcome.ok) found.set(device, outcome.value);
  }));
  return (device) => found.get(device);
}
