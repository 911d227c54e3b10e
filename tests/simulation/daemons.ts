/** A daemon as it ships, on the simulated host, to be looked into and to be killed at any moment. */
import type { ParsedConf } from "../../src/lib/config/daemon_conf.ts";
import { parseStacdConf, type StacdConf } from "../../src/lib/config/stacd_conf.ts";
import { parseStafdConf, type StafdConf } from "../../src/lib/config/stafd_conf.ts";
import type { StacdState } from "../../src/lib/core/stacd/stacd_state.ts";
import type { StacdEffect, StacdEvent, StafdEffect, StafdEvent } from "../../src/lib/core/effects.ts";
import type { StafdState } from "../../src/lib/core/stafd/stafd_state.ts";
import type { Recorded } from "../../src/lib/daemon/record/recorder.ts";
import { stafdReport } from "../../src/lib/daemon/report.ts";
import type { Core, Seams } from "../../src/lib/daemon/shell.ts";
import { runStacd } from "../../src/lib/daemon/stacd_program.ts";
import { runStafd } from "../../src/lib/daemon/stafd_program.ts";
import type { StafdReport } from "../../src/lib/ports.ts";
import { SimMachine } from "../../src/lib/sim/machine.ts";
import type { FileText, World } from "../../src/lib/sim/world.ts";

export type StafdCore = Core<StafdState, StafdEvent, StafdEffect>;
export type StacdCore = Core<StacdState, StacdEvent, StacdEffect>;

/** What a simulation does around each effect: the process may be killed before it or after it. */
export type Around = (
  who: "stafd" | "stacd",
  effect: StafdEffect | StacdEffect,
) => "go" | "before" | "after";

export interface Watch {
  readonly around: Around;
  /** Something threw: a rule that is broken, or a bug. The process is killed by it. */
  readonly failed: (error: unknown) => void;
  /** Is told of each file that is read. */
  readonly read?: (who: "stafd" | "stacd", path: string) => void;
  /** How an invalid file is treated; a canary treats it as an empty one. */
  readonly onInvalid?: OnInvalid;
  /** Of the command line. */
  readonly args?: readonly string[];
}
export type OnInvalid = "keep" | "take-as-empty";

export const STAFD_CONF = "/etc/stas/stafd.conf";
export const STACD_CONF = "/etc/stas/stacd.conf";

abstract class SimDaemon<
  Conf,
  State,
  E extends StafdEvent | StacdEvent,
  F extends StafdEffect | StacdEffect,
