/** A small world for one story: one network, controllers added by hand, both daemons, and a clock that is told how far to go. */
import type { HostConf } from "../../../src/lib/core/request/host.ts";
import type { DiscoveryEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import type { Device } from "../../../src/lib/sim/devices.ts";
import { Discovery } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { NEWEST, Release } from "../../../src/lib/sim/release.ts";
import { VirtualTime } from "../../../src/lib/sim/scheduler.ts";
import { World } from "../../../src/lib/sim/world.ts";
import type { Cores } from "../cores.ts";
import { STACD_CONF, StacdDaemon, STAFD_CONF, StafdDaemon, type Watch } from "../daemons.ts";
import { bootTable, HOST_ID, HOST_NQN, hostFiles } from "../landscape.ts";

export const HOST: HostConf = {
  nqn: HOST_NQN,
  id: HOST_ID,
  symname: "",
  key: undefined,
};
export const AUDIT =
  "[I/O controller connection management]\ndisconnect-scope = all-connections-matching-disconnect-trtypes\n";

/** A second interface by which everything can be reached. */
export const SECOND = {
  name: "eth1",
  index: 3,
  mac: "02:00:00:00:00:02",
  v4: ["10.2.0.1"],
  v6: [],
  nets: ["10.0."],
} as const;

export class Stage {
  readonly time = new VirtualTime();
  readonly world: World;
  readonly #cores: Cores;
  readonly #thrown: unknown[] = [];
  #stafd: StafdDaemon | undefined;
  #stacd: StacdDaemon | undefined;
  /** Command line of both daemons. */
  args: readonly string[] = [];
  /** Units that were restarted. */
  readonly restarted: string[] = [];
  readonly said: string[] = [];
  /** Of these what everybody sees, without tron. */
  readonly seen: string[] = [];
  /** Events that the daemons have published. */
  readonly events: Readonly<Record<string, unknown>>[] = [];

  constructor(cores: Cores) {
    this.#cores = cores;
    this.world = new World(this.time, 1);
    // Two hosts in one story, as far as host NQNs go: newer kernels take one for each host ID.
    this.world.kernel.devices.release = new Release(NEWEST, ["oneIdentity"]);
    const net = { v6: ["fd01::1"], nets: ["10.0.", "fd01:"] };
    this.world.fabric.addInterface({
      name: "eth0",
      index: 2,
      mac: "02:00:00:00:00:01",
      v4: ["10.0.0.1"],
      ...net,
    });
    hostFiles(this.world);
    this.world.restarted = (template, args) => this.restarted.push(`${template} ${args.join(" ")}`);
    this.world.logged = (who, { message, level }) => {
      this.said.push(`${who} ${message}`);
      if (level !== "debug") this.seen.push(`${who} ${message}`);
    };
  }

  subsystem(nqn: string, traddr: string): Target {
    return this.world.addSubsystem({ transport: "tcp", traddr, trsvcid: "4420" }, nqn);
  }

  dc(nqn: string, traddr: string, entries: readonly DiscoveryEntry[], port = "8009"): Discovery {
    const discovery = new Discovery("ddc", entries);
    this.world.addDiscovery({ transport: "tcp", traddr, trsvcid: port }, nqn, discovery);
    return discovery;
  }

  target(nqn: string): Target {
    const found = this.world.fabric.targets.find((target) => target.nqn === nqn);
    if (found === undefined) throw new Error(`no ${nqn} on this stage`);
    return found;
  }

  /** The machine was booted from it: it is connected, and the firmware's table says so. */
  bootFrom(target: Target): Device {
    bootTable(this.world, target, undefined);
    return this.connectedByOthers(target);
  }

  connectedByOthers(target: Target, how: { hostNqn?: string; traddr?: string; owner?: string } = {}): Device {
    const device = this.world.kernel.devices.make({
      ...target.address,
      traddr: how.traddr ?? target.address.traddr,
      hostTraddr: "",
      hostIface: "",
      hostNqn: how.hostNqn ?? HOST.nqn,
      hostId: HOST.id,
      target,
      maker: "others",
      owner: how.owner ?? "",
      ctrlLossTmoMs: this.world.kernel.connecting.ctrlLossTmo * 1_000,
    });
    this.world.kernel.devices.live(device);
    return device;
  }

  /** Another host in its own files; a daemon takes it when it is started. */
  setHost({ nqn, id }: { readonly nqn: string; readonly id: string }): void {
    this.world.files.set("/etc/nvme/hostnqn", `${nqn}\n`);
    this.world.files.set("/etc/nvme/hostid", `${id}\n`);
  }

  stafdConf(text: string): void {
    this.world.files.set(STAFD_CONF, text);
    this.#stafd?.reload();
  }

  stacdConf(text: string): void {
    this.world.files.set(STACD_CONF, text);
    this.#stacd?.reload();
  }

  get stafd(): StafdDaemon {
    if (this.#stafd === undefined) throw new Error("stafd was not started");
    return this.#stafd;
  }

  get stacd(): StacdDaemon {
    if (this.#stacd === undefined) throw new Error("stacd was not started");
    return this.#stacd;
  }

  startStafd(): void {
    this.#stafd = new StafdDaemon(this.world, this.#cores.stafd, this.#watch);
    this.#stafd.start();
  }

  startStacd(): void {
    this.#stacd = new StacdDaemon(this.world, this.#cores.stacd, this.#watch);
    this.#stacd.start();
  }

  /** Starts both, and lets them settle. */
  async start(ms = 3_000): Promise<void> {
    this.startStafd();
    this.startStacd();
    await this.run(ms);
  }

  /** Lets time go by until no page is young any more: from then on a page takes away after a second (S14). */
  async age(): Promise<void> {
    await this.run(16 * 60_000);
  }

  get #watch(): Watch {
    return {
      args: this.args,
      around: (_, effect) => {
        if (effect.do === "signal" && effect.signal.type === "event") this.events.push(effect.signal.event);
        return "go";
      },
      failed: (error) => this.#thrown.push(error),
    };
  }

  /** Lets time go by; what a daemon has thrown is thrown here. */
  async run(ms: number): Promise<void> {
    await this.time.runUntil({ mono: this.time.now.mono + ms });
    const [first] = this.#thrown;
    if (first !== undefined) throw first;
  }

  get mono(): number {
    return this.time.now.mono;
  }

  /** The connections to it. */
  to(what: Target | string): readonly Device[] {
    return this.world.kernel.devices.all.filter(({ target, state }) =>
      state === "live" && (target === what || target?.nqn === what)
    );
  }
}
