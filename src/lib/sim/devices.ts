/** The controllers in the host's kernel, their life cycle and their events. */
import { isDiscoveryChange } from "../nvme/aen.ts";
import type { KernelCtrl, MadeWith } from "../nvme/kernel_ctrl.ts";
import { classify, isUntold } from "../nvme/match.ts";
import { kernelCtrlFromSysfs } from "../nvme/sysfs_ctrl.ts";
import { milliseconds, seconds } from "../base/time.ts";
import type { KernelEvent } from "../ports.ts";
import type { Fabric, Target } from "./fabric.ts";
import { Namespaces } from "./namespaces.ts";
import type { Random } from "./random.ts";
import { NEWEST, Release } from "./release.ts";
import type { Scheduler } from "./scheduler.ts";
import { type StorageSettings, usualStorage } from "./storage.ts";
import { sysfsOf } from "./sysfs.ts";

const AEN = 0x70f002;

/** The options of a connection. */
export interface DeviceSpec {
  readonly transport: string;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  readonly hostNqn: string;
  readonly hostId: string;
  /** The requested NQN, when it is not the target's own. */
  readonly asked?: string;
  /** Undefined for a local (PCIe) device. */
  readonly target: Target | undefined;
  /** Its maker: `stafd`, `stacd`, or another program. */
  readonly maker: string;
  /** Name in the registry of owners. */
  readonly owner: string;
  readonly ctrlLossTmoMs: number;
  /** The options that sysfs shows; absent: without TLS and keys. */
  readonly made?: Partial<MadeWith>;
}

const PLAIN: MadeWith = {
  tls: "none",
  dhchap: false,
  dhchapCtrl: false,
  kato: undefined,
  ctrlLossTmo: undefined,
  reconnectDelay: undefined,
  queueSize: undefined,
  ioQueues: undefined,
};

/** The interval of attempts to restore its link, and their time limit. */
const lossOf = ({ ctrlLossTmoMs }: DeviceSpec): Partial<MadeWith> => ({
  reconnectDelay: RECONNECT.ms / 1000,
  ctrlLossTmo: ctrlLossTmoMs === Infinity ? -1 : ctrlLossTmoMs / 1000,
});

export interface Device extends DeviceSpec {
  readonly name: string;
  readonly incarnation: number;
  readonly bornAt: number;
  state: "new" | "connecting" | "live" | "deleting";
  /** All attributes are in sysfs: only once it has been live. */
  complete: boolean;
  ownedBy: string;
  source: string;
  /** Its source address when it was up last; the kernel shows it only then. */
  lastSource: string;
  /** ANA state of its namespace; empty without ANA. */
  anaState: string;
  /** The key that the host authenticates with; undefined without authentication. */
  secret: string | undefined;
  ctrlSecret: string | undefined;
  /** How often it has authenticated since the connect. */
  authenticated: number;
  /** Since when the link is lost. */
  lostAt: number | undefined;
  /** A change of the log page causes an event. */
  armed: boolean;
  /** It has been live: its next return is a `rediscover`. */
  started: boolean;
}

/** Faults between kernel and listener, as probabilities and spans. */
export interface KernelChaos {
  /** An event is lost, and with it the next few. */
  eventLoss: number;
  /** An event is lost without any notice of the loss. */
  silentLoss: number;
  /** An AEN is lost on its way: the controller has sent it, and sends no other before its page is read. */
  aenLoss: number;
  /** Longest delay of an event. */
  eventDelayMs: number;
  /** An AEN comes twice. */
  aenTwice: number;
  aenDelayMs: number;
}

export const calmKernel = (): KernelChaos => ({
  eventLoss: 0,
  silentLoss: 0,
  aenLoss: 0,
  eventDelayMs: 2,
  aenTwice: 0,
  aenDelayMs: 0,
});

type Listener = (event: KernelEvent) => void;

interface Ear {
  readonly hear: Listener;
  closed: boolean;
  lastAt: number;
  dropping: number;
}

/** The time from losing a link to noticing it, and between attempts to restore it. */
const NOTICE_MS = 2_000;
const RECONNECT = seconds(10);

export class Devices {
  readonly chaos = calmKernel();
  readonly namespaces = new Namespaces();
  readonly storage: StorageSettings = usualStorage();
  release = new Release(NEWEST);
  readonly #table = new Map<string, Device>();
  readonly #time: Scheduler;
  readonly #random: Random;
  readonly #fabric: Fabric;
  readonly #ears: Ear[] = [];
  #incarnations = 100;
  /** Called at once for every device made or removed: for stories and checks. */
  witness: (what: "made" | "removed", device: Device) => void = () => undefined;

