/** The host's NVMe over Fabrics in the simulated world: one kernel, and a port for each process that uses it. */
import type { DhchapKeys } from "../nvme/connect_options.ts";
import type { KernelState } from "../nvme/kernel_state.ts";
import type { DiscoveryLog } from "../nvme/discovery_entry.ts";
import { connectRemedy } from "../nvme/errno.ts";
import type { Failure, Outcome, Phase } from "../base/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import type { NamespaceLook } from "../nvme/namespace_look.ts";
import type { Tid } from "../nvme/tid.ts";
import { milliseconds } from "../base/time.ts";
import {
  type ConnectRequest,
  type Deletion,
  type DeviceRef,
  type Done,
  type HostIdentity,
  type Kernel,
  type KernelEvent,
  type KeysTaken,
  NO_NVME_TCP,
  type Probe,
  type Reached,
} from "../ports.ts";
import { Connecting } from "./connecting.ts";
import { type Device, Devices } from "./devices.ts";
import type { Discovery } from "./discovery.ts";
import type { Fabric } from "./fabric.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** A page as it was really read, for checks to compare with. */
export interface ReadPage {
  readonly reader: string;
  readonly device: Device;
  readonly log: DiscoveryLog;
}

/** Probabilities of faults in commands. */
export interface CommandChaos {
  scanFails: number;
  deleteBusy: number;
  /** Just before a device is deleted, its number is given to another program's device. */
  swapBeforeDelete: number;
  commandFails: number;
  /** A call never returns. */
  hangs: number;
  /** The shortest and longest time that the kernel takes to delete a controller. */
  deleteMs: readonly [low: number, high: number];
}

export const calmCommands = (): CommandChaos => ({
  scanFails: 0,
  deleteBusy: 0,
  swapBeforeDelete: 0,
  commandFails: 0,
  hangs: 0,
  deleteMs: [5, 55],
});

export class SimKernel {
  readonly devices: Devices;
  readonly connecting: Connecting;
  /** Connect options that the kernel accepts. */
  get support(): ReadonlySet<string> {
    return this.devices.release.support;
  }

  readonly chaos = calmCommands();
  readonly time: Scheduler;
  readonly random: Random;
  readonly fabric: Fabric;
  /**
   * Does the kernel begin the next connect before the maker of this connection learns its name, `heard` milliseconds
   * later?
   */
  overtakes: (heard: number) => boolean = (heard) => heard >= 10;
  /** Makes another program's connection, which takes the number of a device that is swapped before its deletion. */
  swap: (device: Device) => void = () => undefined;
  wasRead: (page: ReadPage) => void = () => undefined;
  /** Called before a daemon deletes a controller. */
  deletes: (who: string, device: Device) => void = () => undefined;
  /** Called when only the generation of a page is read. */
  generationRead: () => void = () => undefined;

  constructor(time: Scheduler, random: Random, fabric: Fabric) {
    this.time = time;
    this.random = random;
    this.fabric = fabric;
    this.devices = new Devices(time, random, fabric);
    this.connecting = new Connecting(time, random, fabric, this.devices);
  }

  /** Calls that do not return. */
  readonly stuck: (() => void)[] = [];

  /** Deletes a controller at once, like another program's `nvme disconnect`. */
  deleteNow(device: Device): void {
    this.devices.remove(device);
  }
}

function fail(phase: Phase, errno: string, message: string, kind: Failure["kind"] = "transient") {
  const remedy = connectRemedy(errno);
  const more = remedy === undefined ? {} : { remedy };
  return { ok: false, failure: { phase, kind, errno, message: `${message} (${errno})`, ...more } } as const;
}

/** One process's view of the kernel. After {@link close} it receives nothing more; operations that it began go on. */
export class KernelPort implements Kernel {
  readonly #kernel: SimKernel;
  readonly #who: string;
  #closed = false;
  #unlisten: () => void = () => undefined;

  constructor(kernel: SimKernel, who: string) {
    this.#kernel = kernel;
    this.#who = who;
  }

  close(): void {
    this.#closed = true;
    this.#unlisten();
  }

