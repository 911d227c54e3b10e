/**
 * Carries out the planner's decisions (probes, the one connect, disconnects), and records their effect on a
 * controller.
 */
import type { Failure } from "../../base/failure.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { matches, matchIndexKey } from "../../nvme/match.ts";
import { tidText } from "../../nvme/tid.ts";
import { after } from "../../base/time.ts";
import type { DeviceRef, Reached } from "../../ports.ts";
import { sayDifferences } from "../controller/differences.ts";
import { type Ctl, deviceOf, noted } from "../controller/ctl.ts";
import { type Evidence, evidenceText, proofText } from "../planning/evidence.ts";
import { type Fleet, MAX_PAST, MAX_PROBES, MAX_UNREAD, type Past, withoutCtl } from "./fleet.ts";
import { listed, mayShare, unlisted } from "./fleet_index.ts";
import { FleetMove, isHeld } from "./fleet_move.ts";
import { tlsRemedy, tlsText } from "../request/page_tls.ts";
import { isAboutTls } from "../request/tls_targets.ts";
import { newGuard } from "../planning/guard.ts";
import { guest, REST_REMINDER, restingApart } from "./kernel_share.ts";
import { eventFields } from "../../base/messages.ts";
import { type Decision, leadsToRemoval } from "../planning/planner.ts";
import { isLost, keepLooking } from "../controller/links.ts";
import { asks, isMute, originAt, rankOf } from "./probing.ts";
import { CONNECT_RETRY, FORMING_LOOK, pause, PROBE_TIMEOUT, RECENT, SILENT_RETRY, STOOD } from "../retry.ts";
import { lostSince } from "../controller/standing.ts";
import { Drawing, type Origin, type Turns } from "./turns.ts";
import { follow, lookAtForming } from "../controller/unfinished.ts";
import { linedUp } from "./waiting.ts";

export const SCAN_REMINDER = "#scan";
const NOBODYS: Origin = { lane: 2, authority: "" };
/** The most decisions about one controller in one step; none needs more than a few (S6). */
const SETTLE_LIMIT = 64;

export class FleetWork<E extends { readonly do: string } = never> extends FleetMove<E> {
  #lookedAtTls = false;
  #begun: string[] = [];
  #queued: Fleet["ready"][number][] = [];

  /** Asks the planner about every touched controller, and carries out its decisions. */
  settle(): void {
    let left = SETTLE_LIMIT * (this.fleet.ctls.size + 1);
    for (const key of this.touched) {
      this.touched.delete(key);
      // A restart is better than a daemon that does nothing (S9).
      if (left-- === 0) throw new Error("the planner does not finish");
      const ctl = this.ctl(key);
      if (ctl === undefined) continue;
      this.#carryOut(ctl);
      this.stand(key);
    }
  }

