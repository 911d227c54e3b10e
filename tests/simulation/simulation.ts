/** One seed: a world, one daemon or both in it, faults, and then peace. */
import { proofText } from "../../src/lib/core/planning/evidence.ts";
import { MALFORMED } from "../../src/lib/daemon/run_daemon.ts";
import type { Core } from "../../src/lib/daemon/shell.ts";
import type { Outgoing } from "../../src/lib/dbus/connection.ts";
import { STAF } from "../../src/lib/dbus/interfaces.ts";
import { parsePages } from "../../src/lib/dbus/v1_pages.ts";
import { sameAddress } from "../../src/lib/nvme/address.ts";
import { milliseconds } from "../../src/lib/base/time.ts";
import { normaliseTid, type Tid, tidText } from "../../src/lib/nvme/tid.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import { Random } from "../../src/lib/sim/random.ts";
import { VirtualTime } from "../../src/lib/sim/scheduler.ts";
import { StandInStafd } from "../../src/lib/sim/stand_in_stafd.ts";
import { World } from "../../src/lib/sim/world.ts";
import { type Known, withinBudget } from "./budget.ts";
import { type Cores, realCores } from "./cores.ts";
import { Coverage } from "./coverage.ts";
import { leftOver, mayBeTried, missing, stalePages, unaudited, wantedDcs } from "./expected.ts";
import { type Fault, FAULTS, heal } from "./faults.ts";
import { LIMITS } from "./oracle/limits.ts";
import { serves } from "./oracle/matching.ts";
import { buildLandscape, connectAs, type Dice, HOST_NQN, type Landscape } from "./landscape.ts";
import { type OnInvalid, STACD_CONF, StacdDaemon, STAFD_CONF, StafdDaemon, type Watch } from "./daemons.ts";
import { type AnyEffect, type AnyEvent, Rules } from "./rules.ts";
import { pure } from "./purity.ts";
import { storm } from "./storm.ts";
import { Violation } from "./violation.ts";

export type Who = "stafd" | "stacd" | "both";

export interface Options {
  readonly seed: number;
  readonly who: Who;
  readonly cores?: Cores;
  readonly onInvalid?: OnInvalid;
  /** Kinds of faults to have whatever the dice say, also those that the daemons do not survive yet. */
  readonly with?: ReadonlySet<string>;
  /** Kinds of faults left out. */
  readonly without?: ReadonlySet<string>;
  /** Rules that the daemons do not keep yet, judged all the same. */
  readonly judging?: ReadonlySet<string>;
  /** Faults end after this many milliseconds; the seed's own time when missing. */
  readonly faultsMs?: number;
  readonly dice?: Dice;
  /** Instead of the peace: what is looked at while the faults go on. */
  readonly meanwhile?: (sim: Simulation) => Promise<void>;
  /** Keep the story, line by line. */
  readonly tell?: (line: string) => void;
}

export interface Result {
  readonly violation: Violation | undefined;
  readonly at: number;
  readonly steps: number;
  readonly coverage: Coverage;
  /** Kinds of faults that were on. */
  readonly faults: readonly string[];
  readonly faultsMs: number;
}

/**
 * L1: after the faults, everything is right within this time: the longest pause (72 s), a connect that hangs (61 s), a reconnect;
 * and before that a notification that was lost (L5, 360 s).
 */
const CONVERGENCE_MS = 600_000;
/** What was in use is looked at again after 30 s and watched for 60 s; all that was withdrawn has gone by then. */
const IN_USE_MS = 180_000;
const IDLE_MS = 60_000;
/** L3: effects in one second of one daemon, and steps at one moment. */
const EFFECTS_PER_SECOND = 3_000;
const STEPS_AT_ONCE = 5_000;
/** One seed in so many has a storm at its end. */
const STORMY = 20;
const FAULT_CHANCE = 0.28;