  #after<T>(ms: number, done: (value: T) => void, make: () => T): void {
    if (this.#kernel.random.maybe(this.#kernel.chaos.hangs)) {
      this.#kernel.stuck.push(() => {
        const value = make();
        if (!this.#closed) done(value);
      });
      return;
    }
    this.#kernel.time.in(milliseconds(ms), () => {
      const value = make();
      if (!this.#closed) done(value);
    });
  }

  #soon(): number {
    return this.#kernel.random.between(1, 8);
  }

  watch(sink: (event: KernelEvent) => void): void {
    const hear = (event: KernelEvent) => {
      if (!this.#closed) sink(event);
    };
    this.#unlisten = this.#kernel.devices.listen(hear);
    this.#kernel.devices.tellNetwork(hear);
  }

  scan(done: Done<readonly KernelCtrl[]>): void {
    const { devices, random, chaos } = this.#kernel;
    // The folder is read first, then one device after the other: the list is a little old when it arrives.
    this.#kernel.time.in(milliseconds(this.#soon()), () => {
      const list = devices.all.map((device) => devices.view(device));
      const failing = random.chance(chaos.scanFails);
      this.#after<Outcome<readonly KernelCtrl[]>>(
        this.#soon(),
        done,
        () => failing ? fail("scan", "EIO", "cannot read /sys/class/nvme") : { ok: true, value: list },
      );
    });
  }

  states(names: readonly string[], done: (states: ReadonlyMap<string, KernelState>) => void): void {
    this.#after<ReadonlyMap<string, KernelState>>(this.#soon(), done, () => {
      const states = new Map<string, KernelState>();
      for (const name of names) {
        const device = this.#kernel.devices.get(name);
        if (device !== undefined) states.set(name, device.state);
      }
      return states;
    });
  }

  reach(tid: Tid, { timeout, asks }: Probe, done: Done<Reached>): void {
    const { fabric, random } = this.#kernel;
    const route = fabric.route(tid.traddr, tid.hostIface, tid.hostTraddr);
    if (!route.ok) {
      return this.#after<Outcome<Reached>>(
        1,
        done,
        () => fail("reach", route.errno, `cannot reach ${tid.traddr}`),
      );
    }
    const there = fabric.at(tid.transport, tid.traddr, tid.trsvcid);
    if (tid.transport !== "tcp") {
      // No neighbour has the address. Only the connect shows whether a neighbour speaks RDMA.
      const isNobody = tid.transport === "rdma" && there.length === 0;
      const text = `no neighbour has ${tid.traddr}`;
      return this.#after<Outcome<Reached>>(
        isNobody ? timeout.ms : 1,
        done,
        () => isNobody ? fail("reach", "EHOSTUNREACH", text) : { ok: true, value: "untested" },
      );
    }
    const listening = there.some(({ manner }) => manner !== "silent" && manner !== "closed");
    const answers = there.some(({ manner }) => !["silent", "closed", "mute"].includes(manner));
    if (listening && asks && !answers) {
      const text = `${tid.traddr} accepts connections but does not answer as an NVMe/TCP target: no answer`;
      return this.#after<Outcome<Reached>>(timeout.ms, done, () => fail("reach", NO_NVME_TCP, text));
    }
    if (listening) {
      const ms = random.between(1, 20);
      return this.#after<Outcome<Reached>>(ms, done, () => ({ ok: true, value: undefined }));
    }
    const closed = there.some(({ manner }) => manner === "closed");
    this.#after<Outcome<Reached>>(
      closed ? 1 : timeout.ms,
      done,
      () => fail("reach", closed ? "ECONNREFUSED" : "ETIMEDOUT", `${tid.traddr} does not answer`),
    );
  }

  connect(request: ConnectRequest, free: () => void, done: Done<KernelCtrl>): void {
    const { connecting, random } = this.#kernel;
    connecting.begin(request, this.#who, (outcome) => {
      const heard = random.between(0, 10);
      if (!outcome.ok) return this.#after(heard, done, () => outcome);
      this.#after(heard, free, () => undefined);
      const read = random.between(0, 40);
      if (!this.#kernel.overtakes(heard)) return this.#after(heard + read, done, () => outcome);
      // The kernel cannot name this connection before it has made the next one.
      const late = (): void => this.#after(read, done, () => this.#readBack(outcome.value.device));
      this.#kernel.time.in(milliseconds(heard), () => connecting.afterRunning(late));
    });
  }

  /** The call returns only the number: read the controller that has it by now. */
  #readBack(device: string): Outcome<KernelCtrl> {
    const { devices } = this.#kernel;
    const now = devices.get(device);
    return now === undefined
      ? fail("connect", "ENOENT", `connected as ${device}, but ${device} does not exist any more`)
      : { ok: true, value: devices.view(now) };
  }

  /** A connect of this process is in the kernel or waits for it: the process cannot end before the connect does. */
  get stuck(): boolean {
    return this.#kernel.connecting.holds(this.#who);
  }

  lookAtUse(target: DeviceRef, done: Done<readonly NamespaceLook[]>): void {
    const { devices } = this.#kernel;
    this.#after<Outcome<readonly NamespaceLook[]>>(this.#soon(), done, () => {
      const device = devices.get(target.device);
      const nqn = device?.target?.nqn;
      if (device?.incarnation !== target.incarnation || nqn === undefined || !device.complete) {
        return { ok: true, value: [] };
      }
      return { ok: true, value: [devices.namespaces.look(nqn, devices.all)] };
    });
  }

  disconnect(target: DeviceRef, claims: readonly string[], done: Done<Deletion>): void {
    const { namespaces } = this.#kernel.devices;
    const held: (() => void)[] = [];
    const release = (): void => {
      for (const end of held.splice(0)) end();
    };
    for (const head of claims) {
      const claim = namespaces.claim(head);
      if (typeof claim === "string") {
        release();
        return this.#after<Outcome<Deletion>>(1, done, () => ({ ok: true, value: { inUse: claim } }));
      }
      held.push(claim);
    }
    this.#delete(target, (outcome) => {
      release();
      done(outcome);
    });
  }

  #delete(target: DeviceRef, done: Done<Deletion>): void {
    const { devices, chaos, random } = this.#kernel;
    const victim = devices.get(target.device);
    if (victim !== undefined && random.chance(chaos.swapBeforeDelete)) this.#kernel.swap(victim);
    const device = devices.get(target.device);
    if (device === undefined || device.incarnation !== target.incarnation) {
      return this.#after<Outcome<"gone">>(1, done, () => ({ ok: true, value: "gone" }));
    }
    // Before it has been live once, it cannot be deleted.
    if (random.chance(chaos.deleteBusy) || (device.transport === "fc" && !device.started)) {
      return this.#after<Outcome<"gone">>(
        5,
        done,
        () => fail("disconnect", "EBUSY", `cannot delete ${device.name}`),
      );
    }
    this.#kernel.deletes(this.#who, device);
    device.state = "deleting";
    this.#kernel.time.in(milliseconds(random.between(...chaos.deleteMs)), () => {
      devices.remove(device);
      this.#after<Outcome<"deleted">>(random.between(0, 5), done, () => ({ ok: true, value: "deleted" }));
    });
  }

  /** Runs a command on a discovery controller; a link that is down delays the command and then makes it fail. */
  #command<T>(
    phase: Phase,
    target: DeviceRef,
    ms: number,
    done: Done<T>,
    run: (discovery: Discovery, device: Device) => Outcome<T>,
  ): void {
    const { devices, random, chaos } = this.#kernel;
    const find = (): Device | undefined => {
      const device = devices.get(target.device);
      return device?.incarnation === target.incarnation ? device : undefined;
    };
    const gone = () => fail(phase, "ENODEV", `${target.device} is gone`, "gone");
    const device = find();
    if (device === undefined) return this.#after<Outcome<T>>(1, done, gone);
    if (device.state !== "live") {
      return this.#after<Outcome<T>>(1, done, () => fail(phase, "EAGAIN", `${target.device} is not live`));
    }
    const failing = random.chance(chaos.commandFails);
    const late = devices.linked(device) ? ms : 30_000;
    this.#after<Outcome<T>>(late, done, () => {
      const now = find();
      if (now === undefined) return gone();
      const discovery = now.target?.discovery;
      if (failing || now.state !== "live" || !devices.linked(now) || discovery === undefined) {
        return fail(phase, "EINTR", `the command to ${target.device} got lost`);
      }
      return run(discovery, now);
    });
  }

  writeKeys(target: DeviceRef, { hostKey, ctrlKey }: DhchapKeys, dry: boolean, done: Done<KeysTaken>): void {
    const { devices } = this.#kernel;
    this.#after<Outcome<KeysTaken>>(this.#soon(), done, () => {
      const device = devices.get(target.device);
      if (device?.incarnation !== target.incarnation) {
        return fail("connect", "ENODEV", `${target.device} is gone`);
      }
      const lacksOne = (hostKey !== undefined && device.made?.dhchap !== true) ||
        (ctrlKey !== undefined && device.made?.dhchapCtrl !== true);
      // The kernel takes a key only in place of another one.
      if (lacksOne) return fail("connect", "EINVAL", `${target.device} was connected without that key`);
      const isOther = hostKey !== undefined && hostKey.reveal() !== device.secret;
      const isOtherCtrl = ctrlKey !== undefined && ctrlKey.reveal() !== device.ctrlSecret;
      if (isOther && isOtherCtrl) return { ok: true, value: "both" };
      if (!isOther && !isOtherCtrl) return { ok: true, value: "same" };
      if (dry) return { ok: true, value: "taken" };
      devices.authenticate(device, hostKey?.reveal(), ctrlKey?.reveal());
      return { ok: true, value: "taken" };
    });
  }

  register(target: DeviceRef, _tid: Tid, host: HostIdentity, done: Done<void>): void {
    this.#command<void>("register", target, this.#soon(), done, (discovery) => {
      if (discovery.refusesRegistration) {
        return {
          ok: false,
          failure: { phase: "register", kind: "permanent", status: 0x4002, message: "refused" },
        };
      }
      discovery.registered.push(host.nqn);
      return { ok: true, value: undefined };
    });
  }

  supportedLogs(target: DeviceRef, done: Done<number>): void {
    this.#command<number>(
      "supported-logs",
      target,
      this.#soon(),
      done,
      ({ supported }) =>
        supported === undefined
          ? {
            ok: false,
            failure: {
              phase: "supported-logs",
              kind: "permanent",
              status: 0x4001,
              message: "invalid opcode",
            },
          }
          : { ok: true, value: supported },
    );
  }

  discoveryLog(target: DeviceRef, _lsp: number, done: Done<DiscoveryLog>): void {
    const device = this.#kernel.devices.get(target.device);
    const ms = device?.target?.discovery?.readMs ?? 1;
    this.#command<DiscoveryLog>("read-log", target, ms, done, (discovery, read) => {
      if (discovery.torn > 0) {
        discovery.torn--;
        return fail("read-log", "EAGAIN", "cannot read the discovery log: it changed while it was read");
      }
      const { genctr, entries } = discovery.page;
      // The closing read of the header arms the event again.
      read.armed = true;
      const log: DiscoveryLog = { genctr, entries };
      if (!this.#closed) this.#kernel.wasRead({ reader: this.#who, device: read, log });
      return { ok: true, value: log };
    });
  }

  generation(target: DeviceRef, done: Done<bigint>): void {
    this.#kernel.generationRead();
    this.#command<bigint>("read-log", target, this.#soon(), done, (discovery) =>
      discovery.refusesHeader
        ? {
          ok: false,
          failure: { phase: "read-log", kind: "permanent", status: 0x4002, message: "invalid field" },
        }
        : { ok: true, value: discovery.page.genctr });
  }

  own(name: string, owned: boolean): void {
    const device = this.#kernel.devices.get(name);
    if (device === undefined) return;
    if (owned) device.ownedBy = "stas";
    else if (device.ownedBy === "stas") device.ownedBy = "";
  }
}