  #carryOut(touched: Ctl): void {
    let ctl = lookAtForming(this, touched);
    const decision = this.decision(ctl);
    if (decision.act === "adopt" && !this.#isRecent(decision.device)) return this.#lookAgain(ctl);
    // It may serve another controller by now.
    const kept = decision.act === "release" ? deviceOf(ctl) : undefined;
    if (kept !== undefined && !this.fleet.stopping && !this.#isRecent(kept)) return this.#lookAgain(ctl);
    // The kernel has been read: connections that appear from now on were made by other programs, or by this
    // process.
    const isTold = decision.act !== "hold" || decision.look === undefined;
    if (ctl.restored && this.fresh && decision.act !== "none" && isTold) {
      this.put(ctl = { ...ctl, restored: false });
      if (this.#isWithout(ctl, decision) && this.rules.remembered(ctl)) return this.#discard(ctl);
    }
    if (this.fresh && this.#isWithout(ctl, decision)) {
      if (ctl.formerly.length > 0) {
        this.put(ctl = { ...ctl, formerly: [] });
        this.dirty();
      }
      // Nothing depends on an I/O controller, and the entries of a discovery controller outlive its
      // connection.
      if (ctl.inherited && this.rules.daemon === "stacd") {
        this.put(ctl = { ...ctl, inherited: false });
        this.touch(ctl.key);
      }
    }
    const removing = leadsToRemoval(decision) || ctl.guard?.op !== undefined || ctl.link.phase === "deleting";
    if ((ctl.doom !== undefined || ctl.guard !== undefined) && !removing) {
      this.put(ctl = { ...ctl, doom: undefined, guard: undefined });
    }
    switch (decision.act) {
      case "none":
      case "going":
        return;
      case "hold":
      case "rest":
        if (decision.act === "hold" && decision.look === true) {
          this.remindBy(after(this.now, FORMING_LOOK), SCAN_REMINDER);
        }
        if (decision.act === "rest" && !ctl.resting) {
          this.put(ctl = { ...ctl, resting: true });
          this.dirty();
        }
        if (decision.act === "rest") this.rules.rested(ctl, decision.evidence);
        if (decision.act === "hold" && decision.until !== undefined) this.remindAt(decision.until, ctl.key);
        // An attempt that had begun is abandoned; its outcome is ignored.
        if (ctl.link.phase === "reaching" || ctl.link.phase === "ready") {
          this.put({ ...ctl, link: { phase: "idle" } });
        }
        return;
      case "wait":
        return this.remindAt(decision.until, ctl.key);
      case "adopt":
        return this.raise(ctl, decision.device, true);
      case "follow":
        return follow(this, ctl, decision.device);
      case "connect":
        return this.#begin(ctl);
      case "soak": {
        if (ctl.doom !== undefined) return this.remindAt(ctl.doom, ctl.key);
        const doom = after(this.now, this.rules.soak);
        this.put(noted({ ...ctl, doom }, this.now.wall, `no longer wanted: ${proofText(decision.evidence)}`));
        return this.remindAt(doom, ctl.key);
      }
      case "confirm":
        return this.rules.confirm(ctl);
      case "look": {
        if (ctl.guard?.op !== undefined) return;
        const op = this.op();
        const { device } = decision;
        if (ctl.link.phase !== "up") throw new Error(`checking whether ${device} is in use`);
        this.put({ ...ctl, guard: { ...ctl.guard ?? newGuard, op } });
        return this.emit({ do: "look-at-use", op, key: ctl.key, target: ctl.link.ref });
      }
      case "watch":
        return this.remindAt(decision.until, ctl.key);
      case "guard":
        this.#guarded(ctl, decision);
        return this.remindAt(decision.until, ctl.key);
      case "disconnect":
        return this.disconnect(ctl, decision);
      case "release":
        return this.letGo(ctl, "released", decision.why, decision.evidence);
      case "forget":
        return this.letGo(ctl, "forgotten", "not connected", decision.evidence);
    }
  }

  disconnect(
    ctl: Ctl,
    { target, evidence, claims }: Omit<Extract<Decision, { readonly act: "disconnect" }>, "act">,
  ): void {
    const op = this.op();
    const words = proofText(evidence);
    // Tried again after a refusal for the same reason, which was logged the first time.
    const { told, refused } = ctl.guard ?? newGuard;
    const level = told !== undefined && told === refused ? "debug" : "notice";
    const fields = eventFields("disconnecting", { NVME_EVIDENCE: words });
    this.say(level, ctl, `Disconnect initiated: ${words}`, fields);
    this.announce(ctl, "disconnecting", words);
    this.put(noted(
      { ...ctl, link: { phase: "deleting", ref: target, op, evidence } },
      this.now.wall,
      `disconnecting: ${words}`,
    ));
    this.emit({ do: "disconnect", op, key: ctl.key, target, tid: ctl.tid, evidence, claims });
  }

  /** The loss of a link causes no event, and changes the attributes by which a connection is recognised. */
  #isRecent({ device }: Pick<KernelCtrl, "device">): boolean {
    return this.now.mono - (this.fleet.readAt.get(device) ?? -Infinity) <= RECENT.ms;
  }

  /** The kernel has no connection to it, and none is being made. */
  #isWithout(ctl: Ctl, decision: Decision): boolean {
    return !isHeld(ctl) && decision.act !== "adopt" && decision.act !== "follow" &&
      this.forming(ctl) === undefined &&
      this.find(ctl) === undefined;
  }

