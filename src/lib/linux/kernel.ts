/** The kernel's NVMe over Fabrics behind the core's port. */
import { type AdminCommand, dimCommand, getLogCommand, identifyCommand, LID } from "../nvme/admin_command.ts";
import type { DhchapKeys } from "../nvme/connect_options.ts";
import type { KernelState } from "../nvme/kernel_state.ts";
import type { DiscoveryLog } from "../nvme/discovery_entry.ts";
import { encodeRegistration, TAS } from "../nvme/dim.ts";
import type { Failure, Outcome, Phase } from "../base/failure.ts";
import { decodeLogHeader, LOG_HEADER } from "../nvme/discovery_log.ts";
import { dctypeText, decodeIdentify } from "../nvme/identify.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import type { NamespaceLook } from "../nvme/namespace_look.ts";
import { LogReader } from "../nvme/log_reader.ts";
import { decodeStatus } from "../nvme/status.ts";
import { discoveryLogEntry, SUPPORTED_LOGS_SIZE } from "../nvme/supported_logs.ts";
import type { Tid } from "../nvme/tid.ts";
import type {
  ConnectRequest,
  Deletion,
  DeviceRef,
  Done,
  HostIdentity,
  Kernel,
  KernelEvent,
  KeysTaken,
  Probe,
  Reached,
} from "../ports.ts";
import type { AdminCommands, CommandAnswer } from "./admin.ts";
import { BLOCK_PLACES, claimDevice } from "./block_claim.ts";
import type { BlockUse } from "./block_use.ts";
import { ControllerTypes } from "./controller_types.ts";
import { DeviceEvents } from "./device_events.ts";
import type { Fabrics } from "./fabrics.ts";
import { InterfaceMonitor } from "./interfaces.ts";
import { Limiter } from "./limiter.ts";
import { LARGE_PAGES, THREADS } from "./thread_shares.ts";
import type { Entity } from "./entity.ts";
import type { Ownership } from "./ownership.ts";
import { Reach } from "./reach.ts";
import type { Reactor } from "./reactor.ts";
import type { Sysfs } from "./sysfs.ts";
import { Uevents } from "./uevents.ts";

export interface KernelParts {
  readonly reactor: Reactor;
  readonly sysfs: Sysfs;
  readonly fabrics: Fabrics;
  readonly admin: AdminCommands;
  readonly ownership: Ownership;
  readonly entity: Entity;
  readonly blockUse: BlockUse;
}

const MAX_REMOVALS_WAITING = 8192;
const MAX_LARGE_WAITING = 8192;

export class LinuxKernel implements Kernel {
  readonly #parts: KernelParts;
  readonly #reach: Reach;
  readonly #types: ControllerTypes;
  readonly #removals = new Limiter(THREADS.removals, MAX_REMOVALS_WAITING);
  readonly #largePages = new Limiter(LARGE_PAGES.atOnce, MAX_LARGE_WAITING);
  /** By device: the length of its last discovery log; 0 once it has refused a read beyond the end. */
  readonly #logHints = new Map<string, number>();
  #devices: DeviceEvents | undefined;
  #uevents: Uevents | undefined;
  #watching: { close(): void }[] = [];
  #closed = false;

  constructor(parts: KernelParts) {
    this.#parts = parts;
    this.#reach = new Reach(parts.reactor);
    this.#types = new ControllerTypes((target) => parts.admin.run(target, identifyCommand()));
  }

