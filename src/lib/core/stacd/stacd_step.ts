/**
 * stacd's core: the wanted I/O controllers and their connections (requirements 40). Each discovery
 * controller's page, as stafd relays it, is an authority of its own; so is each `controller=` line. Pure.
 */
import type { StacdConf } from "../../config/stacd_conf.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { after, type Duration, type Instant, type Now } from "../../base/time.ts";
import type { ConnectRequest, KernelEvent, StafdReport } from "../../ports.ts";
import type { Outcome } from "../../base/failure.ts";
import { dropLatency, takeLatency } from "./aen_latency.ts";
import { asAnother, audits, isForeign, unclaimed } from "./audit.ts";
import { stacdAfterClockSet } from "../saved/clock_set.ts";
import { type Ctl, dcOfPage, pageAuthority } from "../controller/ctl.ts";
import { heard, noStafd, type StacdState } from "./stacd_state.ts";
import { isConfirmed, pageNotYet, unknownsOf, untilKnown } from "./stacd_pages.ts";
import { ReportTurn } from "./report_intake.ts";
import { stacdStateValue } from "../saved/stacd_saved.ts";
import type { StacdEffect, StacdEvent, Step } from "../effects.ts";
import { isNcc } from "../sources/ncc.ts";
import { guardPolicy, keptBy, unheard } from "./stacd_guard.ts";
import type { GuardPolicy } from "../planning/guard.ts";
import type { FleetRules } from "../fleet/fleet_rules.ts";
import { FleetTurn, nextReminder } from "../fleet/fleet_turn.ts";
import { securityBar } from "../request/line_demands.ts";
import { LinesTurn, writtenLines } from "../sources/lines.ts";
import type { Verdict } from "../planning/planner.ts";
import { drainedVerdict } from "./drain.ts";
import { DrainTurn, isDrainReminder } from "./drain_turn.ts";
import { isRenewReminder, RenewTurn } from "./renew_turn.ts";
import { forbiddance, isSpared, SPARED } from "../planning/refusal.ts";
import { type Attempt, attemptAt } from "../request/request.ts";
import { originOf } from "../sources/origin_of.ts";
import { AUDIT_DELAY, FETCH_RETRY, pause, REMOVAL_SOAK, ROOM_LOOK, UNKNOWN_RETRY } from "../retry.ts";
import type { Origin } from "../fleet/turns.ts";

const AUDIT_REMINDER = "#audit";
const FETCH_REMINDER = "#fetch";

/** Draft of one step of stacd. */
export class StacdTurn implements FleetRules {
  readonly daemon = "stacd";
  readonly kind = "io";
  readonly fleet: FleetTurn<StacdEffect>;
  readonly lines: LinesTurn;
  state: StacdState;
  readonly now: Now;
  #auditDue = false;
  readonly #report: ReportTurn;
  readonly #drains: DrainTurn;
  readonly #renewals: RenewTurn;
  /** While the step settles, no new information arrives. */
  #settledUnknowns: readonly string[] | undefined;
  #settling = false;

  constructor(state: StacdState, now: Now) {
    this.state = state;
    this.now = now;
    this.fleet = new FleetTurn<StacdEffect>(state.fleet, now, this);
    this.lines = new LinesTurn(state.lines, this.fleet, state.conf);
    this.#report = new ReportTurn(this);
    this.#drains = new DrainTurn(this);
    this.#renewals = new RenewTurn(this);
  }

  // --- FleetRules ----------------------------------------------------------------------------------------------------

  get soak(): Duration {
    return REMOVAL_SOAK;
  }

  get unheard(): string | undefined {
    return unheard(this.state);
  }

  get guard(): GuardPolicy {
    return guardPolicy(this.state.conf);
  }

  accepts(device: KernelCtrl): boolean {
    return device.isIoc;
  }

  verdict(ctl: Ctl): Verdict {
    const { conf } = this.state;
    if (conf === undefined) return { is: "held", why: "the configuration is not read yet" };
    const forbidden = forbiddance(ctl, conf, this.fleet.fleet);
    const drained = drainedVerdict(this.state.drains.list, ctl, this.now.wall, forbidden);
    if (drained !== undefined) return drained;
    if (forbidden !== undefined) return forbidden;
    if (ctl.claims.size > 0) return { is: "wanted" };
    const [first, ...rest] = ctl.released.values();
    if (first === undefined) {
      return { is: "held", why: "no source wants it now, but none has withdrawn it either, so it is kept" };
    }
    if (isForeign(ctl)) {
      if (!audits(this.state.conf)) return { is: "held", why: "disconnect-scope leaves it alone" };
      const missing = this.unknowns();
      if (missing.length > 0) {
        return { is: "held", why: missing.join("; "), ...untilKnown(this.state, this.now) };
      }
      const device = ctl.link.phase === "up" ? this.fleet.device(ctl.link.ref) : undefined;
      const other = device === undefined ? undefined : this.fleet.exceptIdentity(device);
      if (device !== undefined && other !== undefined) {
        return { is: "held", why: asAnother(other, device) };
      }
    }
    const unread = this.#cameBack(ctl);
    if (unread !== undefined) {
      return {
        is: "held",
        why: `${unread}, which listed it, is back and its log page has not been read yet`,
      };
    }
    const evidence = [first, ...rest] as const;
    const young = pageNotYet(this.state, ctl, this.now);
    return young === undefined ? { is: "unwanted", evidence } : { is: "held", ...young, withdrawn: evidence };
  }

