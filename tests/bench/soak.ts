/**
 * Seventy-two hours of a site in compressed time, both daemons as they ship: by day storage is added and removed, by
 * night ports and discovery controllers fail and come back, and services of mDNS go and return; every day stafd is
 * restarted. What is to be seen: nothing that a daemon keeps grows with time, and no change is missed.
 * `deno run -A --v8-flags=--expose-gc tests/bench/soak.ts [--json] [--hours N]`
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { entryFor } from "../../src/lib/sim/discovery.ts";
import type { Target } from "../../src/lib/sim/fabric.ts";
import { Random } from "../../src/lib/sim/random.ts";
import { realCores } from "../simulation/cores.ts";
import { Stage } from "../simulation/scenarios/stage.ts";
import { functionIn, objectsIn } from "../unit/core/data_only.ts";

const DCS = 20;
const SUBSYSTEMS_OF_ONE = 25;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A port or a discovery controller fails for so long. */
const OUTAGE = 2 * MINUTE;
/** After so long without a change everything is connected that is listed: young pages and all pauses are over. */
const SETTLED = 40 * MINUTE;
const EVERY = 6 * HOUR;
const [DAY, NIGHT] = [8, 20];

export interface Look {
  /** Hours since the start. */
  readonly hour: number;
  /** Changes and failures so far. */
  readonly changes: number;
  /** Objects that are reachable from the state of a daemon. */
  readonly stafd: number;
  readonly stacd: number;
  /** Reminders of both daemons. */
  readonly reminders: number;
  /** Memory of the process after a collection, the simulated site included, in bytes; 0 without --expose-gc. */
  readonly heap: number;
  /** Listed and not connected, or connected and not listed. */
  readonly missed: readonly string[];
}

/** The size of a state. A function in it is an error: it keeps all earlier states. */
function sizeOf(state: unknown, who: string): number {
  const found = functionIn(state, who);
  if (found !== undefined) throw new Error(`${found} is a function`);
  return objectsIn(state);
}

/** Where --expose-gc is given. */
function heapAfterCollection(): number {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc !== "function") return 0;
  gc();
  return Deno.memoryUsage().heapUsed;
}

class Site {
  readonly stage = new Stage(realCores);
  readonly random = new Random(1, "soak");
  readonly dcs: Target[] = [];
  readonly subsystems: Target[] = [];
  changes = 0;

  constructor() {
    const { stage } = this;
    // Nobody reads them here.
    stage.world.logged = () => undefined;
    const lines: string[] = [];
    for (let n = 0; n < DCS; n++) {
      const behind = Array.from(
        { length: SUBSYSTEMS_OF_ONE },
        (_, i) => stage.subsystem(`nqn.array${n}-${i}`, `10.0.${n + 1}.${i + 1}`),
      );
      this.subsystems.push(...behind);
      const traddr = `10.0.100.${n + 1}`;
      stage.dc(`nqn.dc${n}`, traddr, behind.map((target) => entryFor(target, "nvme")));
      this.dcs.push(stage.target(`nqn.dc${n}`));
      if (n % 2 === 0) lines.push(`controller = transport=tcp;traddr=${traddr}\n`);
      else this.announce(traddr);
    }
    stage.stafdConf(`[Controllers]\n${lines.join("")}`);
  }

  announce(traddr: string): void {
    this.stage.world.avahi.announce({
      hostIface: "eth0",
      name: `dc ${traddr}`,
      traddr,
      port: 8009,
      txt: ["p=tcp"],
    });
  }

  later(ms: number, act: () => void): void {
    this.stage.time.in({ ms }, act);
  }

  /** Storage is added or removed. */
  change(): void {
    const n = this.random.between(0, DCS - 1);
    const [dc, target] = [
      this.dcs[n],
      this.subsystems[n * SUBSYSTEMS_OF_ONE + this.random.between(0, SUBSYSTEMS_OF_ONE - 1)],
    ];
    if (dc?.discovery === undefined || target === undefined) return;
    const { discovery } = dc;
    this.changes++;
    if (discovery.lists(target)) discovery.unlist(entryFor(target, "nvme"), this.stage.mono);
    else discovery.list(entryFor(target, "nvme"), this.stage.mono);
    // The simulated controller remembers all its pages; a site for days does not need them.
    discovery.versions.splice(0, discovery.versions.length - 2);
  }