  watch(sink: (event: KernelEvent) => void): void {
    const { reactor, sysfs, ownership } = this.#parts;
    const emit = (event: KernelEvent): void => {
      if (this.#closed) return;
      if (event.type === "removed") {
        ownership.forgetIfGone(event.device);
        this.#logHints.delete(event.device);
        this.#types.forget(event.device);
      }
      sink(event);
    };
    const devices = new DeviceEvents(
      (device) => this.#read(device),
      (device) => sysfs.holder(device),
      emit,
    );
    this.#devices = devices;
    const interfaces = new InterfaceMonitor(reactor, (table) => emit({ type: "network", interfaces: table }));
    this.#uevents = new Uevents(reactor, devices);
    this.#watching = [this.#uevents, devices, interfaces];
    queueMicrotask(() => emit({ type: "network", interfaces: interfaces.first }));
  }

  scan(done: Done<readonly KernelCtrl[]>): void {
    void this.#scan().then(done);
  }

  async #scan(): Promise<Outcome<readonly KernelCtrl[]>> {
    const all = await this.#parts.sysfs.readAll();
    if (!all.ok) return all;
    return { ok: true, value: await Promise.all(all.value.map((ctrl) => this.#types.told(ctrl))) };
  }

  async #read(device: string): Promise<Outcome<KernelCtrl>> {
    const read = await this.#parts.sysfs.read(device);
    return read.ok ? { ok: true, value: await this.#types.told(read.value) } : read;
  }

  states(devices: readonly string[], done: (states: ReadonlyMap<string, KernelState>) => void): void {
    queueMicrotask(() => done(this.#parts.sysfs.states(devices)));
  }

  reach(tid: Tid, { timeout, asks }: Probe, done: Done<Reached>): void {
    void this.#reach.test(tid, timeout, asks).then(done);
  }

  connect(request: ConnectRequest, free: () => void, done: Done<KernelCtrl>): void {
    const over = this.#uevents?.connecting();
    const handOver = (): void => {
      free();
      over?.();
    };
    const made = this.#parts.fabrics.connect(request, handOver, (device) => this.#readMade(device));
    void made.then((outcome) => {
      over?.();
      done(outcome);
    });
  }

  /**
   * A connection that was just made. The attributes read after the kernel's `connected` event need not be
   * read again: that event is the last one, and this incarnation is not older than our connect.
   */
  async #readMade(device: string): Promise<Outcome<KernelCtrl>> {
    const { sysfs } = this.#parts;
    const known = await this.#devices?.lastConnected(device);
    return known !== undefined && known.incarnation === sysfs.holder(device)
      ? { ok: true, value: known }
      : await this.#read(device);
  }

  lookAtUse(target: DeviceRef, done: Done<readonly NamespaceLook[]>): void {
    void this.#parts.blockUse.look(target.device).then(done);
  }

  disconnect(target: DeviceRef, claims: readonly string[], done: Done<Deletion>): void {
    void this.#removals.run(() => this.#disconnect(target, claims)).then((outcome) =>
      done(outcome ?? { ok: false, failure: tooManyRemovals(target.device) })
    );
  }

  async #disconnect(target: DeviceRef, heads: readonly string[]): Promise<Outcome<Deletion>> {
    const claims: Disposable[] = [];
    try {
      for (const head of heads) {
        const claimed = await claimDevice(head, BLOCK_PLACES);
        if (!claimed.ok) return { ok: true, value: { inUse: claimed.why } };
        claims.push(claimed.claim);
      }
      return await this.#parts.sysfs.delete(target.device, target.incarnation);
    } finally {
      for (const claim of claims) claim[Symbol.dispose]();
    }
  }

  writeKeys({ device, incarnation }: DeviceRef, keys: DhchapKeys, dry: boolean, done: Done<KeysTaken>): void {
    void this.#parts.sysfs.writeKeys(device, incarnation, keys, dry).then(done);
  }

  register(target: DeviceRef, tid: Tid, host: HostIdentity, done: Done<void>): void {
    void this.#register(target, tid, host).then(done);
  }

  supportedLogs(target: DeviceRef, done: Done<number>): void {
    void this.#supportedLogs(target).then(done);
  }

  discoveryLog(target: DeviceRef, lsp: number, done: Done<DiscoveryLog>): void {
    void this.#discoveryLog(target, lsp).then(done);
  }

  generation(target: DeviceRef, done: Done<bigint>): void {
    void this.#generation(target).then(done);
  }

  own(device: string, owned: boolean): void {
    this.#parts.ownership.own(device, owned);
  }

  /** Stops watching. Operations under way are not cancelled: a connect cannot be cancelled. */
  close(): void {
    this.#closed = true;
    for (const watching of this.#watching) watching.close();
    this.#watching = [];
  }

  async #register(target: DeviceRef, tid: Tid, host: HostIdentity): Promise<Outcome<void>> {
    const wanted = await this.#wantsRegistration(target);
    if (!wanted.ok || !wanted.value) return wanted.ok ? { ok: true, value: undefined } : wanted;
    const { hostName, version } = this.#parts.entity;
    const data = encodeRegistration({ tid, hostId: host.id, symname: host.symname, hostName, version });
    if (!data.ok) {
      return { ok: false, failure: { phase: "register", kind: "permanent", message: data.problem } };
    }
    const answer = await this.#parts.admin.run(
      target,
      dimCommand(TAS.register, data.value.length),
      data.value,
    );
    return answer.kind === "done"
      ? { ok: true, value: undefined }
      : refused("register", "cannot register this host", answer);
  }

  /**
   * KRN-45: kernels before 5.18 do not show the type of a discovery controller; then the controller is asked.
   */
  async #wantsRegistration(target: DeviceRef): Promise<Outcome<boolean>> {
    const shown = this.#parts.sysfs.attribute(target.device, "dctype");
    if (shown !== undefined && shown !== "") return { ok: true, value: shown === "ddc" || shown === "cdc" };
    const answer = await this.#parts.admin.run(target, identifyCommand());
    if (answer.kind !== "done") return refused("register", "cannot identify the controller", answer);
    const identify = decodeIdentify(answer.data);
    if (!identify.ok) return malformed("register", identify.problem);
    const type = dctypeText(identify.value.dctype);
    return { ok: true, value: type === "ddc" || type === "cdc" };
  }

