/**
 * The questions about a state: what they are asked of, and those that the two daemons answer differently. An answer
 * changes nothing; the step, the views, `plan`, `explain` and stafd's report ask the same functions.
 */
import type { DaemonConf } from "../../config/daemon_conf.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { Duration, Now } from "../../base/time.ts";
import type { ConnectRequest } from "../../ports.ts";
import type { Ctl, PageVersion } from "../controller/ctl.ts";
import type { GuardPolicy } from "../planning/guard.ts";
import type { Verdict } from "../planning/planner.ts";
import type { Attempt } from "../request/request.ts";
import type { Lines } from "../sources/lines.ts";
import type { Renewals } from "../stacd/renew.ts";
import type { Fleet } from "./fleet.ts";
import type { TurnPlace } from "./turns.ts";

/** The part of a daemon's state that both daemons have. */
export interface FleetState {
  readonly fleet: Fleet;
  /** The configuration in force; undefined until it has been read. */
  readonly conf: DaemonConf | undefined;
  readonly lines: Lines;
  /** Of stacd: the connections that a person has renewed now. */
  readonly renewals?: Renewals;
}

/** A state at one time, with the rules of its daemon. The draft of a step is a view, too. */
export interface View {
  readonly state: FleetState;
  readonly now: Now;
  readonly rules: Rules;
  /**
   * The counted work of the answers so far: controllers, claims, devices, lines. In a step it stays below a multiple
   * of the number of known controllers (S11); the simulation checks that at every step.
   */
  work: number;
}

/**
 * The questions that each daemon answers in its own way, as a table of functions. A daemon makes its views and drafts
 * together with its table, so its functions may take a view of its own state.
 */
export interface Rules {
  readonly daemon: "stafd" | "stacd";
  readonly kind: "discovery" | "io";
  /** How long a removal is left to soak. */
  readonly soak: Duration;
  /** Is this device of the kind this daemon handles: a discovery or an I/O controller? */
  accepts(device: KernelCtrl): boolean;
  verdict(view: View, ctl: Ctl): Verdict;
  /** Why no attempt may be made now; undefined when one may. */
  whyNoAttempt(view: View, ctl: Ctl): string | undefined;
  /** Why the policy keeps a connection by this transport although it is not wanted; undefined when it is to be removed. */
  whyKept(view: View, ctl: Ctl, transport: KernelCtrl["transport"]): string | undefined;
  /** How the use of namespaces holds a removal; undefined where there are no namespaces. */
  guard(view: View): GuardPolicy | undefined;
  /** Why, since the start, it is not yet known which other controllers are wanted; undefined when it is. */
  whyNotYetKnown(view: View): string | undefined;
  /** The policy takes connections that no source wants, and none is known to want this one: it may be removed, too. */
  mayBeTaken(view: View, device: KernelCtrl): boolean;
  /** The source of the evidence has just confirmed it (S14). */
  confirmed(view: View, ctl: Ctl): boolean;
  /** No source has claimed it in this process: it is known from the state file only. */
  remembered(view: View, ctl: Ctl): boolean;
  /** How an attempt at it is made now; `request` is what is asked for. */
  attempt(view: View, ctl: Ctl): Attempt;
  /** The authority whose turns and quota the controller counts against (S16). */
  origin(view: View, ctl: Ctl): TurnPlace;
  /** The authority that the page of this discovery controller counts for. */
  pageOwner(view: View, dcKey: string): string;
  /** The page of this discovery controller that was taken in last; undefined: its claims say it themselves. */
  pageVersion(view: View, dcKey: string): PageVersion | undefined;
}

/** What is asked for when the controller is connected now. */
export const requestFor = (view: View, ctl: Ctl): ConnectRequest => view.rules.attempt(view, ctl).request;
