/**
 * A simulated host for the page of Cockpit: the real daemons on a private bus that every user can reach, real
 * configuration files in a folder of its own, and systemctl, journalctl, lsblk and the control tools in a folder for PATH.
 */
import { main as stacctl } from "../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../src/ctl/stafctl.ts";
import { Buffer } from "../../src/ctl/pager.ts";
import { realWorld } from "../../src/ctl/world.ts";
import type { DaemonName } from "../../src/lib/dbus/v1_types.ts";
import type { LogEntry } from "../../src/lib/ports.ts";
import { RealTime } from "../../src/lib/sim/scheduler.ts";
import type { FileText, World } from "../../src/lib/sim/world.ts";
import { openBus, type PrivateBus } from "../bus.ts";
import { type RunningDaemon, startStacd, startStafd } from "../daemons.ts";
import { type Answer, type Call, type Programs, servePrograms } from "./programs.ts";

const PROGRAMS = ["systemctl", "journalctl", "lsblk", "stafctl", "stacctl"] as const;
const TOOLS = new Map([["stafctl", stafctl], ["stacctl", stacctl]]);
const PRIORITIES: Readonly<Record<LogEntry["level"], number>> = {
  debug: 7,
  info: 6,
  notice: 5,
  warning: 4,
  error: 3,
};
const MAX_LINES = 500;
const SIZE = 107_374_182_400;

type Unit = DaemonName | "avahi-daemon";

interface UnitState {
  isActive: boolean;
  isEnabled: boolean;
  isInstalled: boolean;
}

const isDaemon = (name: string): name is DaemonName => name === "stafd" || name === "stacd";
const isUnit = (name: string): name is Unit => isDaemon(name) || name === "avahi-daemon";

export class SimulatedHost {
  readonly world: World;
  readonly folder: string;
  readonly units: Readonly<Record<Unit, UnitState>> = {
    stafd: { isActive: false, isEnabled: true, isInstalled: true },
    stacd: { isActive: false, isEnabled: true, isInstalled: true },
    "avahi-daemon": { isActive: true, isEnabled: true, isInstalled: true },
  };
  /** Every call of a program but those that only read. */
  readonly acts: Call[] = [];
  readonly #bus: PrivateBus;
  readonly #running = new Map<DaemonName, RunningDaemon>();
  readonly #lines: string[] = [];
  readonly #followers = new Set<(line: string) => void>();
  #programs: Programs | undefined;

  private constructor(world: World, folder: string, bus: PrivateBus) {
    this.world = world;
    this.folder = folder;
    this.#bus = bus;
  }

  /** With the configuration files of `world`, nothing started. */
  static async open(world: World): Promise<SimulatedHost> {
    const bus = await openBus({ isForAll: true });
    Deno.env.set("DBUS_SYSTEM_BUS_ADDRESS", bus.address);
    const folder = await Deno.makeTempDir({ prefix: "nvme-stas-cockpit-" });
    await Deno.chmod(folder, 0o755);
    const host = new SimulatedHost(world, folder, bus);
    await Deno.mkdir(host.confDir);
    await Deno.mkdir(host.programDir);
    for (const [path, text] of world.files) {
      if (path.startsWith("/etc/stas/")) {
        await Deno.writeTextFile(`${host.confDir}/${path.slice("/etc/stas/".length)}`, text);
      }
    }
    world.logged = (who, entry) => host.#logged(who, entry);
    host.#programs = await servePrograms(host.programDir, PROGRAMS, (call) => host.#answer(call));
    return host;
  }

  get address(): string {
    return this.#bus.address;
  }

  get confDir(): string {
    return `${this.folder}/stas`;
  }

  get programDir(): string {
    return `${this.folder}/bin`;
  }