  /**
   * The device is read again before it is taken over; whatever device is then found touches the controller.
   */
  #lookAgain(ctl: Ctl): void {
    if (ctl.link.phase === "reaching" || ctl.link.phase === "ready") {
      this.put({ ...ctl, link: { phase: "idle" } });
    }
    this.startScan();
  }

  /**
   * Known from the state file only, and not connected in the kernel (STAC-1): a source that wants it claims
   * it again.
   */
  #discard(ctl: Ctl): void {
    this.say("debug", ctl, "not connected any more: left out until a log page lists it again");
    if (ctl.standing !== undefined) {
      const stood = this.fleet.stood.with(ctl.key, { standing: ctl.standing, until: after(this.now, STOOD) });
      this.fleet = { ...this.fleet, stood };
    }
    this.#remove(ctl);
    this.dirty();
  }

  #remove(ctl: Ctl): void {
    this.fleet = withoutCtl(this.fleet, ctl);
  }

  /** Logged once for each reason. */
  #guarded(ctl: Ctl, { why, evidence }: Extract<Decision, { readonly act: "guard" }>): void {
    const { guard } = ctl;
    if (guard === undefined || guard.told === why) return;
    const words = proofText(evidence);
    const text = `withdrawn, held: ${why}`;
    const fields = eventFields("held", { NVME_EVIDENCE: words });
    this.say("notice", ctl, `${text} (withdrawn because: ${words})`, fields);
    this.announce(ctl, "held", `${why}; ${words}`);
    this.put(noted({ ...ctl, guard: { ...guard, told: why } }, this.now.wall, text));
  }

  #begin(ctl: Ctl): void {
    const tried = { ...ctl, lastTry: this.now, resting: false };
    if (ctl.resting) this.dirty();
    // Keys and the handshake daemon come and go; the answer is here before the address has been tested.
    if (!this.#lookedAtTls && isAboutTls(ctl)) {
      this.#lookedAtTls = true;
      this.emit({ do: "look-at-tls" });
    }
    this.put({ ...tried, link: { phase: "reaching", op: undefined } });
    this.#begun.push(ctl.key);
  }

  /** Queues it for the kernel. */
  protected queue(ctl: Ctl, reached: Reached, isLast = false): void {
    this.put({ ...ctl, link: { phase: "ready" } });
    this.#queued.push({ key: ctl.key, rank: rankOf(ctl, reached, isLast) });
  }

  #lineUp(): void {
    this.fleet = linedUp(this.fleet, this.#begun, this.#queued, (key) => this.ctl(key)?.link.phase);
    this.#begun = [];
    this.#queued = [];
  }

  /** Starts work that has a free slot: probes, one connect, one save. The last action of a step. */
  pump(): void {
    this.#lineUp();
    this.#pumpProbes();
    this.#pumpConnect();
    // The last check may have put a controller back into a queue.
    this.#lineUp();
    const { saves } = this.fleet;
    if (saves.running === undefined && saves.wanted > saves.done && !saves.failed) {
      const op = this.op();
      this.fleet = { ...this.fleet, saves: { ...saves, running: { op, upTo: saves.wanted } } };
      this.emit({ do: "save", op, value: this.rules.stateValue() });
    }
  }

  #pumpProbes(): void {
    const { toReach } = this.fleet;
    let { reaching } = this.fleet;
    if (toReach.length === 0 || reaching >= MAX_PROBES) return;
    // If there is a slot for each of them, none has to wait.
    const isEnough = toReach.length <= MAX_PROBES - reaching;
    const drawing = isEnough
      ? new Drawing(toReach, () => NOBODYS, this.fleet.turns.probe)
      : this.#drawing(toReach, (key) => key, this.fleet.turns.probe);
    let connectedAt: ReadonlySet<string> | undefined;
    while (reaching < MAX_PROBES) {
      const key = drawing.next();
      if (key === undefined) break;
      const ctl = this.ctl(key);
      if (ctl?.link.phase !== "reaching" || ctl.link.op !== undefined) continue;
      const op = this.op();
      this.put({ ...ctl, link: { phase: "reaching", op } });
      connectedAt ??= this.#connectedAt();
      const probe = { timeout: PROBE_TIMEOUT, asks: asks(ctl, this.rules.request(ctl), connectedAt) };
      this.emit({ do: "reach", op, key, tid: ctl.tid, probe });
      reaching++;
    }
    const turns = isEnough ? this.fleet.turns : { ...this.fleet.turns, probe: drawing.turns };
    this.fleet = { ...this.fleet, reaching, turns, toReach: drawing.left() };
  }

  /** Addresses that are known to be targets. */
  #connectedAt(): ReadonlySet<string> {
    const live = [...this.fleet.devices.values()].filter(({ state }) => state === "live");
    return new Set(live.map(matchIndexKey));
  }

  /** Draws from a queue in turns; leaves out entries that no longer wait. */
  #drawing<One>(
    queue: readonly One[],
    keyOf: (one: One) => string,
    turns: Turns,
    originOf: (one: One, ctl: Ctl) => Origin = (_one, ctl) => this.rules.origin(ctl),
  ): Drawing<One> {
    const waiting = queue.flatMap((one) => {
      // Sorting is not counted as work; drawing is.
      const ctl = this.fleet.ctls.get(keyOf(one));
      return ctl === undefined ? [] : [{ one, origin: originOf(one, ctl) }];
    });
    const origins = new Map(waiting.map(({ one, origin }) => [one, origin]));
    return new Drawing(origins.keys(), (one) => origins.get(one) ?? NOBODYS, turns);
  }

  #pumpConnect(): void {
    const { busy, exclusions, stopping, unread } = this.fleet;
    if (busy !== undefined || !this.fresh || exclusions === undefined || stopping) return;
    if (unread.length >= MAX_UNREAD) return;
    const guestOf = (ctl: Ctl): string | undefined => guest(this.rules.origin(ctl));
    const { ready, resting, until } = restingApart(this.fleet, guestOf, this.now);
    if (until !== undefined) this.remindAt(until, REST_REMINDER);
    if (ready.length === 0) return;
    const isAlone = ready.length === 1;
    const drawing = isAlone ? new Drawing(ready, () => NOBODYS, this.fleet.turns.connect) : this.#drawing(
      ready,
      ({ key }) => key,
      this.fleet.turns.connect,
      ({ rank }, ctl) => originAt(rank, this.rules.origin(ctl)),
    );
    const later: typeof ready[number][] = [];
    let { turns } = drawing;
    while (this.fleet.busy === undefined) {
      const first = drawing.next();
      if (first === undefined) break;
      this.work += 1 + unread.length;
      const ctl = this.ctl(first.key);
      if (ctl?.link.phase !== "ready") continue;
      // Not saved yet, or perhaps the same connection as one that was made and has not been read back (S4).
      if (ctl.born > this.fleet.saves.done || unread.some((made) => mayShare(made.tid, ctl.tid))) {
        later.push(first);
        continue;
      }
      // Only a controller that was really tried has used its turn.
      ({ turns } = drawing);
      this.#connect(ctl);
    }
    this.fleet = {
      ...this.fleet,
      turns: isAlone ? this.fleet.turns : { ...this.fleet.turns, connect: turns },
      ready: later.concat(drawing.left(), resting),
    };
  }

  /**
   * The last check before the connect: the controller may have been connected or excluded meanwhile (S4, S7).
   */
  #connect(ready: Ctl): void {
    let ctl = ready;
    const decision = this.decision(ctl);
    if (decision.act !== "none") return this.#carryOut(ctl);
    const op = this.op();
    const { request: asked, choice } = this.rules.attempt(ctl);
    const triedTls = choice.is === "tls" && !choice.must;
    const words = choice.is === "clear" ? tlsText(choice) : undefined;
    // Said once for each reason.
    if (words !== undefined && !ctl.history.some(({ text }) => text === words)) {
      this.sayOf(ctl, "notice", `Connecting ${words}; ${tlsRemedy(choice) ?? ""}`);
      ctl = noted(ctl, this.now.wall, words);
    }
    this.put({ ...ctl, lastTry: this.now, oneTry: false, triedTls, link: { phase: "connecting", op } });
    this.fleet = {
      ...this.fleet,
      busy: { op, key: ctl.key, tid: ctl.tid, guest: guest(this.rules.origin(ctl)), begun: undefined },
    };
    const request = triedTls ? { ...asked, options: { ...asked.options, tls: true } } : asked;
    this.emitFirst({ do: "connect", op, key: ctl.key, request });
  }

  protected raise(ctl: Ctl, device: KernelCtrl, adopted: boolean): void {
    const ref: DeviceRef = { device: device.device, incarnation: device.incarnation };
    const since = adopted && isLost(device.state) ? lostSince(ctl, ref) : undefined;
    const up: Ctl = {
      ...ctl,
      attempts: 0,
      triedTls: false,
      lastFailure: undefined,
      doom: undefined,
      guard: undefined,
      oneTry: false,
      resting: false,
      proven: true,
      formerly: matches(ctl.tid, device, this.fleet.interfaces) ? [] : ctl.formerly,
      link: { phase: "up", ref, adopted, ...(since === undefined ? {} : { lost: since }) },
    };
    if (ctl.resting) this.dirty();
    keepLooking(this);
    this.proved(ctl, device);
    const words = adopted ? "Connection established! (it existed already)" : "Connection established!";
    this.put(
      noted(up, this.now.wall, adopted ? `found connected as ${ref.device}` : `connected as ${ref.device}`),
    );
    this.fleet = { ...this.fleet, users: listed(this.fleet.users, ref.device, ctl.key) };
    this.say("info", up, words, eventFields("connected"));
    this.announce(
      up,
      "connected",
      adopted ? `${ref.device} was connected already` : `connected as ${ref.device}`,
    );
    sayDifferences(this, up, device, adopted);
    if (!adopted) this.emit({ do: "own", device: ref.device, owned: true });
    this.rules.up(up, device);
    this.touch(ctl.key);
  }

  protected lower(ctl: Ctl, ref: DeviceRef): void {
    this.fleet = { ...this.fleet, users: unlisted(this.fleet.users, ref.device, ctl.key) };
    this.rules.down(ctl);
  }

  /**
   * Records a connection that no source wants, without a claim, so that the planner judges it (requirements
   * 40).
   */
  adoptForeign(ctl: Ctl): void {
    const device = ctl.link.phase === "up" ? ctl.link.ref.device : "";
    this.put(noted(ctl, this.now.wall, `found ${device}, which no source wants`));
    keepLooking(this);
    this.fleet = { ...this.fleet, users: listed(this.fleet.users, device, ctl.key) };
    this.touch(ctl.key);
  }

  /** Removes a record; its connection, if any, stays. */
  drop(ctl: Ctl, why: string): void {
    this.letGo(ctl, "released", why, []);
  }

  /** Removes the record, or keeps it idle while a source still wants the excluded controller. */
  protected letGo(ctl: Ctl, what: Past["what"], why: string, evidence: readonly Evidence[]): void {
    const device = deviceOf(ctl)?.device ?? "";
    const past: Past = {
      key: ctl.key,
      text: tidText(ctl.tid),
      tid: ctl.tid,
      device,
      at: this.now.wall,
      what,
      why,
      evidence,
    };
    const ref = deviceOf(ctl);
    if (ref !== undefined) {
      const isGone = what === "disconnected";
      const type = isGone ? "disconnected" : "let-go";
      const words = evidence.length === 0 ? {} : { NVME_EVIDENCE: evidence.map(evidenceText).join("; ") };
      const line = isGone ? `Disconnected: ${why}` : `No longer wanted, connection kept: ${why}`;
      this.say(isGone ? "notice" : "info", ctl, line, eventFields(type, words));
      this.announce(ctl, type, why);
      this.lower(ctl, ref);
    }
    this.fleet = { ...this.fleet, past: [...this.fleet.past, past].slice(-MAX_PAST) };
    if (ctl.claims.size > 0) {
      const text = ref !== undefined ? `${what}: ${why}` : `excluded: ${proofText(evidence)}`;
      this.put(
        noted(
          { ...ctl, doom: undefined, guard: undefined, resting: true, link: { phase: "idle" } },
          this.now.wall,
          text,
        ),
      );
    } else this.#remove(ctl);
    this.dirty();
    this.rules.forgotten(ctl, past);
  }

  /** `told`: the attempt at which a failure is worth an event. */
  protected failed(ctl: Ctl, failure: Failure, told = 1): void {
    const attempts = ctl.attempts + 1;
    const wait = failure.kind === "permanent"
      ? CONNECT_RETRY.longest
      : pause(isMute(failure) ? SILENT_RETRY : CONNECT_RETRY, attempts, ctl.key);
    const until = after(this.now, wait);
    const changed = ctl.lastFailure?.failure.message !== failure.message;
    const next: Ctl = {
      ...ctl,
      attempts,
      oneTry: false,
      lastFailure: { failure, at: this.now.wall },
      link: { phase: "waiting", until },
    };
    const isNews = attempts === told || (changed && attempts > told);
    if (isNews) this.announce(next, "failed", failure.message);
    this.put(isNews ? noted(next, this.now.wall, failure.message) : next);
    // A failure that a second attempt may cure is reported only after that attempt (STAF-45); any other
    // failure at once.
    const worth = failure.kind === "permanent" ? 1 : 2;
    this.say(
      attempts === worth || (changed && attempts > worth) ? "error" : "debug",
      next,
      `Failed to connect to controller. ${failure.message}` +
        (failure.remedy === undefined ? "" : `; ${failure.remedy}`),
      eventFields("failed", failure.errno === undefined ? {} : { NVME_ERROR: failure.errno }),
    );
    this.remindAt(until, ctl.key);
    this.touch(ctl.key);
  }
}