  /** Something fails, and comes back. */
  fail(): void {
    this.changes++;
    const dc = this.random.pick(this.dcs);
    const target = this.random.chance(0.5) ? dc : this.random.pick(this.subsystems);
    if (dc === undefined || target === undefined) return;
    const { world } = this.stage;
    if (this.random.chance(0.3)) {
      const { traddr } = dc.address;
      const services = world.avahi.announced.filter((service) => service.traddr === traddr);
      for (const { key } of services) world.avahi.withdraw(key);
      if (services.length > 0) this.later(OUTAGE, () => this.announce(traddr));
      return;
    }
    world.setManner(target, this.random.chance(0.5) ? "silent" : "closed");
    this.later(OUTAGE, () => world.setManner(target, "up"));
  }

  /** All that happens in one hour; the hours before a look are quiet at their end. */
  async hour(hour: number): Promise<void> {
    const ofDay = hour % 24;
    const isDay = ofDay >= DAY && ofDay < NIGHT;
    const span = (hour + 1) % (EVERY / HOUR) === 0 ? HOUR - SETTLED : HOUR;
    for (let at = 0; at < span - OUTAGE; at += isDay ? 2 * MINUTE : 5 * MINUTE) {
      this.later(at, () => isDay ? this.change() : this.fail());
    }
    await this.stage.run(HOUR);
    // What the stage remembers for stories would hide what the daemons remember.
    this.stage.events.splice(0);
    if (ofDay !== NIGHT) return;
    this.stage.stafd.kill();
    this.stage.startStafd();
  }

  missed(): readonly string[] {
    return this.subsystems.flatMap((target, n) => {
      const isListed = this.dcs[Math.floor(n / SUBSYSTEMS_OF_ONE)]?.discovery?.lists(target) === true;
      const isConnected = this.stage.to(target).length > 0;
      return isListed === isConnected ? [] : [`${target.nqn} is ${isListed ? "listed" : "connected"} only`];
    });
  }

  look(hour: number): Look {
    const { stafd, stacd } = this.stage;
    return {
      hour,
      changes: this.changes,
      stafd: sizeOf(stafd.state, "stafd"),
      stacd: sizeOf(stacd.state, "stacd"),
      reminders: stafd.state.fleet.agenda.times.size + stacd.state.fleet.agenda.times.size,
      heap: heapAfterCollection(),
      missed: this.missed(),
    };
  }
}

export async function soak(hours: number): Promise<readonly Look[]> {
  const site = new Site();
  await site.stage.start(SETTLED);
  const looks = [site.look(0)];
  for (let hour = 0; hour < hours; hour++) {
    await site.hour(hour);
    if ((hour + 1) % (EVERY / HOUR) === 0) looks.push(site.look(hour + 1));
  }
  return looks;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { json: { type: "boolean", default: false }, hours: { type: "string", default: "72" } },
  });
  const began = process.cpuUsage();
  const looks = await soak(Number(values.hours));
  const { user, system } = process.cpuUsage(began);
  if (values.json) console.log(JSON.stringify({ looks, cpuMs: (user + system) / 1_000 }));
  else {
    for (const { hour, changes, stafd, stacd, reminders, heap, missed } of looks) {
      const memory = heap === 0 ? "" : `, ${(heap / 1e6).toFixed(1)} MB`;
      console.log(
        `${String(hour).padStart(3)} h: ${changes} changes; objects: stafd ${stafd}, stacd ${stacd}; ` +
          `${reminders} reminders${memory}${missed.length === 0 ? "" : `; MISSED: ${missed.join(", ")}`}`,
      );
    }
    console.log(`${((user + system) / 1e6).toFixed(1)} s of CPU`);
  }
}