  async start(daemon: DaemonName): Promise<void> {
    if (this.#running.has(daemon)) return;
    const args = ["-f", `${this.confDir}/${daemon}.conf`];
    const ways = { readFile: (path: string) => this.#readFile(path) };
    const running = await (daemon === "stafd" ? startStafd : startStacd)(this.world, args, ways);
    this.#running.set(daemon, running);
    this.units[daemon].isActive = true;
  }

  async stop(daemon: DaemonName): Promise<void> {
    const running = this.#running.get(daemon);
    this.#running.delete(daemon);
    this.units[daemon].isActive = false;
    running?.stop();
    await running?.ended;
  }

  async close(): Promise<void> {
    await Promise.all([this.stop("stacd"), this.stop("stafd")]);
    if (this.world.time instanceof RealTime) this.world.time.close();
    await this.#programs?.close();
    await this.#bus.close();
    await Deno.remove(this.folder, { recursive: true });
  }

  /** The configuration files are real ones; all others are the simulated host's. */
  #readFile(path: string): FileText {
    if (!path.startsWith(`${this.confDir}/`)) return this.world.readFile(path);
    try {
      return { ok: true, text: Deno.readTextFileSync(path) };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return { ok: false, why: "missing", message: `there is no ${path}` };
    }
  }

  #logged(who: string, { level, message }: LogEntry): void {
    if (level === "debug") return;
    const line = JSON.stringify({
      __REALTIME_TIMESTAMP: String(Date.now() * 1000),
      PRIORITY: String(PRIORITIES[level]),
      SYSLOG_IDENTIFIER: who,
      MESSAGE: message,
    });
    this.#lines.push(line);
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
    for (const follower of this.#followers) follower(`${line}\n`);
  }

  #answer(call: Call): Promise<Answer> {
    switch (call.name) {
      case "systemctl":
        return this.#systemctl(call);
      case "journalctl":
        return Promise.resolve(this.#journalctl(call));
      case "lsblk":
        return Promise.resolve(this.#lsblk());
      default:
        return this.#tool(call);
    }
  }

  async #systemctl(call: Call): Promise<Answer> {
    const [verb = "", ...rest] = call.args;
    const names = rest.filter((arg) => !arg.startsWith("-")).map((arg) => arg.replace(/\.service$/, ""));
    if (verb === "show") return { status: 0, text: names.map((name) => this.#shown(name)).join("\n") };
    this.acts.push(call);
    if (call.uid !== 0 && Deno.uid() === 0) {
      return { status: 4, text: `Failed to ${verb} unit: Access denied\n` };
    }
    for (const name of names.filter(isUnit)) await this.#act(verb, name, rest.includes("--now"));
    return { status: 0, text: "" };
  }

  #shown(name: string): string {
    const unit = isUnit(name) ? this.units[name] : undefined;
    const isInstalled = unit?.isInstalled === true;
    return [
      `Id=${name}.service`,
      `LoadState=${isInstalled ? "loaded" : "not-found"}`,
      `ActiveState=${isInstalled && unit.isActive ? "active" : "inactive"}`,
      `SubState=${isInstalled && unit.isActive ? "running" : "dead"}`,
      `UnitFileState=${isInstalled ? unit.isEnabled ? "enabled" : "disabled" : ""}`,
      "StatusText=",
      "",
    ].join("\n");
  }

  async #act(verb: string, name: Unit, isNow: boolean): Promise<void> {
    const unit = this.units[name];
    if (verb === "enable") unit.isEnabled = true;
    if (verb === "disable") unit.isEnabled = false;
    const stops = verb === "stop" || verb === "restart" || (verb === "disable" && isNow);
    const starts = verb === "start" || verb === "restart" || (verb === "enable" && isNow);
    if (!isDaemon(name)) {
      if (stops || starts) unit.isActive = starts;
      return;
    }
    if (stops) await this.stop(name);
    if (starts) await this.start(name);
    if (verb === "reload") this.#running.get(name)?.reload();
  }

  #journalctl({ args }: Call): Answer {
    const units = args.flatMap((arg, n) => arg === "-u" ? [args[n + 1]?.replace(/\.service$/, "")] : []);
    const isOf = (line: string): boolean =>
      units.length === 0 || units.some((unit) => line.includes(`"SYSLOG_IDENTIFIER":"${unit}"`));
    const text = this.#lines.filter(isOf).slice(-200).map((line) => `${line}\n`).join("");
    if (!args.includes("-f")) return { status: 0, text };
    const more = (write: (line: string) => void): () => void => {
      const follower = (line: string): void => {
        if (isOf(line)) write(line);
      };
      this.#followers.add(follower);
      return () => this.#followers.delete(follower);
    };
    return { status: 0, text, more };
  }

  #lsblk(): Answer {
    const { devices } = this.world.kernel;
    const names = devices.all.flatMap((device) => devices.view(device).namespaces);
    const blockdevices = [...new Set(names)].map((name) => ({ name, size: SIZE }));
    return { status: 0, text: JSON.stringify({ blockdevices }) };
  }

  async #tool({ name, args, input }: Call): Promise<Answer> {
    const main = TOOLS.get(name);
    if (main === undefined) return { status: 127, text: `${name}: not on this host\n` };
    const file = await Deno.makeTempFile({ dir: this.folder });
    try {
      await Deno.writeTextFile(file, input);
      const out = new Buffer({ isTerminal: false, columns: 80 });
      const err = new Buffer({ isTerminal: false, columns: 80 });
      // A plan without the daemon would be made for this machine.
      const { planAlone: _, ...world } = realWorld();
      const status = await main(args.map((arg) => arg === "-" || arg === "/dev/stdin" ? file : arg), {
        ...world,
        bus: this.address,
        confDir: this.confDir,
        out,
        err,
        openPager: () => undefined,
        env: () => undefined,
        dropPermissions: () => undefined,
      });
      const text = (out.text || err.text).replaceAll(file, args.includes("-") ? "stdin" : "/dev/stdin");
      return { status, text };
    } finally {
      await Deno.remove(file);
    }
  }
}
