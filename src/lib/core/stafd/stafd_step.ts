/**
 * stafd's core: the wanted discovery controllers, their connections, and their log pages (requirements 30).
 * Pure: the outcome of each of its requests comes back as an event.
 */
import { REMOVAL_SOAK } from "../retry.ts";
import type { StafdConf } from "../../config/stafd_conf.ts";
import { YOUNG_PAGE_SOAK } from "../../config/young_page_soak.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { type Tid, tidKey, tidText } from "../../nvme/tid.ts";
import type { Duration, Instant, Now } from "../../base/time.ts";
import type { ConnectRequest, KernelEvent } from "../../ports.ts";
import { stafdAfterClockSet } from "../saved/clock_set.ts";
import { type Ctl, dcOfPage, hostSide, pageAuthority } from "../controller/ctl.ts";
import type { StafdEffect, StafdEvent, Step } from "../effects.ts";
import { type Evidence, type Proof, whyText } from "../planning/evidence.ts";
import type { StafdHost } from "./stafd_host.ts";
import { sameFarSide } from "../fleet/fleet_move.ts";
import type { FleetRules } from "../fleet/fleet_rules.ts";
import { FleetTurn, nextReminder } from "../fleet/fleet_turn.ts";
import type { Past } from "../fleet/fleet.ts";
import { DcSession } from "./dc_session.ts";
import { ForgetTurn } from "./forget_turn.ts";
import { type Dc, MAX_REFERRAL_DEPTH, MAX_RETIRED, newDc, type StafdState } from "./stafd_state.ts";
import { stafdStateValue } from "../saved/stafd_saved.ts";
import { securityBar } from "../request/line_demands.ts";
import { LinesTurn, writtenLines } from "../sources/lines.ts";
import { NO_AUTHORITY, originOf } from "../sources/origin_of.ts";
import { placeOf } from "../sources/origin_place.ts";
import { MdnsTurn, serviceAuthority } from "./mdns_services.ts";
import { isCurrent, type NotYet, notYet } from "../planning/page_evidence.ts";
import type { Verdict } from "../planning/planner.ts";
import { cutOffProof, isRoot, type Referrals, referralsOf } from "./referrals.ts";
import type { Origin } from "../fleet/turns.ts";
import { forbiddance, grown, isLeftBehind, isSpared, refusal, SPARED } from "../planning/refusal.ts";
import { type Attempt, attemptAt } from "../request/request.ts";

const nbftAuthority = (file: string, tid: Tid): string => `nbft:${file}:${tidKey(tid)}`;

/** Draft of one step of stafd. */
export class StafdTurn implements FleetRules, StafdHost {
  readonly daemon = "stafd";
  readonly kind = "discovery";
  readonly fleet: FleetTurn<StafdEffect>;
  readonly lines: LinesTurn;
  readonly mdns: MdnsTurn;
  readonly sessions: DcSession;
  readonly #acts: ForgetTurn;
  state: StafdState;
  readonly now: Now;
  #dcRemoved = false;

  constructor(state: StafdState, now: Now) {
    this.state = state;
    this.now = now;
    this.fleet = new FleetTurn<StafdEffect>(state.fleet, now, this);
    this.lines = new LinesTurn(state.lines, this.fleet, state.conf);
    this.mdns = new MdnsTurn(this);
    this.sessions = new DcSession(this);
    this.#acts = new ForgetTurn(this);
  }

  dc(key: string): Dc {
    return this.state.dcs.get(key) ?? newDc;
  }

  putDc(key: string, dc: Dc): void {
    this.state = { ...this.state, dcs: this.state.dcs.with(key, dc) };
  }

  // --- FleetRules ----------------------------------------------------------------------------------------------------

  get soak(): Duration {
    return REMOVAL_SOAK;
  }

  /** Discovery controllers have no namespaces. */
  readonly guard = undefined;
  readonly unheard = undefined;

  accepts(device: KernelCtrl): boolean {
    return device.isDc;
  }

