/** A daemon in the simulated world: the real core, shell and performer on simulated ports, to be killed at any moment. */
import type { ParsedConf } from "../../src/lib/config/daemon_conf.ts";
import { parseStacdConf, type StacdConf } from "../../src/lib/config/stacd_conf.ts";
import { parseStafdConf, type StafdConf } from "../../src/lib/config/stafd_conf.ts";
import { restoredConnector } from "../../src/lib/core/connector_saved.ts";
import type { ConnectorState } from "../../src/lib/core/connector_state.ts";
import type {
  ConnectorEffect,
  ConnectorEvent,
  Event,
  FinderEffect,
  FinderEvent,
} from "../../src/lib/core/effects.ts";
import { restoredFinder } from "../../src/lib/core/finder_saved.ts";
import type { FinderState } from "../../src/lib/core/finder_state.ts";
import type { HostConf, NbftTargets } from "../../src/lib/core/host.ts";
import { type CommonPorts, performConnector, performFinder } from "../../src/lib/daemon/performer.ts";
import { stafdReport } from "../../src/lib/daemon/report.ts";
import { type Core, Shell } from "../../src/lib/daemon/shell.ts";
import type { StafdReport } from "../../src/lib/ports.ts";
import { AvahiPort } from "../../src/lib/sim/avahi.ts";
import { PublisherPort, StafdPort } from "../../src/lib/sim/bus.ts";
import { DiskPort } from "../../src/lib/sim/disk.ts";
import { KernelPort } from "../../src/lib/sim/kernel.ts";
import { ResolverPort } from "../../src/lib/sim/resolver.ts";
import type { World } from "../../src/lib/sim/world.ts";

export type FinderCore = Core<FinderState, FinderEvent, FinderEffect>;
export type ConnectorCore = Core<ConnectorState, ConnectorEvent, ConnectorEffect>;

/** What the host's own files say. */
export interface HostFacts {
  readonly host: HostConf;
  readonly nbft: NbftTargets;
}

/** What a simulation does around each effect: the process may be killed before it or after it. */
export type Around = (
  who: "stafd" | "stacd",
  effect: FinderEffect | ConnectorEffect,
) => "go" | "before" | "after";

/** How an invalid file on reload is treated; a canary treats it as an empty one. */
export type OnInvalid = "keep" | "take-as-empty";

abstract class Process<Conf, State, E extends { readonly type: string }, F extends { readonly do: string }> {
  readonly world: World;
  readonly facts: HostFacts;
  readonly kernel: KernelPort;
  readonly resolver: ResolverPort;
  readonly disk: DiskPort;
  readonly common: CommonPorts;
  readonly shell: Shell<State, E | Event, F>;
  readonly onInvalid: OnInvalid;
  #alive = true;
  abstract readonly who: "stafd" | "stacd";
  abstract readonly file: string;
  /** The configuration in force. */
  conf: Conf | undefined;
  /** Effects carried out so far. */
  performed = 0;
  ended: () => void = () => undefined;