> {
  readonly world: World;
  readonly machine: SimMachine;
  readonly args: readonly string[];
  readonly #watch: Watch;
  readonly #core: Core<State, E, F>;
  abstract readonly who: "stafd" | "stacd";
  abstract readonly file: string;
  #state: (() => State) | undefined;
  #recorded: (() => Recorded<State>) | undefined;
  #dead = false;
  #ready = false;
  #reloadWaits = false;
  /** The configuration in force. */
  conf: Conf | undefined;
  /** Effects carried out so far. */
  performed = 0;
  /** Exit status, when it ended by itself. */
  status: number | undefined;
  ended: () => void = () => undefined;

  constructor(world: World, who: "stafd" | "stacd", core: Core<State, E, F>, watch: Watch) {
    this.world = world;
    this.#core = core;
    this.#watch = watch;
    this.args = watch.args ?? [];
    this.machine = new SimMachine(world, who, {
      readFile: (path) => this.#readFile(path),
      ready: () => this.#begun(),
    });
  }

  abstract run(seams: Seams<State, E, F>): Promise<number>;
  abstract parse(text: string | undefined): ParsedConf<Conf>;
  abstract confOf(event: E): Conf | undefined;

  get alive(): boolean {
    return this.machine.alive;
  }

  /** What it had last, when it is dead. */
  get state(): State {
    if (this.#state === undefined) throw new Error(`${this.who} has not begun yet`);
    return this.#state();
  }

  /** What its flight recorder has. */
  get recorded(): Recorded<State> {
    if (this.#recorded === undefined) throw new Error(`${this.who} has not begun yet`);
    return this.#recorded();
  }

  /** systemd has been told that it is ready. */
  get isReady(): boolean {
    return this.#ready;
  }

  get hasBegun(): boolean {
    return this.#state !== undefined;
  }

  /** Its file can be used as it is now. */
  get fileIsValid(): boolean {
    return this.parse(this.world.files.get(this.file)).ok;
  }

  start(): void {
    const seams: Seams<State, E, F> = {
      core: {
        ...this.#core,
        step: (state, event, now) => this.#step(state, event, () => this.#core.step(state, event, now)),
      },
      built: (state, recorded) => {
        this.#state = state;
        this.#recorded = recorded;
      },
      around: (effect, go) => this.#guarded(() => this.#perform(effect, go)),
    };
    this.run(seams).then((status) => {
      this.status ??= status;
      this.kill();
    }).catch((error) => this.#failed(error));
  }

  /** SIGHUP; systemd waits for the start to be over. */
  reload(): void {
    this.#reloadWaits = !this.#ready;
    if (this.#ready) this.#guarded(() => this.machine.signal("SIGHUP"));
  }

  /** SIGTERM. */
  stop(): void {
    this.#guarded(() => this.machine.signal("SIGTERM"));
    if (!this.machine.alive) this.kill();
  }

  /** SIGKILL, or the end. */
  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.machine.kill();
    this.ended();
  }

  #begun(): void {
    const isFirst = !this.#ready;
    this.#ready = true;
    // A signal does not arrive in the middle of what the daemon is at.
    if (isFirst && this.#reloadWaits) queueMicrotask(() => this.reload());
  }

  #step(
    state: State,
    event: E,
    run: () => ReturnType<Core<State, E, F>["step"]>,
  ): ReturnType<Core<State, E, F>["step"]> {
    const nothing = { state, effects: [] };
    if (!this.alive) return nothing;
    this.conf = this.confOf(event) ?? this.conf;
    return this.#guarded(run) ?? nothing;
  }

  #perform(effect: F, go: () => void): void {
    if (!this.alive) return;
    const what = this.#watch.around(this.who, effect);
    if (what === "before") return this.kill();
    this.performed++;
    go();
    if (what === "after") this.kill();
  }

  /** What throws inside a daemon is told, and does not end in a promise that nobody has. */
  #guarded<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    this.#watch.failed(error);
    this.kill();
  }

  #readFile(path: string): FileText {
    this.#watch.read?.(this.who, path);
    const empty = this.#watch.onInvalid === "take-as-empty" && path === this.file && !this.fileIsValid;
    return empty ? { ok: true, text: "" } : this.world.readFile(path);
  }
}

export class StafdDaemon extends SimDaemon<StafdConf, StafdState, StafdEvent, StafdEffect> {
  readonly who = "stafd";
  readonly file = STAFD_CONF;

  constructor(world: World, core: StafdCore, watch: Watch) {
    super(world, "stafd", core, watch);
  }

  override run(seams: Seams<StafdState, StafdEvent, StafdEffect>): Promise<number> {
    return runStafd({ open: () => this.machine, libraryVersion: () => "simulated", seams }, this.args);
  }

  override parse(text: string | undefined): ParsedConf<StafdConf> {
    return parseStafdConf(text, this.file);
  }

  override confOf(event: StafdEvent): StafdConf | undefined {
    return event.type === "config" ? event.conf : undefined;
  }

  report(): StafdReport {
    return stafdReport(this.state, this.world.clock.now());
  }
}

export class StacdDaemon extends SimDaemon<StacdConf, StacdState, StacdEvent, StacdEffect> {
  readonly who = "stacd";
  readonly file = STACD_CONF;

  constructor(world: World, core: StacdCore, watch: Watch) {
    super(world, "stacd", core, watch);
  }

  override run(seams: Seams<StacdState, StacdEvent, StacdEffect>): Promise<number> {
    return runStacd({ open: () => this.machine, libraryVersion: () => "simulated", seams }, this.args);
  }

  override parse(text: string | undefined): ParsedConf<StacdConf> {
    return parseStacdConf(text, this.file);
  }

  override confOf(event: StacdEvent): StacdConf | undefined {
    return event.type === "config" ? event.conf : undefined;
  }
}
