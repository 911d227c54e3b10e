/** A device as last read: what the kernel shows of it now, and what only an earlier reading showed. Pure. */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { isUntold } from "../../nvme/match.ts";
import type { Tid } from "../../nvme/tid.ts";

/** The connect asked for a controller of that kind, whether or not the kernel shows it. */
export function asMade(ctrl: KernelCtrl, daemon: "stafd" | "stacd"): KernelCtrl {
  return isUntold(ctrl) ? { ...ctrl, isDc: daemon === "stafd", isIoc: daemon === "stacd" } : ctrl;
}

/** The kernel shows that it is of the kind that the other daemon handles. */
export const isOtherKind = ({ isDc, isIoc }: KernelCtrl, daemon: "stafd" | "stacd"): boolean =>
  daemon === "stafd" ? isIoc && !isDc : isDc && !isIoc;

/**
 * What a connect made is live when the call returns. One that is not, shows no kind yet and has another NQN than was asked for
 * may be a discovery controller with an NQN of its own, or somebody's I/O controller that has the number by now.
 */
export const mayBeOther = ({ subsysnqn }: Tid, device: KernelCtrl): boolean =>
  isUntold(device) && device.state !== "live" && !["", subsysnqn].includes(device.subsysnqn);

/** The type of a controller does not change, but some kernels show no sign of it while the link is down. */
function stillTold(ctrl: KernelCtrl, { cntrltype, dctype, isDc, isIoc }: KernelCtrl): KernelCtrl {
  return isUntold(ctrl) ? { ...ctrl, cntrltype, dctype, isDc, isIoc } : ctrl;
}

/** The device as just read, with what only an earlier reading of it showed. */
export const stillShown = (ctrl: KernelCtrl, old: KernelCtrl): KernelCtrl =>
  stillSeen(stillTold(ctrl, old), old);

/** The kernel shows the source address only while the link is up; people need it when the link is down. */
function stillSeen(ctrl: KernelCtrl, old: KernelCtrl): KernelCtrl {
  const last = old.srcAddr || old.lastSrcAddr;
  return ctrl.srcAddr !== "" || last === undefined || last === "" ? ctrl : { ...ctrl, lastSrcAddr: last };
}