export class Simulation {
  readonly time = new VirtualTime();
  readonly world: World;
  readonly landscape: Landscape;
  readonly rules: Rules;
  readonly coverage = new Coverage();
  readonly options: Options;
  readonly random: Random;
  /** Set by faults. */
  atBirth: (device: Device) => void = () => undefined;
  atPeace: () => void = () => undefined;
  damage: "none" | "tear" | "lose" = "none";
  /** What a reload reads has changed since the last one. */
  filesChanged = false;
  steps = 0;
  stafd: StafdDaemon | undefined;
  stacd: StacdDaemon | undefined;
  readonly #standIn: StandInStafd | undefined;
  #faultNames: ReadonlySet<string> = new Set();
  #faulty = true;
  #killAt: { who: "stafd" | "stacd"; effects: number; when: "before" | "after" } | undefined;
  #moment = { at: -1, steps: 0 };
  readonly #second = { stafd: { at: -1, effects: 0 }, stacd: { at: -1, effects: 0 } };
  readonly #restarting = new Set<string>();
  /** Ended because their file is malformed. */
  readonly #refused = new Set<"stafd" | "stacd">();
  readonly #pure: boolean;
  #violation: Violation | undefined;

  constructor(options: Options) {
    this.options = options;
    const { seed, who } = options;
    this.world = new World(this.time, seed);
    this.random = new Random(seed, "simulation");
    this.landscape = buildLandscape(this.world, seed, options.dice);
    this.#pure = seed % 20 === 0;
    for (const what of this.landscape.mix) this.coverage.count(`world ${what}`);
    this.rules = new Rules(this.world, this.landscape, options.judging);
    const { devices, connecting } = this.world.kernel;
    devices.witness = (what, device) => {
      this.tell("kernel", `${what} ${device.name} (${device.target?.text ?? "local"}) of ${device.maker}`);
      if (what === "made") this.atBirth(device);
    };
    connecting.witness = (by, { tid }) => this.tell("kernel", `connecting ${tidText(tid)} for ${by}`);
    this.world.logged = (by, { level, message }) => this.tell(by, `${level}: ${message}`);
    this.world.bus.witness = (name, message) => {
      try {
        this.#overheard(name, message);
      } catch (error) {
        this.#failed(error);
      }
    };
    this.world.kernel.swap = (device) => {
      const other = this.random.pick(this.landscape.subsystems);
      this.world.kernel.deleteNow(device);
      if (other !== undefined && !devices.all.some(({ target }) => target === other)) {
        connectAs(this.world, other, "nvme-cli", "udisks");
      }
    };
    this.#standIn = who === "stacd" ? this.#makeStandIn() : undefined;
  }

  get mono(): number {
    return this.time.now.mono;
  }

  tell(who: string, text: string): void {
    this.options.tell?.(`${(this.mono / 1000).toFixed(3).padStart(9)} ${who.padEnd(6)} ${text}`);
  }

  later(ms: number, run: () => void): void {
    this.time.in(milliseconds(ms), () => {
      if (this.#faulty) run();
    });
  }

  // --- daemons -------------------------------------------------------------------------------------------------------

  #makeStandIn(): StandInStafd {
    const standIn = new StandInStafd(this.world);
    standIn.wasRead = (tid, target) => {
      const page = target.discovery?.page;
      if (page === undefined) return;
      this.tell("stafd", `(stand-in) read ${tidText(tid)}, generation ${page.genctr}`);
      this.rules.readByStandIn(page);
    };
    for (const dc of this.landscape.dcs) {
      if (this.random.chance(0.8)) standIn.follow(this.#dcTid(dc.address), dc);
    }
    return standIn;
  }

  #dcTid(address: Pick<Tid, "transport" | "traddr" | "trsvcid">): Tid {
    const parts = { ...address, subsysnqn: "nqn.2014-08.org.nvmexpress.discovery" };
    return normaliseTid(parts, { hostNqn: HOST_NQN, ignoreIface: false });
  }