  constructor(time: Scheduler, random: Random, fabric: Fabric) {
    this.#time = time;
    this.#random = random;
    this.#fabric = fabric;
    fabric.watch(() => this.linksChanged());
  }

  get all(): readonly Device[] {
    return [...this.#table.values()];
  }

  get(name: string): Device | undefined {
    return this.#table.get(name);
  }

  // --- events --------------------------------------------------------------------------------------------------------

  listen(hear: Listener): () => void {
    const ear: Ear = { hear, closed: false, lastAt: 0, dropping: 0 };
    this.#ears.push(ear);
    return () => {
      ear.closed = true;
      this.#ears.splice(this.#ears.indexOf(ear), 1);
    };
  }

  /**
   * The contents of the event are looked up on arrival, as the real listener does; for a device that is gone by then
   * there is no event.
   */
  #announce(make: () => KernelEvent | undefined): void {
    for (const ear of [...this.#ears]) {
      if (ear.dropping === 0 && this.#random.chance(this.chaos.eventLoss)) {
        ear.dropping = this.#random.between(1, 4);
        this.#later(ear, () => {
          ear.dropping = 0;
          return { type: "overflow" };
        }, this.#random.between(10, 400));
      }
      if (ear.dropping > 0 || this.#random.maybe(this.chaos.silentLoss)) continue;
      this.#later(ear, make, this.#random.between(0, this.chaos.eventDelayMs));
    }
  }

  /** All listeners miss the events from now on, and learn of the loss after a while. */
  loseEvents(ms: number): void {
    for (const ear of this.#ears) {
      if (ear.dropping > 0) continue;
      ear.dropping = 1;
      this.#later(ear, () => {
        ear.dropping = 0;
        return { type: "overflow" };
      }, ms);
    }
  }

  #later(ear: Ear, make: () => KernelEvent | undefined, delayMs: number): void {
    ear.lastAt = Math.max(ear.lastAt, this.#time.now.mono + delayMs);
    this.#time.in(milliseconds(ear.lastAt - this.#time.now.mono), () => {
      const event = ear.closed ? undefined : make();
      if (event !== undefined) ear.hear(event);
    });
  }

  #tell(device: Device, cause: "add" | "connected" | "rediscover" | "change"): void {
    this.#announce(() => {
      const now = this.#table.get(device.name);
      return now === undefined ? undefined : { type: "device", cause, ctrl: this.view(now) };
    });
  }

  /** Reports changed interfaces to all listeners, or at the start to the given one. */
  tellNetwork(hear?: Listener): void {
    const event: KernelEvent = { type: "network", interfaces: this.#fabric.interfaces };
    if (hear !== undefined) this.#time.in(milliseconds(1), () => hear(event));
    else this.#announce(() => event);
  }

  // --- life ----------------------------------------------------------------------------------------------------------

  /** The lowest free number, as the kernel does: numbers come back soon. */
  #freeName(): string {
    for (let n = 0;; n++) if (!this.#table.has(`nvme${n}`)) return `nvme${n}`;
  }

  make(spec: DeviceSpec): Device {
    const device: Device = {
      ...spec,
      name: this.#freeName(),
      incarnation: this.#incarnations++,
      bornAt: this.#time.now.mono,
      state: "new",
      complete: false,
      ownedBy: spec.owner,
      source: "",
      lastSource: "",
      anaState: spec.target?.anaState ?? "",
      secret: undefined,
      ctrlSecret: undefined,
      authenticated: 0,
      lostAt: undefined,
      armed: false,
      started: false,
    };
    this.#table.set(device.name, device);
    this.witness("made", device);
    this.#tell(device, "add");
    return device;
  }

  /** The connection works (again). */
  live(device: Device): void {
    if (this.#table.get(device.name) !== device || device.state === "deleting") return;
    const route = this.#routeOf(device);
    device.state = "live";
    device.source = device.transport === "tcp" && route.ok ? route.source : "";
    device.lastSource = device.source;
    device.lostAt = undefined;
    device.armed = true;
    device.complete = true;
    if (device.started && device.target?.discovery !== undefined && this.release.has("rediscover")) {
      this.#tell(device, "rediscover");
    }
    device.started = true;
    if (this.release.has("connected")) this.#tell(device, "connected");
  }

  remove(device: Device): void {
    if (this.#table.get(device.name) !== device) return;
    this.#table.delete(device.name);
    this.witness("removed", device);
    const { name } = device;
    this.#announce(() => ({ type: "removed", device: name, now: this.#table.get(name)?.incarnation }));
  }

  /** The page of a discovery service changed: each armed controller reports it, once until its next reading. */
  pageChanged(target: Target): void {
    for (const device of this.#table.values()) {
      if (device.target !== target || device.state !== "live" || !device.armed) continue;
      device.armed = false;
      if (this.#random.maybe(this.chaos.aenLoss)) continue;
      const tell = () => {
        if (this.#table.get(device.name) !== device) return;
        this.#announce(() => ({ type: "aen", device: device.name, value: AEN }));
      };
      this.#time.in(milliseconds(this.#random.between(0, this.chaos.aenDelayMs)), tell);
      if (this.#random.chance(this.chaos.aenTwice)) {
        this.#time.in(milliseconds(this.#random.between(0, this.chaos.aenDelayMs + 500)), tell);
      }
    }
  }

  /** An event without any change. */
  stir(device: Device): void {
    this.#tell(device, "change");
  }

  /** An event that does not concern the discovery log. */
  otherAen(device: Device, value: number): void {
    if (isDiscoveryChange(value)) throw new Error("that one is made by a change of the page");
    this.#announce(() => ({ type: "aen", device: device.name, value }));
  }

  #routeOf(device: Device): ReturnType<Fabric["route"]> {
    return this.#fabric.route(device.traddr, device.hostIface, device.hostTraddr);
  }

  /** The other end can be reached and answers. */
  linked(device: Device): boolean {
    return device.target === undefined || (device.target.manner === "up" && this.#routeOf(device).ok);
  }

  /** Losing a link causes no event; the kernel notices after a while and tries by itself to restore it. */
  linksChanged(): void {
    for (const device of this.#table.values()) {
      if (device.state !== "live" || this.linked(device)) continue;
      this.#time.in(milliseconds(this.#random.between(100, NOTICE_MS)), () => this.#linkLost(device));
    }
  }

  #linkLost(device: Device): void {
    if (this.#table.get(device.name) !== device || device.state !== "live" || this.linked(device)) return;
    this.reset(device);
  }

  /** With a key that the target does not know, the target ends the connection. */
  authenticate(device: Device, secret: string | undefined, ctrlSecret: string | undefined): void {
    device.secret = secret ?? device.secret;
    device.ctrlSecret = ctrlSecret ?? device.ctrlSecret;
    device.authenticated++;
    const isKnown = device.target?.secret === undefined || device.target.secret === device.secret;
    if (isKnown || device.state !== "live") return;
    this.#time.in(milliseconds(this.#random.between(100, NOTICE_MS)), () => {
      if (this.#table.get(device.name) === device && device.state === "live") this.reset(device);
    });
  }

  /** The connection is lost, and the kernel begins to try again. */
  reset(device: Device): void {
    device.state = "connecting";
    device.source = "";
    device.lostAt = this.#time.now.mono;
    this.#time.in(RECONNECT, () => this.#reconnect(device));
  }

  #reconnect(device: Device): void {
    if (this.#table.get(device.name) !== device || device.state !== "connecting") return;
    if (device.lostAt === undefined) return;
    const isKnown = device.target?.secret === undefined || device.target.secret === device.secret;
    if (this.linked(device) && isKnown) return this.live(device);
    if (this.#time.now.mono - device.lostAt >= device.ctrlLossTmoMs) return this.remove(device);
    this.#time.in(RECONNECT, () => this.#reconnect(device));
  }

  /** The block device of the namespace behind an I/O controller. */
  headOf({ name, target }: Device): string {
    return target === undefined ? `${name}n1` : this.namespaces.head(target.nqn);
  }

  // --- sysfs ---------------------------------------------------------------------------------------------------------

  /** The device as sysfs shows it at this moment, completed by the controller where sysfs does not show the type. */
  view(device: Device): KernelCtrl {
    const isServing = device.complete && device.target?.discovery === undefined &&
      device.target?.isEmpty !== true;
    const heads = isServing ? [this.headOf(device)] : [];
    const shown = kernelCtrlFromSysfs(sysfsOf(device, this.release, heads));
    const { target } = device;
    const made = device.transport === "pcie" ? {} : { made: { ...PLAIN, ...lossOf(device), ...device.made } };
    // The port asks the controller, if that can answer.
    if (!isUntold(shown) || device.state !== "live" || target?.tellsNoType === true) {
      return { ...shown, ...made };
    }
    const cntrltype = target?.discovery === undefined ? "io" : "discovery";
    const kind = classify({ ...shown, cntrltype, hasChildren: heads.length > 0 });
    return { ...shown, ...made, cntrltype, ...kind };
  }
}
