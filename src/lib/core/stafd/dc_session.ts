/**
 * stafd's session with a connected discovery controller: register the host, ask for the supported log pages,
 * read the log page, and read it again whenever the controller reports a change (requirements 30).
 */
import { OF_CONTROLLER } from "../fleet/agenda.ts";
import { DISCOVERY_LOG_CHANGED } from "../../nvme/aen.ts";
import type { DiscoveryLog } from "../../nvme/discovery_entry.ts";
import type { Failure, Outcome } from "../../base/failure.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { Tid } from "../../nvme/tid.ts";
import { after, reached } from "../../base/time.ts";
import type { DeviceRef, KernelEvent } from "../../ports.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { StafdEvent } from "../effects.ts";
import type { StafdHost } from "./stafd_host.ts";
import type { Dc, JobKind, Operation } from "./stafd_state.ts";
import { retakeReferrals, takePage } from "./page_intake.ts";
import {
  CONNECTED_ECHO,
  GENERATION_LOOK,
  pause,
  READ_RETRY,
  type RetrySchedule,
  ROOM_RETRY,
  SYNC_COALESCE,
} from "../retry.ts";

/** Capability bits of the discovery log in the Supported Log Pages log, and the request bits (Base 2.1). */
const PLEOS = 1 << 17;
const LSP_PLEO = 0x2;
const { sync: SYNC_REMINDER, retry: RETRY_REMINDER, generation: GENERATION_REMINDER } = OF_CONTROLLER;
/** Types of discovery controllers that the host is registered with (STAF-50); empty is unknown. */
const REGISTERS: ReadonlySet<string> = new Set(["ddc", "cdc", ""]);

type Answer = Extract<
  StafdEvent,
  { readonly type: "registered" | "supported-logs" | "log-read" | "generation" }
>;

const started: Operation = { failures: 0, completed: false, failure: undefined, retryAt: undefined };
/**
 * Registering and asking for the supported log pages are optional: an answer or a refusal completes each
 * (STAF-52, STAF-54). A healthy Linux target refuses the second command, which must not look like an error.
 */
const answeredOperation: Operation = { ...started, completed: true };

export class DcSession {
  readonly stafd: StafdHost;

  constructor(stafd: StafdHost) {
    this.stafd = stafd;
  }

  /** The whole sequence from the start. */
  sync(ctl: Ctl, device: KernelCtrl): void {
    // A kernel before 5.18 does not show the type: the kernel port then asks the controller (KRN-45).
    const registers = REGISTERS.has(device.dctype) && ctl.tid.transport === "tcp";
    if (registers) this.#start(ctl, "register");
    else this.#afterRegister(ctl, device);
  }

  /** The same, now or after the command that is under way. */
  resync(ctl: Ctl): void {
    if (ctl.link.phase !== "up") return;
    const dc = this.stafd.dc(ctl.key);
    if (dc.job !== undefined) return this.stafd.putDc(ctl.key, { ...dc, then: "sync" });
    const device = this.stafd.fleet.device(ctl.link.ref);
    if (device !== undefined) this.sync(ctl, device);
  }

