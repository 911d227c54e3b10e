/**
 * One process's view of the simulated host: every port that a daemon needs of its machine, and its signals. A killed
 * process receives nothing.
 */
import type { Transport } from "../nvme/tid.ts";
import type { TlsHost } from "../nvme/tls_host.ts";
import type { BusAccess } from "../dbus/reconnect.ts";
import type { Outcome } from "../base/failure.ts";
import type { InterfaceTable, KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { decodeNbft, type Nbft } from "../nvme/nbft.ts";
import type { Clock, Exclusions, Log, Storage, Units } from "../ports.ts";
import { AvahiPort } from "./avahi.ts";
import { DiskPort } from "./disk.ts";
import { KernelPort } from "./kernel.ts";
import { ResolverPort } from "./resolver.ts";
import { storagePort } from "./storage.ts";
import type { FileText, World } from "./world.ts";

export type Signal = "SIGHUP" | "SIGTERM" | "SIGINT";

const nothing = (): void => undefined;

export interface Ways {
  /** A bus other than the world's. */
  readonly bus?: BusAccess;
  /** Another listener for signals. */
  readonly signals?: { on(signal: Signal, handler: () => void): void };
  /** Called when the daemon has started, in place of the notice to systemd. */
  readonly ready?: () => void;
  readonly readFile?: (path: string) => FileText;
}

export class SimMachine {
  readonly log: Log;
  readonly clock: Clock;
  readonly notify: { ready(status: string): void; reloading(): void; stopping(): void; close(): void };
  readonly stateFilePath: string;
  readonly stateFile: DiskPort;
  readonly resolver: ResolverPort;
  readonly exclusions: Exclusions;
  readonly transports: () => ReadonlySet<Transport>;
  readonly tls: () => TlsHost;
  readonly kernel: KernelPort;
  readonly storage: Storage;
  readonly mdns: AvahiPort;
  readonly units: Units;
  readonly bus: BusAccess;
  readonly setTron = nothing;
  readonly startProblem = (): string | undefined => undefined;
  readonly readFile: (path: string) => FileText;
  readonly readFolder: (path: string) => { readonly ok: true; readonly names: readonly string[] };
  readonly signals: { on(signal: Signal, handler: () => void): void; exit(): void };
  readonly udevRule = {
    install: (): Promise<void> => Promise.resolve(),
    remove: (): Promise<void> => Promise.resolve(),
  };
  readonly #world: World;
  readonly #handlers = new Map<Signal, () => void>();
  readonly #connections: (() => void)[] = [];
  #alive = true;

  constructor(world: World, who: "stafd" | "stacd", ways: Ways = {}) {
    const alive = (): boolean => this.#alive;
    this.#world = world;
    this.log = {
      write: (entry) => {
        if (this.#alive) world.logged(who, entry);
      },
    };
    this.clock = {
      now: () => world.clock.now(),
      wakeAt: (deadline, wake) =>
        world.clock.wakeAt(deadline, () => {
          if (this.#alive) wake();
        }),
    };
    this.notify = { ready: ways.ready ?? nothing, reloading: nothing, stopping: nothing, close: nothing };
    this.stateFilePath = `/run/${who}/state.json`;
    this.stateFile = new DiskPort(world.disk, who);
    this.resolver = new ResolverPort(world.resolver, who);
    this.exclusions = world.exclusionsPort(alive);
    this.transports = () => world.transports;
    this.tls = () => {
      const { support, connecting } = world.kernel;
      return support.has("tls") ? connecting.tls : { ...connecting.tls, daemon: false };
    };
    this.kernel = new KernelPort(world.kernel, who);
    this.storage = storagePort(world.kernel.devices, alive);
    this.mdns = new AvahiPort(world.avahi);
    this.units = world.units;
    this.bus = ways.bus ?? world.bus.access(alive, (cut) => this.#connections.push(cut));
    this.readFile = ways.readFile ?? ((path) => world.readFile(path));
    this.readFolder = (path) => ({ ok: true, names: world.namesIn(path) });
    this.signals = {
      on: (signal, handler) => {
        this.#handlers.set(signal, handler);
        ways.signals?.on(signal, handler);
      },
      exit: () => this.kill(),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  readonly nbft = (): readonly { readonly file: string; readonly nbft: Nbft }[] =>
    [...this.#world.nbft].flatMap(([file, bytes]) => {
      const decoded = decodeNbft(bytes);
      return decoded.ok ? [{ file, nbft: decoded.value }] : [];
    });
  readonly interfaces = (): InterfaceTable => this.#world.fabric.interfaces;

  readonly openKernel = () => ({
    kernel: this.kernel,
    fabrics: { support: () => Promise.resolve(this.#world.kernel.support) },
    close: (): Promise<void> => {
      this.kill();
      return Promise.resolve();
    },
  });

  readonly readDevice = (name: string): Promise<Outcome<KernelCtrl>> => {
    const { devices } = this.#world.kernel;
    const device = devices.get(name);
    if (device !== undefined) return Promise.resolve({ ok: true, value: devices.view(device) });
    return Promise.resolve({
      ok: false,
      failure: { phase: "scan", kind: "gone", message: `${name} is gone` },
    });
  };

  /** Sends it a signal; one that it does not listen to yet ends it. */
  signal(signal: Signal): void {
    if (!this.#alive) return;
    const handler = this.#handlers.get(signal);
    if (handler === undefined) this.kill();
    else handler();
  }

  /** Ends the process at once: by SIGKILL, or on its own. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.kernel.close();
    this.resolver.close();
    this.stateFile.close();
    this.mdns.close();
    for (const cut of this.#connections) cut();
  }
}