  verdict(ctl: Ctl): Verdict {
    const { conf } = this.state;
    if (conf === undefined) return { is: "held", why: "the configuration is not read yet" };
    if (this.fleet.fleet.stopping && !conf.persistentConnections.value) {
      const { origin } = conf.persistentConnections;
      return { is: "unwanted", evidence: [{ kind: "stop", ...placeOf(origin) }] };
    }
    const forbidden = forbiddance(ctl, conf, this.fleet.fleet);
    if (forbidden !== undefined) return forbidden;
    // Referrals matter only for controllers to which nothing else leads.
    if (isRoot(ctl)) return { is: "wanted" };
    const depth = this.#referrals.depths.get(ctl.key);
    if (depth === undefined) return this.#unrooted(ctl);
    if (depth > MAX_REFERRAL_DEPTH) {
      return { is: "held", why: `referrals are followed only ${MAX_REFERRAL_DEPTH} steps deep` };
    }
    return { is: "wanted" };
  }

  authorityOf(key: string): string {
    return this.#referrals.roots((count) => this.fleet.work += count).get(key) ?? NO_AUTHORITY;
  }

  pageOwner(dcKey: string): string {
    return this.authorityOf(dcKey);
  }

  origin(ctl: Ctl): Origin {
    return originOf(ctl, [this.authorityOf(ctl.key)]);
  }

  evicted(ctl: Ctl): void {
    this.state = { ...this.state, dcs: this.state.dcs.without(ctl.key) };
    for (const { kind, ...claim } of ctl.claims.values()) {
      if (kind !== "referral" || !("dc" in claim)) continue;
      const dc = this.state.dcs.get(claim.dc);
      if (dc !== undefined) this.putDc(claim.dc, { ...dc, left: dc.left + 1 });
    }
  }

