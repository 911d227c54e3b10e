/**
 * Finds the type of a controller if sysfs does not show it: kernels before 5.18 have no `cntrltype`, and
 * older targets do not report it. Then the controller is asked (KRN-45), once for each connection, and only
 * while it can answer.
 */
import { cntrltypeText, decodeIdentify } from "../nvme/identify.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { classify, isUntold } from "../nvme/match.ts";
import type { DeviceRef } from "../ports.ts";
import type { CommandAnswer } from "./admin.ts";

/** The number of queries before a controller is given up that answers without its type. */
const ENOUGH = 3;

export class ControllerTypes {
  readonly #identify: (target: DeviceRef) => Promise<CommandAnswer>;
  /** By device; `cntrltype` is empty until an answer contains it. */
  readonly #known = new Map<string, { readonly incarnation: number; cntrltype: string; asked: number }>();

  constructor(identify: (target: DeviceRef) => Promise<CommandAnswer>) {
    this.#identify = identify;
  }

  /** The same controller, with its type as far as it can be found out. */
  async told(ctrl: KernelCtrl): Promise<KernelCtrl> {
    if (!isUntold(ctrl)) return ctrl;
    const { device, incarnation } = ctrl;
    const before = this.#known.get(device);
    const known = before?.incarnation === incarnation ? before : { incarnation, cntrltype: "", asked: 0 };
    this.#known.set(device, known);
    if (known.cntrltype === "" && ctrl.state === "live" && known.asked < ENOUGH) {
      const answer = await this.#identify({ device, incarnation });
      const identify = answer.kind === "done" ? decodeIdentify(answer.data) : undefined;
      if (answer.kind !== "failed") known.asked++;
      const type = identify?.ok === true ? cntrltypeText(identify.value.cntrltype) : "";
      if (type !== "reserved") known.cntrltype = type;
    }
    const { cntrltype } = known;
    if (cntrltype === "") return ctrl;
    return { ...ctrl, cntrltype, ...classify({ ...ctrl, cntrltype, hasChildren: false }) };
  }

  /** The device is gone. */
  forget(device: string): void {
    this.#known.delete(device);
  }
}