  #afterRegister(ctl: Ctl, device: KernelCtrl): void {
    const pleo = this.stafd.state.conf?.pleo.value ?? true;
    if (pleo && device.dctype !== "cdc") return this.#start(ctl, "supported-logs");
    this.stafd.putDc(ctl.key, { ...this.stafd.dc(ctl.key), lsp: 0 });
    this.#start(ctl, "read-log");
  }

  #start(ctl: Ctl, kind: JobKind): void {
    if (ctl.link.phase !== "up") return;
    const { fleet } = this.stafd;
    const dc = this.stafd.dc(ctl.key);
    const op = fleet.op();
    const target: DeviceRef = ctl.link.ref;
    const running = { ...dc, job: { kind, op }, then: dc.then === "sync" ? "nothing" : dc.then } as const;
    const begin = (operation: Operation | undefined): Operation => ({
      ...started,
      failures: operation?.failures ?? 0,
      failure: operation?.failure,
    });
    switch (kind) {
      case "register":
        this.stafd.putDc(ctl.key, { ...running, register: begin(dc.register) });
        return fleet.emit({ do: "register", op, key: ctl.key, target, tid: this.#connectedAs(ctl, target) });
      case "supported-logs":
        this.stafd.putDc(ctl.key, { ...running, supported: begin(dc.supported) });
        return fleet.emit({ do: "supported-logs", op, key: ctl.key, target });
      case "read-log":
        // A reading of the log covers every notification that came before it.
        this.stafd.putDc(ctl.key, { ...running, then: "nothing", readLog: begin(dc.readLog) });
        return fleet.emitFirst({ do: "read-log", op, key: ctl.key, target, lsp: dc.lsp });
      case "generation":
        this.stafd.putDc(ctl.key, running);
        return fleet.emit({ do: "generation", op, key: ctl.key, target });
    }
  }

  /** stafd registers the host NQN that the connection was made with (S13). */
  #connectedAs({ tid }: Ctl, target: DeviceRef): Tid {
    const hostNqn = this.stafd.fleet.device(target)?.hostNqn ?? "";
    return hostNqn === "" || hostNqn === tid.hostNqn ? tid : { ...tid, hostNqn };
  }

  answered(event: Answer): void {
    const ctl = this.stafd.fleet.ctl(event.key);
    const dc = this.stafd.state.dcs.get(event.key);
    if (ctl === undefined || dc?.job?.op !== event.op) return;
    const ended: Dc = { ...dc, job: undefined };
    const device = ctl.link.phase === "up" ? this.stafd.fleet.device(ctl.link.ref) : undefined;
    switch (event.type) {
      case "registered": {
        this.stafd.putDc(ctl.key, { ...ended, register: answeredOperation });
        // A refusal is final (STAF-52), but the log page is read nevertheless.
        if (!event.outcome.ok) {
          this.stafd.fleet.say("warning", ctl, `Registration error. ${event.outcome.failure.message}`);
        }
        if (device !== undefined) this.#afterRegister(ctl, device);
        return;
      }
      case "supported-logs": {
        const failure = event.outcome.ok ? undefined : event.outcome.failure;
        const lsp = event.outcome.ok && (event.outcome.value & PLEOS) !== 0 ? LSP_PLEO : 0;
        this.stafd.putDc(ctl.key, { ...ended, lsp, supported: answeredOperation });
        if (failure !== undefined) {
          // STAF-54: no reason to leave the log page unread.
          this.stafd.fleet.say("debug", ctl, `No supported log pages. ${failure.message}`);
        }
        return this.#start(ctl, "read-log");
      }
      case "log-read":
        this.stafd.putDc(ctl.key, ended);
        if (event.outcome.ok) this.#read(ctl, event.outcome.value);
        else this.#notRead(ctl, event.outcome.failure);
        return;
      case "generation":
        this.stafd.putDc(ctl.key, ended);
        return this.#generation(ctl, event.outcome);
    }
  }

  /** Recovers from a lost notification (L5). */
  #generation(ctl: Ctl, outcome: Outcome<bigint>): void {
    const dc = this.stafd.dc(ctl.key);
    if (!outcome.ok && outcome.failure.kind === "permanent") {
      this.stafd.putDc(ctl.key, { ...dc, noHeader: true });
      this.stafd.fleet.say(
        "info",
        ctl,
        `Cannot check for changes without a notification. ${outcome.failure.message}`,
      );
    } else this.lookLater(ctl.key);
    const isNew = outcome.ok && dc.page !== undefined && String(outcome.value) !== dc.page.genctr;
    if (dc.then !== "nothing") return this.#next(ctl.key);
    if (!isNew) return;
    const text = `generation ${outcome.value}, without a notification`;
    this.stafd.fleet.say("notice", ctl, `The log page has changed: ${text}. Reading it`);
    this.#start(ctl, "read-log");
  }

  /** L5. */
  lookLater(key: string): void {
    if (this.stafd.dc(key).noHeader) return;
    const at = after(this.stafd.now, pause(GENERATION_LOOK, 1, key));
    this.stafd.fleet.remindAt(at, GENERATION_REMINDER + key);
  }

  #read(ctl: Ctl, log: DiscoveryLog): void {
    const { failure, dropped } = takePage(this.stafd, ctl, log);
    for (const { key, failure } of dropped) {
      const other = this.stafd.fleet.ctl(key);
      if (other !== undefined) this.#notRead(other, failure, ROOM_RETRY);
    }
    if (failure !== undefined) return this.#notRead(ctl, failure, ROOM_RETRY);
    this.lookLater(ctl.key);
    this.#next(ctl.key);
  }

  /** There is room now for the entries that were left out of its page. */
  retake(key: string): void {
    const ctl = this.stafd.fleet.ctl(key);
    if (ctl !== undefined) retakeReferrals(this.stafd, ctl);
  }

  #notRead(ctl: Ctl, failure: Failure, pace: RetrySchedule = READ_RETRY): void {
    const { stafd } = this;
    const dc = stafd.dc(ctl.key);
    const failures = (dc.readLog?.failures ?? 0) + 1;
    const retryAt = after(stafd.now, pause(pace, failures, ctl.key));
    stafd.putDc(ctl.key, { ...dc, readLog: { failures, completed: false, failure, retryAt } });
    const level = failures === 1 ? "error" : "debug";
    stafd.fleet.sayOf(ctl, level, `Failed to retrieve log pages. ${failure.message}`);
    stafd.fleet.remindAt(retryAt, RETRY_REMINDER + ctl.key);
    if (dc.then === "sync") this.#next(ctl.key);
  }

  #next(key: string): void {
    const ctl = this.stafd.fleet.ctl(key);
    const dc = this.stafd.dc(key);
    if (ctl === undefined || dc.job !== undefined || dc.then === "nothing") return;
    if (dc.then === "sync") return this.resync(ctl);
    this.#start(ctl, "read-log");
  }

  /** The connection has ended: no command is under way any more, and the page stays (STAF-62). */
  ended(ctl: Ctl): void {
    const dc = this.stafd.state.dcs.get(ctl.key);
    if (dc === undefined) return;
    this.stafd.putDc(ctl.key, {
      ...dc,
      job: undefined,
      then: "nothing",
      live: false,
      back: true,
      noHeader: false,
      toldAt: undefined,
      register: undefined,
      supported: undefined,
      readLog: undefined,
    });
  }

  news(ctl: Ctl, event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void {
    if (ctl.link.phase !== "up") return;
    if (event.type === "aen") {
      this.stafd.fleet.sayOf(ctl, "info", `Received AEN: 0x${event.value.toString(16).padStart(6, "0")}`);
      if (event.value !== DISCOVERY_LOG_CHANGED) return;
      const dc = { ...this.stafd.dc(ctl.key) };
      dc.toldAt ??= this.stafd.now.wall;
      this.stafd.putDc(ctl.key, dc);
      if (dc.job === undefined) return this.#start(ctl, "read-log");
      return this.stafd.putDc(ctl.key, { ...dc, then: dc.then === "sync" ? "sync" : "read-log" });
    }
    if (event.cause !== "connected" && event.cause !== "rediscover") return;
    const { upAt } = this.stafd.dc(ctl.key);
    const echo = event.cause === "connected" && !ctl.link.adopted && upAt !== undefined &&
      !reached(after(upAt, CONNECTED_ECHO), this.stafd.now);
    if (echo) return;
    // The link was lost and is back, whether or not a check had noticed it.
    this.stafd.putDc(ctl.key, { ...this.stafd.dc(ctl.key), back: true });
    this.stafd.fleet.remindBy(after(this.stafd.now, SYNC_COALESCE), SYNC_REMINDER + ctl.key);
  }

  /**
   * Events were lost, perhaps that of a changed page: the controller sends it once, and again only after the
   * page has been read (L1).
   */
  eventsLost(): void {
    for (const ctl of this.stafd.fleet.all()) {
      if (ctl.link.phase !== "up") continue;
      this.stafd.fleet.remindBy(after(this.stafd.now, SYNC_COALESCE), SYNC_REMINDER + ctl.key);
    }
  }

  /** STAF-112: replaces nvme-cli's shadowed rule for discovery controllers that are not ours; not where that is in force. */
  foreign(event: Extract<KernelEvent, { readonly type: "device" | "aen" }>): void {
    const { fleet } = this.stafd;
    const name = event.type === "aen" ? event.device : event.ctrl.device;
    const device = fleet.fleet.devices.get(name);
    const wanted = event.type === "aen"
      ? event.value === DISCOVERY_LOG_CHANGED
      : event.cause === "rediscover";
    if (!wanted || device === undefined || !device.isDc || device.transport === "pcie") return;
    const args = [
      `--device=${device.device}`,
      ...(device.hostTraddr === "" ? [] : [`--host-traddr=${device.hostTraddr}`]),
      ...(device.hostIface === "" ? [] : [`--host-iface=${device.hostIface}`]),
    ];
    fleet.log(
      "info",
      `${device.device} - an event of a discovery controller that is not ours: nvme-cli follows it`,
    );
    fleet.emit({ do: "restart-unit", template: "nvmf-connect", args });
  }

  reminded(key: string): void {
    if (key.startsWith(SYNC_REMINDER)) {
      const ctl = this.stafd.fleet.ctl(key.slice(SYNC_REMINDER.length));
      if (ctl !== undefined) this.resync(ctl);
      return;
    }
    if (key.startsWith(GENERATION_REMINDER)) return this.#look(key.slice(GENERATION_REMINDER.length));
    if (!key.startsWith(RETRY_REMINDER)) return;
    const ctl = this.stafd.fleet.ctl(key.slice(RETRY_REMINDER.length));
    const dc = ctl === undefined ? undefined : this.stafd.state.dcs.get(ctl.key);
    const retryAt = dc?.readLog?.retryAt;
    if (ctl === undefined || dc?.job !== undefined || retryAt === undefined) return;
    if (reached(retryAt, this.stafd.now)) this.#start(ctl, "read-log");
  }

  #look(key: string): void {
    const ctl = this.stafd.fleet.ctl(key);
    const dc = this.stafd.state.dcs.get(key);
    if (ctl?.link.phase !== "up" || dc?.page === undefined || dc.noHeader) return;
    // A command that is under way tells us more, and over a link that is down nothing can be read.
    if (dc.job !== undefined || !dc.live) return this.lookLater(key);
    this.#start(ctl, "generation");
  }

  /**
   * The loss of a link causes no event, and the event of its return may be lost: after a return the log is
   * read again.
   */
  looked(states: ReadonlyMap<string, string>): void {
    for (const ctl of this.stafd.fleet.all()) {
      if (ctl.link.phase !== "up") continue;
      const state = states.get(ctl.link.ref.device);
      const dc = this.stafd.dc(ctl.key);
      if (state === undefined || (state === "live") === dc.live) continue;
      this.stafd.putDc(ctl.key, { ...dc, live: state === "live", back: true });
      if (state === "live") {
        this.stafd.fleet.remindBy(after(this.stafd.now, SYNC_COALESCE), SYNC_REMINDER + ctl.key);
      }
    }
  }
}