  #start(who: "stafd" | "stacd"): void {
    this.#restarting.delete(who);
    this.#damage(who);
    this.rules.restarted(who, this.world.disk.texts.get(who));
    const cores = this.options.cores ?? realCores;
    const watch: Watch = {
      around: (by, effect) => this.#around(by, effect),
      failed: (error) => this.#failed(error),
      read: (by, path) => this.rules.fileRead(by, path),
      onInvalid: this.options.onInvalid ?? "keep",
    };
    this.tell(who, "--- starts");
    if (who === "stafd") {
      const core = this.#watched(who, cores.stafd, (state, event) => {
        this.rules.forget(state.fleet);
        if (event.type === "log-read") this.rules.pageTaken(state, event.key);
      });
      this.stafd = new StafdDaemon(this.world, core, watch);
    } else {
      const core = this.#watched(
        who,
        cores.stacd,
        ({ drains, fleet }) => this.rules.drained(drains.list, fleet),
      );
      this.stacd = new StacdDaemon(this.world, core, watch);
    }
    const daemon = who === "stafd" ? this.stafd : this.stacd;
    if (daemon === undefined) return;
    daemon.ended = () => this.#ended(who, daemon.status);
    daemon.start();
  }

  /** The first thing that went wrong ends the run. */
  #failed(error: unknown): void {
    const isRule = error instanceof Violation;
    this.#violation ??= isRule
      ? error
      : new Violation("bug", error instanceof Error ? error.stack ?? error.message : String(error));
  }

  /** Lets time go by, until something goes wrong. */
  async go(ms: number, go: () => boolean = () => true): Promise<void> {
    const end = { mono: this.mono + ms };
    await this.time.runUntil(end, () => this.#violation === undefined && go());
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** What goes over the bus: no secret, and what stafd says of its pages. */
  #overheard(name: string, { body }: Outgoing): void {
    const [text] = body;
    this.rules.overheard(name === STAF.name ? "stafd" : "stacd", body);
    if (name !== STAF.name || this.stafd?.hasBegun !== true) return;
    if (typeof text !== "string" || !text.startsWith('{"dcs":')) return;
    const pages = parsePages(text);
    if (!pages.ok) throw new Violation("S2", `stafd answers what cannot be understood: ${pages.message}`);
    this.rules.reportGiven(pages.value);
  }

  #damage(who: string): void {
    if (this.damage === "none" || !this.random.chance(0.5) || !this.world.disk.texts.has(who)) return;
    this.tell("disk", `the state file of ${who} is damaged (${this.damage})`);
    if (this.damage === "tear") this.world.disk.tear(who);
    else this.world.disk.lose(who);
  }

  /** systemd starts it again, when what it had in the kernel has ended. */
  #ended(who: "stafd" | "stacd", status: number | undefined): void {
    this.tell(who, `--- ends${status === undefined ? "" : `, exit status ${status}`}`);
    if (this.#restarting.has(who)) return;
    // Not by itself: a person has to correct the file first.
    if (status === MALFORMED) return void this.#refused.add(who);
    this.#restarting.add(who);
    this.#restartIn(who, this.random.between(100, 3_000));
  }

  #restartIn(who: "stafd" | "stacd", ms: number): void {
    this.time.in(milliseconds(ms), () => {
      if (this.world.kernel.connecting.holds(who)) this.#restartIn(who, 100);
      else this.#start(who);
    });
  }

  #around(who: "stafd" | "stacd", effect: AnyEffect): "go" | "before" | "after" {
    if (effect.do !== "log") this.tell(who, `  -> ${effectText(effect)}`);
    const second = this.#second[who];
    const at = Math.floor(this.mono / 1000);
    if (second.at !== at) Object.assign(second, { at, effects: 0 });
    if (effect.do !== "log" && ++second.effects > EFFECTS_PER_SECOND) {
      throw new Violation("L3", `${who}: more than ${EFFECTS_PER_SECOND} effects in a second`);
    }
    this.coverage.count(`${who} effect ${effect.do}`);
    const kill = this.#killAt;
    if (kill?.who === who && --kill.effects <= 0) {
      this.#killAt = undefined;
      this.tell(who, `--- killed ${kill.when} that`);
      if (kill.when === "before") return "before";
      this.rules.effect(who, effect);
      return "after";
    }
    this.rules.effect(who, effect);
    return "go";
  }

  /** The core with the checks around each step. */
  #watched<State extends Known, Event extends AnyEvent, Effect extends AnyEffect>(
    who: "stafd" | "stacd",
    core: Core<State, Event, Effect>,
    after: (state: State, event: Event) => void = () => undefined,
  ): Core<State, Event, Effect> {
    const step = this.#pure ? pure(who, core.step) : core.step;
    return {
      ...core,
      step: (state, event, now) => {
        this.#counted(who, event);
        this.rules.told(who, event, state.fleet);
        const next = step(state, event, now);
        this.rules.stepped(who, event, state.fleet, next.state.fleet, next.effects);
        withinBudget(who, state, event, next);
        this.coverage.moves(who, state.fleet, next.state.fleet);
        after(next.state, event);
        return next;
      },
    };
  }

  #counted(who: string, event: AnyEvent): void {
    this.steps++;
    this.coverage.count(`${who} event ${event.type}`);
    if (this.#moment.at !== this.mono) this.#moment = { at: this.mono, steps: 0 };
    if (++this.#moment.steps > STEPS_AT_ONCE) {
      throw new Violation("L3", `${who}: time stands still (${event.type})`);
    }
    if (this.options.tell !== undefined && event.type !== "tick") this.tell(who, eventText(event));
  }

  // --- faults --------------------------------------------------------------------------------------------------------

  killAtEffect(who: "stafd" | "stacd", random: Random): void {
    this.#killAt = { who, effects: random.between(1, 12), when: random.chance(0.5) ? "before" : "after" };
  }

  stopAndStart(who: "stafd" | "stacd", random: Random): void {
    const process = who === "stafd" ? this.stafd : this.stacd;
    if (process === undefined) return this.#standInRestarts(random);
    this.tell(who, "--- SIGTERM");
    process.stop();
    // systemd's patience ends some time.
    this.later(random.between(1_000, 5_000), () => process.kill());
  }

  #standInRestarts(random: Random): void {
    this.#standIn?.stop();
    this.later(random.between(100, 10_000), () => this.#standIn?.start(random.chance(0.5)));
  }

  reloadAll(): void {
    this.tell("person", "systemctl reload");
    this.filesChanged = false;
    this.stafd?.reload();
    this.stacd?.reload();
  }

  writeFiles(): void {
    const { files } = this.world;
    for (
      const [file, { text }] of [[STAFD_CONF, this.landscape.stafd], [
        STACD_CONF,
        this.landscape.stacd,
      ]] as const
    ) {
      if (files.get(file) === text) continue;
      this.filesChanged = true;
      files.set(file, text);
    }
    for (const who of this.#refused) {
      this.tell("person", `systemctl start ${who}`);
      this.#refused.delete(who);
      this.#start(who);
    }
  }

  // --- the run -------------------------------------------------------------------------------------------------------

  async run(): Promise<Result> {
    const { who, without } = this.options;
    const faults = FAULTS.filter(({ name, only, unsurvived, chance = FAULT_CHANCE }) => {
      const dice = unsurvived === undefined && new Random(this.options.seed, name).maybe(chance);
      const on = dice || (this.options.with?.has(name) ?? false);
      return on && !(without?.has(name) ?? false) &&
        (who === "both" || only === undefined || only === who || name === "stop-stafd");
    });
    this.#faultNames = new Set(faults.map(({ name }) => name));
    const faultsMs = this.options.faultsMs ?? this.random.between(10, 90) * 1_000;
    let violation: Violation | undefined;
    try {
      await this.#faults(faults, faultsMs);
      await (this.options.meanwhile?.(this) ?? this.#peace());
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error;
      this.#faulty = false;
      this.tell("RULE", error.message);
    }
    return {
      violation,
      at: this.mono,
      steps: this.steps,
      coverage: this.coverage,
      faults: faults.map(({ name }) => name),
      faultsMs,
    };
  }

  async #faults(faults: readonly Fault[], faultsMs: number): Promise<void> {
    const { who } = this.options;
    for (const { name, everyMs, begin, act } of faults) {
      const random = new Random(this.options.seed, `${name} dice`);
      begin?.(this, random);
      const again = (): void => {
        if (everyMs > 0 && act !== undefined) {
          this.later(random.between(1, 2 * everyMs), () => {
            this.tell("fault", name);
            act(this, random);
            again();
          });
        }
      };
      again();
    }
    this.#standIn?.start(false);
    if (who !== "stacd") this.#start("stafd");
    if (who !== "stafd") this.time.in(milliseconds(this.random.between(0, 500)), () => this.#start("stacd"));
    await this.go(faultsMs - this.mono);
  }

  async #peace(): Promise<void> {
    this.#faulty = false;
    this.#killAt = undefined;
    this.tell("fault", "--- nothing goes wrong any more");
    heal(this);
    this.#standIn?.start(true);
    // A process that is down comes back by itself; one that runs is told to read its file.
    await this.go(70_000, () => this.#down !== undefined);
    if (this.#down !== undefined) throw new Violation("L1", `${this.#down} does not come back`);
    await this.go(70_000, () => !this.rules.drains.settled);
    // Only who changed a file tells the daemons of it: a reload would also repair what events did not.
    if (this.filesChanged) this.reloadAll();
    await this.#settled();
    await this.#fixpoint();
    await this.#idle();
    if (this.options.seed % STORMY === 7) await this.#storm();
  }

  /** L1. */
  async #settled(): Promise<void> {
    const end = this.mono + CONVERGENCE_MS + this.#lossMs(this.#isOfName);
    let left = this.#unfinished();
    while (left.length > 0) {
      if (this.mono >= end) {
        throw new Violation("L1", `after ${CONVERGENCE_MS / 1000} s still: ${left.join("; ")}`);
      }
      await this.go(2_000);
      left = this.#unfinished();
    }
  }

  get #down(): string | undefined {
    const { who } = this.options;
    if (who !== "stacd" && this.stafd?.alive !== true) return "stafd";
    return who !== "stafd" && this.stacd?.alive !== true ? "stacd" : undefined;
  }

  /** Discovery controllers whose pages count, each with the choices for one wish. */
  #dcs(): readonly Tid[][] {
    if (this.stafd !== undefined) return wantedDcs(this.rules);
    const followed = this.#standIn?.followed ?? [];
    return followed.filter(({ manner }) => manner === "up").map(({ address }) => [this.#dcTid(address)]);
  }

  #unfinished(): string[] {
    const dcs = this.#dcs();
    const report = this.stafd?.hasBegun === true ? this.stafd.report() : this.#standIn?.report();
    const isThere = (why: string) => ({ name, target }: Device): string => `${name} (${target?.text}) ${why}`;
    return [
      ...missing(this.rules, dcs).map((text) => `${text} is not connected`),
      ...stalePages(this.rules, dcs, report),
      ...this.rules.notTaken(),
      ...unaudited(this.rules, report).map(isThere("exists, and no source wants it")),
      ...leftOver(this.rules, report).map(isThere("still exists")),
    ];
  }

  /** Events were lost without a word: a scan makes that good (L5). */
  get #losesNews(): boolean {
    return this.#faultNames.has("lost-events");
  }

  /** What adversaries named is tried for days, with growing pauses. */
  get #isHostile(): boolean {
    return this.#faultNames.has("adversaries");
  }

  /** S9: killed and started again, the daemons find everything as it is to be, and leave it so. */
  async #fixpoint(): Promise<void> {
    if (this.random.chance(0.5)) return;
    await this.go(IN_USE_MS + (this.#losesNews ? LIMITS.lostNewsMs : 0));
    // When the kernel gives up a lost discovery controller, stafd may drop it, and what only its page listed goes.
    const lossMs = this.#lossMs();
    if (lossMs > 0) await this.go(lossMs + IN_USE_MS);
    await this.#rested();
    // A connect from before the peace may have come out of the kernel since.
    await this.#settled();
    const before = this.#connections();
    this.tell("fault", "--- killed once more");
    this.stafd?.kill();
    this.stacd?.kill();
    await this.go(75_000);
    // Who gave up on what its page calls not connected (NCC) has its attempts again; the false names that adversaries gave to
    // rightful targets are tried at once, too.
    const tried = new Set(
      this.world.kernel.devices.all.filter(({ target }) => this.#isHostile || mayBeTried(this.rules, target)),
    );
    const known = new Set(before);
    const after = this.#connections((device) => !tried.has(device) || known.has(connectionText(device)));
    if (before.join() !== after.join()) {
      throw new Violation(
        "S9",
        `a restart changed the connections from ${before.join(", ")} to ${after.join(", ")}`,
      );
    }
  }

  /** What only mDNS names, also what it named before, has its turn after its rest (S16). */
  async #rested(): Promise<void> {
    const rest = this.rules.restsUntil - this.mono;
    if (rest > 0) await this.go(rest + IN_USE_MS);
  }

  /** How long the kernel goes on trying to get these lost connections back, where that has an end. */
  #lossMs(counts: (device: Device) => boolean = () => true): number {
    const ends = this.world.kernel.devices.all.filter(counts).flatMap(({ lostAt, ctrlLossTmoMs }) =>
      lostAt === undefined || ctrlLossTmoMs === Infinity ? [] : [lostAt + ctrlLossTmoMs - this.mono]
    );
    return Math.max(0, ...ends);
  }

  /** It is to one of several addresses of a name: another one has its turn when the kernel has given this one up (S2). */
  #isOfName = (device: Device): boolean =>
    this.#dcs().some((choices) =>
      choices.length > 1 &&
      choices.some((tid) => serves(tid, this.rules.words(device), this.rules.interfaces) !== "no")
    );

  /** L2. A target that makes the kernel hang holds up everybody: that is no fault of the storm. */
  async #storm(): Promise<void> {
    const hangs = [...this.landscape.dead].some(({ manner }) => manner === "mute" || manner === "stuck");
    const dcs = this.#dcs().flatMap(([tid, ...others]) =>
      tid === undefined || others.length > 0 ? [] : [tid]
    );
    const tid = dcs[0];
    const dc = this.landscape.dcs.find(({ address }) =>
      tid !== undefined && sameAddress(address.traddr, tid.traddr) && address.trsvcid === tid.trsvcid
    );
    if (dc === undefined || hangs) return;
    // L5: which connections are gone may not be known yet.
    if (this.#losesNews) await this.go(LIMITS.lostNewsMs);
    await storm(this, dc);
  }

  #connections(counts: (device: Device) => boolean = () => true): string[] {
    return this.world.kernel.devices.all.filter((device) => device.state === "live" && counts(device))
      .map(connectionText).toSorted();
  }

  /**
   * L3: who has nothing to do does not wake up, but for the look at the states every five seconds, at the generations of pages,
   * and for what is tried again after the longest pause or looked at again because it is held.
   */
  async #idle(): Promise<void> {
    if (this.landscape.dead.size > 0 || this.#isHostile) return;
    await this.go(IN_USE_MS + (this.#losesNews ? LIMITS.lostNewsMs : 0));
    await this.#rested();
    const before = this.coverage.counts.get("stafd event tick") ?? 0;
    const beforeStacd = this.coverage.counts.get("stacd event tick") ?? 0;
    const connections = this.#connections().join();
    await this.go(IDLE_MS);
    const stafd = (this.coverage.counts.get("stafd event tick") ?? 0) - before;
    const stacd = (this.coverage.counts.get("stacd event tick") ?? 0) - beforeStacd;
    const now = this.#connections().join();
    if (now !== connections) {
      throw new Violation("L1", `the connections change without a reason from ${connections} to ${now}`);
    }
    const allowed = (daemon: StafdDaemon | StacdDaemon | undefined): number =>
      IDLE_MS / 5_000 + 10 + 3 * waiting(daemon) + pages(daemon);
    if (stafd > allowed(this.stafd) || stacd > allowed(this.stacd)) {
      throw new Violation(
        "L3",
        `idle for ${IDLE_MS / 1000} s, stafd woke up ${stafd} times, stacd ${stacd} times`,
      );
    }
  }
}

/** Controllers that are not connected, or are to go. */
const waiting = (daemon: StafdDaemon | StacdDaemon | undefined): number =>
  daemon === undefined
    ? 0
    : [...daemon.state.fleet.ctls.values()].filter(({ link, removeAt }) =>
      link.phase !== "up" || removeAt !== undefined
    ).length;

/** Pages whose generation is looked at: each at most once in four minutes, maybe all of them in this one. */
const pages = (daemon: StafdDaemon | StacdDaemon | undefined): number =>
  daemon instanceof StafdDaemon ? daemon.state.dcs.size : 0;

const connectionText = ({ name, incarnation, target }: Device): string =>
  `${name}/${incarnation} ${target?.text}`;

function effectText(effect: AnyEffect): string {
  switch (effect.do) {
    case "connect":
      return `connect ${tidText(effect.request.tid)}`;
    case "disconnect":
      return `disconnect ${effect.target.device} ${tidText(effect.tid)}: ${proofText(effect.evidence)}`;
    case "reach":
      return `reach ${tidText(effect.tid)}`;
    case "signal":
      return `signal ${effect.signal.type}`;
    case "own":
      return `own ${effect.device} ${effect.owned}`;
    case "resolve":
      return `resolve ${effect.host}`;
    case "read-log":
    case "register":
    case "supported-logs":
      return `${effect.do} ${effect.target.device}`;
    default:
      return effect.do;
  }
}

function eventText(event: AnyEvent): string {
  if ("outcome" in event) {
    const what = event.outcome.ok ? "ok" : event.outcome.failure.message;
    return `${event.type}: ${what}`;
  }
  switch (event.type) {
    case "device":
      return `device ${event.cause} ${event.ctrl.device} ${event.ctrl.subsysnqn} ${event.ctrl.state}`;
    case "removed":
    case "aen":
      return `${event.type} ${event.device}`;
    case "service":
      return `service ${event.service.key} ${event.service.traddr}`;
    case "service-gone":
      return `service-gone ${event.key}`;
    case "stafd":
      return `stafd ${event.present ? "is present" : "is away"}`;
    default:
      return event.type;
  }
}
