import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { KernelEvent } from "../../ports.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { Past } from "./fleet.ts";
import type { Proof } from "../planning/evidence.ts";
import type { Rules } from "../planning/planner.ts";
import type { Attempt } from "../request/request.ts";
import type { Origin } from "./turns.ts";

/** The rules that a daemon adds to the common life cycle of a controller. */
export interface FleetRules extends Rules {
  readonly daemon: "stafd" | "stacd";
  /** Is this device of the kind this daemon handles: a discovery or an I/O controller? */
  accepts(device: KernelCtrl): boolean;
  /** No source has claimed it in this process: it is known from the state file only. */
  remembered(ctl: Ctl): boolean;
  /** The authority whose turns and quota the controller counts against (S16). */
  origin(ctl: Ctl): Origin;
  /** The authority that the page of this discovery controller counts for. */
  pageOwner(dcKey: string): string;
  /** How an attempt at it is made now; `request` is what is asked for. */
  attempt(ctl: Ctl): Attempt;
  /** The controller gave way to others in the full table: from now on it is unknown, not unwanted. */
  evicted(ctl: Ctl): void;
  /** The record of a controller has a new key: our side of it changed. */
  moved(old: Ctl, now: Ctl): void;
  /** A connection exists. */
  up(ctl: Ctl, device: KernelCtrl): void;
  /** The connection is gone, or no longer ours. */
  down(ctl: Ctl): void;
  /** The record of the controller is gone. */
  forgotten(ctl: Ctl, past: Past): void;
  /** It is excluded and not connected; its record stays while a source wants it. */
  rested(ctl: Ctl, evidence: Proof): void;
  /** The kernel sent an event about a connection that is up. */
  news(ctl: Ctl, event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void;
  /** The kernel sent an event about a device that no controller of ours uses. */
  foreign(event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void;
  /**
   * Asks the source of the evidence whether the evidence still holds; the answer leads to another look at the
   * controller.
   */
  confirm(ctl: Ctl): void;
  /** A reminder of the daemon's own. */
  reminded(key: string): void;
  /** The content of the state file. */
  stateValue(): unknown;
}
