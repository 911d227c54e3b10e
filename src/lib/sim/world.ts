/** Everything outside the daemons: one host, its kernel and services, and the fabric that it is connected to. */
import type { Transport } from "../nvme/tid.ts";
import type { Exclusion } from "../nvme/exclusions.ts";
import type { Exclusions, Log, LogEntry, Units } from "../ports.ts";
import { milliseconds } from "../base/time.ts";
import { SimAvahi } from "./avahi.ts";
import { SimBus } from "./bus.ts";
import type { Discovery } from "./discovery.ts";
import { SimDisk } from "./disk.ts";
import { type Address, Fabric, type Manner, Target } from "./fabric.ts";
import { SimKernel } from "./kernel.ts";
import { Random } from "./random.ts";
import { SimResolver } from "./resolver.ts";
import { type Scheduler, SimClock } from "./scheduler.ts";

/** The result of reading a small text file. */
export type FileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: "missing" | "unreadable"; readonly message: string };

/** The date at the start of a simulation. */
const START = 1_795_000_000_000;

export class World {
  readonly time: Scheduler;
  readonly clock: SimClock;
  readonly random: Random;
  readonly fabric = new Fabric();
  readonly kernel: SimKernel;
  readonly avahi: SimAvahi;
  readonly resolver: SimResolver;
  readonly disk: SimDisk;
  /** Transports that the host can use. */
  transports: ReadonlySet<Transport> = new Set(["tcp", "rdma", "fc"]);
  readonly bus: SimBus;
  /** Configuration files by name; a name without a text is a missing file. */
  readonly files = new Map<string, string>();
  /** The boot firmware's tables. */
  readonly nbft = new Map<string, Uint8Array>();
  /** nvme-cli's host-wide list. */
  exclusions: readonly Exclusion[] = [];
  /** Called with every line that a daemon logs. */
  logged: (who: string, entry: LogEntry) => void = () => undefined;
  /** Called for every unit that is restarted. */
  restarted: (template: string, args: readonly string[]) => void = () => undefined;

  constructor(time: Scheduler, seed: number, wall: number = START) {
    this.time = time;
    this.clock = new SimClock(time, wall);
    this.random = new Random(seed, "world");
    this.kernel = new SimKernel(time, new Random(seed, "kernel"), this.fabric);
    this.avahi = new SimAvahi(time, new Random(seed, "avahi"));
    this.resolver = new SimResolver(time, new Random(seed, "resolver"));
    this.disk = new SimDisk(time, new Random(seed, "disk"));
    this.bus = new SimBus(time, new Random(seed, "bus"));
    this.fabric.watch(() => this.kernel.devices.tellNetwork());
  }

  /** A subsystem with namespaces. */
  addSubsystem(address: Address, nqn: string): Target {
    return this.fabric.add(new Target(address, nqn));
  }

  addDiscovery(address: Address, nqn: string, discovery: Discovery): Target {
    const target = this.fabric.add(new Target(address, nqn));
    target.discovery = discovery;
    discovery.watch(() => this.kernel.devices.pageChanged(target));
    return target;
  }

  /** Changes the behaviour of a controller from now on. */
  setManner(target: Target, manner: Manner): void {
    if (target.manner === manner) return;
    target.manner = manner;
    this.kernel.devices.linksChanged();
  }

  readFile(path: string): FileText {
    const text = this.files.get(path);
    if (text === undefined) return { ok: false, why: "missing", message: `there is no ${path}` };
    return { ok: true, text };
  }

  namesIn(folder: string): readonly string[] {
    const prefix = `${folder}/`;
    return [...this.files.keys()].filter((path) => path.startsWith(prefix)).map((path) =>
      path.slice(prefix.length)
    )
      .filter((name) => !name.includes("/"));
  }

  log(who: string): Log {
    return { write: (entry) => this.logged(who, entry) };
  }

  get units(): Units {
    return { restart: (template, args) => this.restarted(template, args) };
  }

  exclusionsPort(alive: () => boolean): Exclusions {
    return {
      read: (done) => {
        // Slower than everything else that a start does meanwhile, so that a start that does not wait for it shows.
        this.time.in(milliseconds(50), () => {
          if (alive()) done(this.exclusions);
        });
      },
    };
  }
}