  confirmed(ctl: Ctl): boolean {
    return isConfirmed(this.state, ctl, this.now);
  }

  confirm(): void {
    this.#fetch();
  }

  /** Once a dropped discovery controller is back, its drop no longer counts: its page decides. */
  #cameBack(ctl: Ctl): string | undefined {
    for (const [authority, { kind }] of ctl.released) {
      const page = kind === "dc-retired" ? this.state.pages.get(authority) : undefined;
      if (page !== undefined && page.page !== "read") return page.dcText;
    }
    return undefined;
  }

  /** The information that is missing before a connection counts as wanted by no source. */
  unknowns(): readonly string[] {
    if (!this.#settling) return this.#unknowns();
    return this.#settledUnknowns ??= this.#unknowns();
  }

  #unknowns(): readonly string[] {
    this.fleet.work += this.state.pages.size + this.lines.lines.size;
    return unknownsOf({ ...this.state, lines: this.lines.lines }, this.now);
  }

  bar(ctl: Ctl): string | undefined {
    if (this.fleet.fleet.stopping) return "the daemon is stopping";
    const exclusion = this.fleet.barred(ctl.tid);
    if (exclusion !== undefined) return `excluded host-wide by ${exclusion.origin}`;
    const { conf } = this.state;
    if (conf !== undefined && isSpared(ctl, conf, this.fleet.fleet.families)) return SPARED;
    if (this.remembered(ctl)) {
      return "stafd has not reported the log page yet that listed it before the restart";
    }
    const unsafe = securityBar(ctl, this.fleet.fleet.host, this.state.conf, this.lines.lines, false);
    if (unsafe !== undefined) return unsafe;
    const less = this.#renewals.bar(ctl);
    if (less !== undefined) return less;
    const limit = this.state.conf?.connectAttemptsOnNcc.value ?? 0;
    if (limit > 0 && ctl.attempts >= limit && !ctl.oneTry && isNcc(ctl)) {
      return `gave up after ${ctl.attempts} attempts: its discovery controller says that it has no connection to the subsystem (NCC)`;
    }
    return undefined;
  }

  /** Requirements 40. */
  keep(ctl: Ctl, { transport }: Pick<KernelCtrl, "transport">): string | undefined {
    return keptBy(this.state.conf, ctl.tid, transport);
  }

  /** Claimed by log pages only, none of which the present stafd has reported (STAC-1). */
  remembered(ctl: Ctl): boolean {
    const claims = [...ctl.claims];
    return claims.length > 0 &&
      claims.every(([authority, { kind }]) =>
        kind === "log-page" && this.state.pages.get(authority)?.told !== true
      );
  }

  moved(old: Ctl): void {
    this.state = { ...this.state, latency: dropLatency(this.state.latency, old.key) };
  }

  attempt(ctl: Ctl): Attempt {
    const { fleet } = this.fleet;
    return attemptAt(ctl, fleet, this.state.conf, this.lines.lines, false, (dc) => this.pageOwner(dc));
  }

  request(ctl: Ctl): ConnectRequest {
    return this.attempt(ctl).request;
  }

  up(ctl: Ctl): void {
    this.#renewals.settled(ctl);
    const take = ctl.link.phase === "up" && ctl.link.adopted ? dropLatency : takeLatency;
    this.state = { ...this.state, latency: take(this.state.latency, ctl.key, this.now.wall) };
    this.#judgeHeld((held) => held.tid.subsysnqn === ctl.tid.subsysnqn);
  }

  /** Held connections may have waited for this event. */
  #judgeHeld(concerned: (ctl: Ctl) => boolean): void {
    for (const ctl of this.fleet.fleet.ctls.values()) {
      const waits = ctl.guard !== undefined || ctl.doom !== undefined;
      if (waits && concerned(ctl)) this.fleet.touch(ctl.key);
    }
  }

  down(): void {
    this.lines.recheck();
    // Another program's connection that appeared meanwhile was taken for this one.
    if (audits(this.state.conf)) this.#auditDue = true;
  }

  forgotten(ctl: Ctl): void {
    this.#report.forgotten(ctl);
    this.#renewals.settled(ctl);
  }

  rested(): void {}

  pageOwner(dcKey: string): string {
    return this.state.pages.get(pageAuthority(dcKey))?.authority ?? dcKey;
  }

  origin(ctl: Ctl): Origin {
    const dcs = [...ctl.claims.keys()].map(dcOfPage).filter((dc) => dc !== "");
    return originOf(ctl, dcs.map((dc) => this.pageOwner(dc)));
  }

  evicted(ctl: Ctl): void {
    this.#report.evicted(ctl);
  }

  news(): void {}

  foreign(event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void {
    if (event.type !== "device" || !audits(this.state.conf)) return;
    if (event.cause !== "add" && event.cause !== "connected") return;
    this.fleet.remindBy(after(this.now, AUDIT_DELAY), AUDIT_REMINDER);
  }

  reminded(key: string): void {
    if (this.lines.reminded(key)) return;
    if (isDrainReminder(key)) return this.#drains.due();
    // Its time is looked at in every step.
    if (isRenewReminder(key)) return;
    if (key === FETCH_REMINDER) this.#fetch();
    if (key === AUDIT_REMINDER) {
      this.fleet.startScan();
      this.#auditDue = true;
    }
  }

  stateValue(): unknown {
    return stacdStateValue({ ...this.state, fleet: this.fleet.fleet, lines: this.lines.lines });
  }

  // --- stafd ---------------------------------------------------------------------------------------------------------

  #stafd(present: boolean): void {
    const { stafd } = this.state;
    if (stafd.present === present) return present ? this.#changed() : undefined;
    // A stafd that ends withdraws nothing: its pages stay as they were, but nothing new follows from them.
    const pages = new Map(
      [...this.state.pages].map(([authority, page]) =>
        [
          authority,
          page.page === "read" ? { ...page, page: "cached", current: false } as const : page,
        ] as const
      ),
    );
    this.state = {
      ...this.state,
      pages,
      stafd: { ...noStafd, present, heardAt: stafd.heardAt },
    };
    if (present) this.fleet.happened("info", "stafd-back", "stafd is running");
    else this.fleet.happened("info", "stafd-gone", "stafd has stopped; nothing is disconnected for that");
    if (present) this.#fetch();
  }

  #changed(): void {
    if (this.state.stafd.op === undefined) return this.#fetch();
    this.state = { ...this.state, stafd: { ...this.state.stafd, again: true } };
  }

  #fetch(): void {
    const { stafd } = this.state;
    if (!stafd.present || stafd.op !== undefined || this.fleet.fleet.stopping) return;
    const op = this.fleet.op();
    this.state = { ...this.state, stafd: { ...stafd, op, again: false, askedAt: this.now } };
    this.fleet.emit({ do: "fetch", op });
  }

  #fetched(op: number, outcome: Outcome<StafdReport>): void {
    const { stafd } = this.state;
    if (stafd.op !== op) return;
    const done = { ...stafd, op: undefined };
    if (!outcome.ok) {
      const failures = stafd.failures + 1;
      this.state = { ...this.state, stafd: { ...done, failures } };
      const { message } = outcome.failure;
      this.fleet.log(failures === 2 ? "error" : "debug", `stafd gave no usable answer: ${message}`);
      return this.fleet.remindAt(after(this.now, pause(FETCH_RETRY, failures, "stafd")), FETCH_REMINDER);
    }
    const { unknowns, dcs, partial } = outcome.value;
    const isKnown = unknowns.length === 0 && partial !== true && dcs.every(({ page }) => page === "read");
    const unsure = isKnown ? 0 : stafd.unsure + 1;
    this.state = {
      ...this.state,
      stafd: { ...done, failures: 0, ...heard(this.now), knownAt: stafd.askedAt, unknowns, unsure },
    };
    this.#report.take(outcome.value);
    // stafd sends no signal when it learns something without a change of a log page. The audit waits for such
    // news, and so do pages that stafd has not named yet.
    const isNamed = partial !== true && (unknowns.length === 0 || this.state.pages.size <= dcs.length);
    if (audits(this.state.conf) ? !isKnown : !isNamed) {
      this.fleet.remindAt(after(this.now, pause(UNKNOWN_RETRY, unsure, "stafd")), FETCH_REMINDER);
    }
    this.#judgeHeld(() => true);
    if (audits(this.state.conf)) {
      this.#auditDue = true;
      this.fleet.touchAll();
    }
    if (stafd.again) this.#fetch();
  }

  // --- the step ------------------------------------------------------------------------------------------------------

  take(event: StacdEvent): void {
    switch (event.type) {
      case "config":
        return this.#config(event);
      case "host":
        return this.#host(event);
      case "stafd":
        return this.#stafd(event.present);
      case "stafd-changed":
        return this.#changed();
      case "fetched":
        return this.#fetched(event.op, event.outcome);
      case "resolved":
        this.lines.resolved(event.op, event.outcome);
        // A connection may have been held because this answer was missing.
        if (audits(this.state.conf)) this.fleet.touchAll();
        return;
      case "network":
        this.fleet.take(event);
        return this.lines.recheck();
      case "drain":
        return this.#drains.drain(event);
      case "undrain":
        return this.#drains.undrain(event);
      case "use-seen":
        if (!this.#drains.seen(event) && !this.#renewals.seen(event)) this.fleet.take(event);
        return;
      case "renew":
        return this.#renewals.renew(event);
      case "keys-written":
        return this.#renewals.written(event);
      case "disconnected":
        this.fleet.take(event);
        return this.#renewals.disconnected(event);
      case "clock-set":
        this.state = stacdAfterClockSet(this.state, event.ms);
        return this.fleet.take(event);
      case "scanned":
        this.fleet.take(event);
        this.#auditDue ||= audits(this.state.conf);
        return;
      default:
        return this.fleet.take(event);
    }
  }

  /** A line without a host NQN of its own has this host's present one. */
  #host(event: Extract<StacdEvent, { readonly type: "host" }>): void {
    const isNew = this.fleet.fleet.host?.nqn !== event.host.nqn;
    this.fleet.take(event);
    if (isNew && this.state.conf !== undefined) this.#load(this.state.conf);
  }

  #load(conf: StacdConf): void {
    const lines = new LinesTurn(this.lines.lines, this.fleet, conf);
    const hostNqn = this.fleet.fleet.host?.nqn ?? "";
    lines.load(
      writtenLines(conf, hostNqn),
      conf,
    );
    this.lines.lines = lines.lines;
  }

  #config(event: Extract<StacdEvent, { readonly type: "config" }>): void {
    const { conf } = event;
    // S10: the previous configuration stays in force.
    if (event.reload && conf.unreadSecurity.length > 0) return;
    this.fleet.allow(conf, event.reload ? this.state.conf : undefined);
    // A controller that could not be used until now would be measured from an old event.
    this.state = { ...this.state, conf, latency: { ...this.state.latency, awaited: new Map() } };
    this.#load(conf);
    for (const ctl of this.fleet.all()) {
      // Another program's, excluded, and found by the audit; or allowed now, and therefore ours.
      const isResting = ctl.resting && ctl.link.phase === "up";
      if ((isForeign(ctl) || isResting) && !audits(this.state.conf)) {
        this.fleet.drop(ctl, "disconnect-scope leaves it alone");
      } else if (isResting && this.verdict(ctl).is === "wanted") {
        this.fleet.put({ ...ctl, resting: false });
        this.fleet.dirty();
      }
    }
    if (event.reload) {
      this.fleet.retryAll();
      if (audits(this.state.conf)) {
        this.#auditDue = true;
        // Only an audit waits for information that stafd's last report lacked: without one it is not asked
        // for again.
        if (this.state.stafd.present) this.#changed();
      }
    } else {
      this.fleet.startScan();
      this.#drains.remind();
    }
    this.fleet.touchAll();
  }

  finish(): Step<StacdState, StacdEffect> {
    this.#settling = true;
    this.fleet.settle();
    if (this.#auditDue) {
      for (const ctl of unclaimed(this)) this.fleet.adoptForeign(ctl);
      this.fleet.settle();
    }
    if (this.#renewals.advance()) this.fleet.settle();
    this.lines.settle();
    // stafd's report is the same, but there is room now for controllers that were left out.
    if (this.fleet.fleet.leftOut && this.fleet.isRoomy) {
      this.fleet.fleet = { ...this.fleet.fleet, leftOut: false };
      this.fleet.remindBy(after(this.now, ROOM_LOOK), FETCH_REMINDER);
    }
    this.fleet.pump();
    this.#drains.finish();
    if (this.fleet.fleet.stopping && this.fleet.quiet) this.fleet.emit({ do: "exit" });
    return {
      state: { ...this.state, fleet: this.fleet.fleet, lines: this.lines.lines },
      effects: this.fleet.effects,
      work: this.fleet.work,
    };
  }
}

/** One step of stacd. */
export function stepStacd(
  state: StacdState,
  event: StacdEvent,
  now: Now,
): Step<StacdState, StacdEffect> {
  const turn = new StacdTurn(state, now);
  turn.take(event);
  return turn.finish();
}

/** When stacd needs the next time event; undefined while nothing waits for one. */
export const stacdWakeAt = (state: StacdState): Instant | undefined => nextReminder(state.fleet);