  async #supportedLogs(target: DeviceRef): Promise<Outcome<number>> {
    const phase = "supported-logs";
    const command = getLogCommand({
      lid: LID.supported,
      lsp: 0,
      rae: false,
      offset: 0,
      length: SUPPORTED_LOGS_SIZE,
    });
    const answer = await this.#parts.admin.run(target, command);
    if (answer.kind !== "done") return refused(phase, "cannot read the supported log pages", answer);
    const entry = discoveryLogEntry(answer.data);
    return entry.ok ? { ok: true, value: entry.value } : malformed(phase, entry.problem);
  }

  async #generation(target: DeviceRef): Promise<Outcome<bigint>> {
    const command = getLogCommand({ lid: LID.discovery, lsp: 0, rae: true, offset: 0, length: LOG_HEADER });
    const answer = await this.#parts.admin.run(target, command);
    if (answer.kind !== "done") {
      return refused("read-log", "cannot read the header of the discovery log", answer);
    }
    const header = decodeLogHeader(answer.data);
    return header.ok ? { ok: true, value: header.value.genctr } : malformed("read-log", header.problem);
  }

  async #discoveryLog(target: DeviceRef, lsp: number): Promise<Outcome<DiscoveryLog>> {
    const reader = new LogReader({ lsp, hint: this.#logHints.get(target.device) });
    const begun = await this.#readLog(target, reader, () => reader.left > LARGE_PAGES.bytes);
    if (begun !== undefined) return begun;
    // Each keeps its entries until its end: large pages are read a few at a time, and none keeps its place
    // for long.
    const rest = await this.#largePages.run(() => {
      const end = performance.now() + LARGE_PAGES.time.ms;
      return this.#readLog(target, reader, () => performance.now() > end);
    });
    const message = `its log page of ${reader.hint} bytes was not read in ${LARGE_PAGES.time.ms / 1000} s`;
    return rest ?? { ok: false, failure: { phase: "read-log", kind: "transient", message } };
  }

  /** The page, or undefined when the reading was interrupted. */
  async #readLog(
    target: DeviceRef,
    reader: LogReader,
    interrupts: () => boolean,
  ): Promise<Outcome<DiscoveryLog> | undefined> {
    while (!interrupts()) {
      const command: AdminCommand = getLogCommand(reader.command);
      const answer = await this.#parts.admin.run(target, command);
      const progress = reader.feed(
        answer.kind === "done"
          ? { type: "data", bytes: answer.data }
          : answer.kind === "status"
          ? { type: "status", status: answer.status }
          : { type: "errno", errno: answer.gone ? "ENODEV" : answer.errno ?? "EIO" },
      );
      if (progress.type === "done") {
        if (this.#logHints.get(target.device) !== 0) this.#logHints.set(target.device, reader.hint);
        return { ok: true, value: progress.log };
      }
      if (progress.type === "more") continue;
      // The reader knows only the number; the answer has the text.
      return answer.kind === "done"
        ? { ok: false, failure: progress.failure }
        : refused("read-log", "cannot read the discovery log", answer);
    }
    return undefined;
  }
}

/** The failure of a command that was not carried out, or that the controller refused. */
function refused(
  phase: Phase,
  what: string,
  answer: Exclude<CommandAnswer, { kind: "done" }>,
): { readonly ok: false; readonly failure: Failure } {
  if (answer.kind === "status") {
    const kind = decodeStatus(answer.status).dnr ? "permanent" : "transient";
    return { ok: false, failure: { phase, kind, status: answer.status, message: `${what}: ${answer.text}` } };
  }
  return {
    ok: false,
    failure: {
      phase,
      kind: answer.gone ? "gone" : "transient",
      ...(answer.errno === undefined ? {} : { errno: answer.errno }),
      message: `${what}: ${answer.message}`,
    },
  };
}

const malformed = (phase: Phase, message: string): { readonly ok: false; readonly failure: Failure } => ({
  ok: false,
  failure: { phase, kind: "transient", message },
});

const tooManyRemovals = (device: string): Failure => ({
  phase: "disconnect",
  kind: "transient",
  message: `${device} was not disconnected: ${MAX_REMOVALS_WAITING} other removals are waiting`,
});
