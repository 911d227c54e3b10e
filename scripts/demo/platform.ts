/** What one daemon has of the simulated host: every port that a daemon needs of its machine. */
import type { ReadDevice } from "../../src/lib/daemon/devices_now.ts";
import type { RunPlatform } from "../../src/lib/daemon/run_daemon.ts";
import type { Exclusions, Log } from "../../src/lib/ports.ts";
import { DiskPort } from "../../src/lib/sim/disk.ts";
import { KernelPort } from "../../src/lib/sim/kernel.ts";
import { ResolverPort } from "../../src/lib/sim/resolver.ts";
import type { SimClock } from "../../src/lib/sim/scheduler.ts";
import type { World } from "../../src/lib/sim/world.ts";

export type DaemonName = "stafd" | "stacd";

const nothing = (): void => undefined;

export class SimPlatform implements RunPlatform {
  readonly world: World;
  readonly log: Log;
  readonly clock: SimClock;
  readonly notify: RunPlatform["notify"];
  readonly stateFilePath: string;
  readonly kernel: KernelPort;
  readonly resolver: ResolverPort;
  readonly stateFile: DiskPort;
  readonly exclusions: Exclusions;
  readonly setTron = nothing;
  #alive = true;

  /** `ready` is called when the daemon has started, as systemd would be told. */
  constructor(world: World, name: DaemonName, ready: () => void) {
    this.world = world;
    this.log = world.log(name);
    this.clock = world.clock;
    this.notify = { ready, reloading: nothing, stopping: nothing, close: nothing };
    this.stateFilePath = `/run/${name}/state.json`;
    this.kernel = new KernelPort(world.kernel, name);
    this.resolver = new ResolverPort(world.resolver, name);
    this.stateFile = new DiskPort(world.disk, name);
    this.exclusions = world.exclusionsPort(() => this.#alive);
  }

  readonly startProblem = (): string | undefined => undefined;

  readonly readFile: RunPlatform["readFile"] = (path) => {
    const text = this.world.files.get(path);
    if (text === undefined) return { ok: false, why: "missing", message: `there is no ${path}` };
    return { ok: true, text };
  };

  readonly readDevice: ReadDevice = (name) => {
    const { devices } = this.world.kernel;
    const device = devices.get(name);
    if (device !== undefined) return Promise.resolve({ ok: true, value: devices.view(device) });
    const failure = { phase: "scan", kind: "gone", message: `${name} is gone` } as const;
    return Promise.resolve({ ok: false, failure });
  };

  close(): void {
    this.#alive = false;
    this.kernel.close();
    this.resolver.close();
    this.stateFile.close();
  }
}