  /** Adds what was left out of the full table, once there is room again. */
  #takeLeftOut(): void {
    const { fleet } = this.fleet;
    if (!fleet.leftOut || !this.fleet.isRoomy) return;
    this.fleet.fleet = { ...fleet, leftOut: false };
    this.fleet.work += this.state.dcs.size;
    for (const [key, dc] of this.state.dcs) if (dc.left > 0) this.sessions.retake(key);
    this.mdns.retake();
  }

  /** Computed once for each state of the authorities' statements. */
  get #referrals(): Referrals {
    const { conf, referrals: known } = this.state;
    const at = this.fleet.fleet.sayings;
    if (known !== undefined && known.at === at && known.conf === conf) return known.value;
    const value = referralsOf({
      ctls: this.fleet.all(),
      conf: conf === undefined ? conf : grown(conf, this.fleet.fleet.young),
      families: this.fleet.fleet.families,
      ctl: (key) => this.fleet.ctl(key),
      isRead: (key) => this.dc(key).page?.fresh === true,
      looked: (count) => this.fleet.work += count,
    });
    this.state = { ...this.state, referrals: { at, conf, value } };
    return value;
  }

  /** Only referrals in a circle, or no claims at all, lead to it: the evidence is what cut the circle off. */
  #unrooted(ctl: Ctl): Verdict {
    this.fleet.work += ctl.claims.size;
    // Once a dropped controller is wanted again, its drop no longer counts: its page decides.
    const back = this.#referrals.back.get(ctl.key);
    if (back !== undefined) {
      const why = `${tidText(back.tid)}, which listed it, is back and its page has not been read yet`;
      return { is: "held", why };
    }
    const [first, ...rest] = cutOffProof(ctl, this.#referrals, this.now.wall);
    if (first === undefined) {
      return { is: "held", why: "no source wants it now, but none has withdrawn it either, so it is kept" };
    }
    const evidence = [first, ...rest] as const;
    const young = this.#notYet(ctl) ?? this.#cutOffNotYet(ctl);
    return young === undefined ? { is: "unwanted", evidence } : { is: "held", ...young, withdrawn: evidence };
  }

  /** The page that withdrew the controller does not count yet (S14). */
  #notYet({ released }: Ctl): NotYet | undefined {
    const soak = this.state.conf?.youngPageSoak.value ?? YOUNG_PAGE_SOAK;
    for (const [authority, { kind }] of released) {
      const dc = kind === "log-page" ? this.fleet.ctl(dcOfPage(authority)) : undefined;
      if (dc === undefined) continue;
      const known = this.dc(dc.key);
      const page = { dcText: tidText(dc.tid), current: isCurrent(known, dc), young: known.page?.young };
      const found = notYet(page, soak, this.now);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The same for the controllers whose removal cuts it off. */
  #cutOffNotYet({ claims }: Ctl): NotYet | undefined {
    const { cutOff } = this.#referrals;
    // In a mesh of referrals, one controller usually cuts off most of the others.
    const asked = new Set<string>();
    for (const claim of claims.values()) {
      const from = claim.kind === "referral" ? cutOff.get(claim.dc)?.from : undefined;
      if (from === undefined || asked.has(from.key)) continue;
      asked.add(from.key);
      const ctl = this.fleet.ctl(from.key);
      const found = ctl === undefined ? undefined : this.#notYet(ctl);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  bar(ctl: Ctl): string | undefined {
    if (this.fleet.fleet.stopping) return "the daemon is stopping";
    const { conf } = this.state;
    if (conf !== undefined && isSpared(ctl, conf, this.fleet.fleet.families)) return SPARED;
    const exclusion = this.fleet.barred(ctl.tid);
    if (exclusion !== undefined) return `excluded host-wide by ${exclusion.origin}`;
    return securityBar(ctl, this.fleet.fleet.host, this.state.conf, this.lines.lines, true);
  }

  /** stafd reads the pages itself. */
  confirmed(): boolean {
    return true;
  }

  confirm(): void {}

  keep(): undefined {
    return undefined;
  }

  remembered(): boolean {
    return false;
  }

  /** Its page and its referrals move with it, and the referrals take our new side, too. */
  moved(old: Ctl, now: Ctl): void {
    const dc = this.state.dcs.get(old.key);
    if (dc !== undefined) {
      this.state = { ...this.state, dcs: this.state.dcs.without(old.key) };
      // The answer to the command under way is ignored; the command is sent again.
      if (this.state.dcs.get(now.key) === undefined || now.link.phase === "up") {
        this.putDc(now.key, { ...dc, job: undefined, then: "nothing" });
      }
      this.sessions.lookLater(now.key);
      if (dc.job !== undefined) this.sessions.resync(now);
    }
    for (const [name, service] of this.state.services) {
      if (service.key !== old.key || !now.claims.has(serviceAuthority(name))) continue;
      const services = this.state.services.with(name, { ...service, tid: now.tid, key: now.key });
      this.state = { ...this.state, services };
    }
    const [before, after] = [pageAuthority(old.key), pageAuthority(now.key)];
    const [was, is] = [hostSide(old.tid), hostSide(now.tid)];
    // Its page has another key now.
    this.fleet.said();
    for (const ctl of this.fleet.saidOf(before)) {
      const claim = ctl.claims.get(before);
      if (claim?.kind !== "referral") continue;
      const inherits = tidKey({ ...ctl.tid, ...was }) === ctl.key;
      const tid = inherits ? { ...ctl.tid, ...is } : ctl.tid;
      this.fleet.move(ctl.key, before, tid, { ...claim, dc: now.key, dcText: tidText(now.tid) }, after);
    }
  }

  attempt(ctl: Ctl): Attempt {
    const { fleet } = this.fleet;
    return attemptAt(ctl, fleet, this.state.conf, this.lines.lines, true, (dc) => this.pageOwner(dc));
  }

  request(ctl: Ctl): ConnectRequest {
    return this.attempt(ctl).request;
  }

  up(ctl: Ctl, device: KernelCtrl): void {
    this.putDc(ctl.key, { ...this.dc(ctl.key), upAt: this.now, live: true, listed: true, lost: undefined });
    if (isLeftBehind(ctl)) this.fleet.reconsider();
    // A controller that was found only to be disconnected gets no command (S7).
    const { is } = this.verdict(ctl);
    if (is === "wanted" || is === "held") this.sessions.sync(ctl, device);
  }

  down(ctl: Ctl): void {
    this.sessions.ended(ctl);
    this.lines.recheck();
    if (isLeftBehind(ctl)) this.fleet.reconsider();
  }

  forgotten(ctl: Ctl, past: Pick<Past, "evidence">): void {
    // Disconnected because the daemon stops, not for good: its page, and the claims that follow from it, stay
    // (S2).
    if (past.evidence.some(({ kind }) => kind === "stop")) return;
    const dc = this.state.dcs.get(ctl.key);
    this.state = { ...this.state, dcs: this.state.dcs.without(ctl.key) };
    const why = whyText(past.evidence);
    const evidence: Evidence = { kind: "dc-retired", dc: tidText(ctl.tid), why, at: this.now.wall };
    const known = this.state.referrals;
    const isCurrent = known?.at === this.fleet.fleet.sayings;
    for (const other of this.fleet.saidOf(pageAuthority(ctl.key))) {
      this.fleet.release(other.key, pageAuthority(ctl.key), evidence);
    }
    // If no referrals lead on from the controller, its removal does not change the result for the others.
    const ledOn = known?.value.depths.has(ctl.key) === true &&
      refusal(ctl, known.conf, this.fleet.fleet.families) === undefined;
    if (known !== undefined && isCurrent && !ledOn) {
      this.state = { ...this.state, referrals: { ...known, at: this.fleet.fleet.sayings } };
    }
    if (dc === undefined) return;
    this.#dcRemoved = true;
    const retired = this.state.retired.filter(({ tid }) => tidText(tid) !== tidText(ctl.tid));
    this.state = {
      ...this.state,
      retired: [...retired, { tid: ctl.tid, why, at: this.now.wall }].slice(-MAX_RETIRED),
    };
  }

  /**
   * Excluded while it was not connected: its page will not be read again, so what it said ends as if it had
   * been disconnected. Where only the end of an announcement makes `ip-family` apply, its loss is no evidence
   * (S2).
   */
  rested(ctl: Ctl, evidence: Proof): void {
    if (!isLeftBehind(ctl) && this.#speaks(ctl)) this.forgotten(ctl, { evidence });
  }

  /** Its page, or a referral on it or withdrawn from it, still counts. */
  #speaks({ key }: Ctl): boolean {
    const page = pageAuthority(key);
    return this.state.dcs.get(key)?.page !== undefined ||
      this.fleet.saidOf(page).some(({ claims, released }) =>
        claims.has(page) || released.get(page)?.kind === "log-page"
      );
  }

  news(ctl: Ctl, event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void {
    this.sessions.news(ctl, event);
  }

  foreign(event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void {
    this.sessions.foreign(event);
  }

  reminded(key: string): void {
    if (!this.lines.reminded(key) && !this.mdns.reminded(key)) this.sessions.reminded(key);
  }

  stateValue(): unknown {
    return stafdStateValue({ ...this.state, fleet: this.fleet.fleet, lines: this.lines.lines });
  }

  // --- the step ------------------------------------------------------------------------------------------------------

  take(event: StafdEvent): void {
    switch (event.type) {
      case "config":
        return this.#config(event);
      case "registered":
      case "supported-logs":
      case "log-read":
      case "generation":
        return this.sessions.answered(event);
      case "states":
        this.fleet.take(event);
        return this.sessions.looked(event.states);
      case "avahi":
      case "service":
      case "service-gone":
      case "mdns-problem":
        return this.mdns.take(event);
      case "resolved":
        return this.lines.resolved(event.op, event.outcome);
      case "network":
        this.fleet.take(event);
        return this.lines.recheck();
      case "overflow":
        this.fleet.take(event);
        return this.sessions.eventsLost();
      case "host":
        return this.#host(event);
      case "nbft":
        this.fleet.take(event);
        return this.#nbft();
      case "forget":
        return this.#acts.forget(event);
      case "clock-set":
        this.state = stafdAfterClockSet(this.state, event.ms);
        return this.fleet.take(event);
      default:
        return this.fleet.take(event);
    }
  }

  /** A claim without a host NQN of its own has this host's present one. */
  #host(event: Extract<StafdEvent, { readonly type: "host" }>): void {
    const { nqn } = event.host;
    const isNew = this.fleet.fleet.host?.nqn !== nqn;
    this.fleet.take(event);
    if (!isNew) return;
    if (this.state.conf !== undefined) this.#load(this.state.conf);
    this.mdns.renamed(nqn);
  }

  #load(conf: StafdConf): void {
    const lines = new LinesTurn(this.lines.lines, this.fleet, conf);
    const hostNqn = this.fleet.fleet.host?.nqn ?? "";
    lines.load(
      writtenLines(conf, hostNqn),
      conf,
    );
    this.lines.lines = lines.lines;
  }

  #config(event: Extract<StafdEvent, { readonly type: "config" }>): void {
    const { conf } = event;
    // S10: the previous configuration stays in force.
    if (event.reload && conf.unreadSecurity.length > 0) return;
    this.fleet.allow(conf, event.reload ? this.state.conf : undefined);
    this.state = { ...this.state, conf };
    this.#load(conf);
    this.fleet.emit({ do: "browse", enabled: conf.zeroconf.value });
    if (!conf.zeroconf.value) this.mdns.withdrawAll();
    if (event.reload) {
      this.fleet.retryAll();
      for (const ctl of this.fleet.all()) this.sessions.resync(ctl);
    } else this.fleet.startScan();
    this.fleet.touchAll();
  }

  #nbft(): void {
    const { discovery } = this.fleet.fleet.nbft;
    const current = new Set(discovery.map(({ tid, file }) => nbftAuthority(file, tid)));
    for (const { tid, file, hostId } of discovery) {
      const { traddr } = tid;
      const claim = { kind: "nbft", file, traddr, hostId } as const;
      for (const ctl of this.fleet.all()) {
        if (!sameFarSide(ctl.tid, tid)) continue;
        for (const [authority, { kind }] of ctl.claims) {
          if (kind !== "nbft" || current.has(authority)) continue;
          this.fleet.move(ctl.key, authority, tid, claim, nbftAuthority(file, tid));
        }
      }
      this.fleet.claim(tidKey(tid), tid, nbftAuthority(file, tid), claim);
    }
  }

  finish(): Step<StafdState, StafdEffect> {
    this.#takeLeftOut();
    this.fleet.settle();
    this.mdns.lostAndFound();
    // A dropped controller may cut off others that its referrals led to.
    while (this.fleet.takeReleased()) {
      this.fleet.touchAll();
      this.fleet.settle();
    }
    this.lines.settle();
    if (this.#dcRemoved) this.fleet.emit({ do: "signal", signal: { type: "dc-removed" } });
    this.fleet.pump();
    this.#acts.finish();
    if (this.fleet.fleet.stopping && this.fleet.quiet) this.fleet.emit({ do: "exit" });
    return {
      state: { ...this.state, fleet: this.fleet.fleet, lines: this.lines.lines },
      effects: this.fleet.effects,
      work: this.fleet.work,
    };
  }
}

/** One step of stafd. */
export function stepStafd(
  state: StafdState,
  event: StafdEvent,
  now: Now,
): Step<StafdState, StafdEffect> {
  const turn = new StafdTurn(state, now);
  turn.take(event);
  return turn.finish();
}

/** When stafd needs the next time event; undefined while nothing waits for one. */
export const stafdWakeAt = (state: StafdState): Instant | undefined => nextReminder(state.fleet);