  constructor(
    world: World,
    facts: HostFacts,
    who: "stafd" | "stacd",
    core: Core<State, E | Event, F>,
    restore: (value: unknown) => State,
    around: Around,
    onInvalid: OnInvalid,
  ) {
    this.world = world;
    this.facts = facts;
    this.onInvalid = onInvalid;
    this.kernel = new KernelPort(world.kernel, who);
    this.resolver = new ResolverPort(world.resolver, who);
    this.disk = new DiskPort(world.disk, who);
    this.common = {
      kernel: this.kernel,
      resolver: this.resolver,
      stateFile: this.disk,
      exclusions: world.exclusionsPort(() => this.#alive),
      publisher: new PublisherPort(world.bus, who),
      log: world.log(who),
      exit: () => this.kill(),
    };
    this.shell = new Shell<State, E | Event, F>(core, restore(this.disk.load()), world.clock, (effect) => {
      if (!this.#alive) return;
      const what = around(who, this.asEffect(effect));
      if (what === "before") return this.kill();
      this.performed++;
      this.perform(effect);
      if (what === "after") this.kill();
    });
  }

  abstract asEffect(effect: F): FinderEffect | ConnectorEffect;
  abstract perform(effect: F): void;
  abstract parse(text: string | undefined): ParsedConf<Conf>;
  abstract configEvent(conf: Conf, reload: boolean): E;
  abstract begin(): void;
  abstract end(): void;

  get alive(): boolean {
    return this.#alive;
  }

  get state(): State {
    return this.shell.state;
  }

  /** In the order of a start: who the host is, what it booted from, what is wanted, and then the world. */
  start(): boolean {
    const parsed = this.parse(this.world.files.get(this.file));
    if (!parsed.ok) {
      this.kill();
      return false;
    }
    this.shell.post({ type: "host", host: this.facts.host });
    this.shell.post({ type: "nbft", targets: this.facts.nbft });
    this.conf = parsed.conf;
    this.shell.post(this.configEvent(parsed.conf, false));
    this.common.exclusions.read((exclusions) => this.shell.post({ type: "exclusions", exclusions }));
    this.kernel.watch((event) => this.shell.post(event));
    this.begin();
    return true;
  }

  /** SIGHUP. */
  reload(): void {
    if (!this.#alive) return;
    const parsed = this.parse(this.world.files.get(this.file));
    if (!parsed.ok && this.onInvalid === "keep") {
      for (const { message } of parsed.findings) this.common.log.write({ level: "error", message });
      return;
    }
    const taken = parsed.ok ? parsed : this.parse(undefined);
    if (!taken.ok) throw new Error("an empty configuration is valid");
    if (parsed.ok) this.conf = taken.conf;
    this.common.exclusions.read((exclusions) => this.shell.post({ type: "exclusions", exclusions }));
    this.shell.post(this.configEvent(taken.conf, true));
  }

  /** SIGTERM. */
  stop(): void {
    if (this.#alive) this.shell.post({ type: "stop" });
  }

  /** SIGKILL, or the end. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.shell.stop();
    this.kernel.close();
    this.resolver.close();
    this.disk.close();
    this.end();
    this.ended();
  }
}

export const STAFD_CONF = "/etc/stas/stafd.conf";
export const STACD_CONF = "/etc/stas/stacd.conf";

export class StafdProcess extends Process<StafdConf, FinderState, FinderEvent, FinderEffect> {
  readonly who = "stafd";
  readonly file = STAFD_CONF;
  readonly #avahi: AvahiPort;
  #report: ((report: StafdReport) => StafdReport) | undefined;

  constructor(
    world: World,
    facts: HostFacts,
    core: FinderCore,
    around: Around,
    onInvalid: OnInvalid = "keep",
  ) {
    super(world, facts, "stafd", core, restoredFinder, around, onInvalid);
    this.#avahi = new AvahiPort(world.avahi, () => world.bus.up);
  }

  /** Lets a check look at every report. */
  watchReports(look: (report: StafdReport) => StafdReport): void {
    this.#report = look;
  }

  override asEffect(effect: FinderEffect): FinderEffect {
    return effect;
  }

  override perform(effect: FinderEffect): void {
    const { world, facts, common } = this;
    performFinder(
      effect,
      { ...common, mdns: this.#avahi, units: world.units, host: () => facts.host },
      (event) => this.shell.post(event),
    );
  }

  override parse(text: string | undefined): ParsedConf<StafdConf> {
    return parseStafdConf(text, STAFD_CONF);
  }

  override configEvent(conf: StafdConf, reload: boolean): FinderEvent {
    return { type: "config", conf, reload };
  }

  override begin(): void {
    this.#avahi.watch((event) => this.shell.post(event));
    this.world.bus.own(this);
  }

  override end(): void {
    this.#avahi.close();
    this.world.bus.disown(this);
  }

  /** The bus went away or came back. */
  busChanged(up: boolean): void {
    if (up) this.#avahi.found();
    else this.#avahi.lost("the system bus went away");
  }

  report(): StafdReport {
    const report = stafdReport(this.state, this.world.clock.now());
    return this.#report?.(report) ?? report;
  }
}

export class StacdProcess extends Process<StacdConf, ConnectorState, ConnectorEvent, ConnectorEffect> {
  readonly who = "stacd";
  readonly file = STACD_CONF;
  readonly stafd: StafdPort;

  constructor(
    world: World,
    facts: HostFacts,
    core: ConnectorCore,
    around: Around,
    onInvalid: OnInvalid = "keep",
  ) {
    super(world, facts, "stacd", core, restoredConnector, around, onInvalid);
    this.stafd = new StafdPort(world.bus);
  }

  override asEffect(effect: ConnectorEffect): ConnectorEffect {
    return effect;
  }

  override perform(effect: ConnectorEffect): void {
    performConnector(effect, { ...this.common, stafd: this.stafd }, (event) => this.shell.post(event));
  }

  override parse(text: string | undefined): ParsedConf<StacdConf> {
    return parseStacdConf(text, STACD_CONF);
  }

  override configEvent(conf: StacdConf, reload: boolean): ConnectorEvent {
    return { type: "config", conf, reload };
  }

  override begin(): void {
    this.stafd.watch((event) => this.shell.post(event));
  }

  override end(): void {
    this.stafd.close();
  }
}
