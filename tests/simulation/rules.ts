/**
 * The safety rules of the design, checked at every step and at every effect of either daemon. They judge by the oracle and by
 * the fabric's own truth, never by the product's code.
 */
import type { StacdEffect, StacdEvent, StafdEffect, StafdEvent } from "../../src/lib/core/effects.ts";
import type { StafdState } from "../../src/lib/core/stafd/stafd_state.ts";
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import type { InterfaceTable } from "../../src/lib/nvme/kernel_ctrl.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { StafdReport } from "../../src/lib/ports.ts";
import type { LogVersion } from "../../src/lib/sim/discovery.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { ConnectRules } from "./connect_rules.ts";
import { DisconnectRules } from "./disconnect_rules.ts";
import { ForgetRules } from "./forget_rules.ts";
import { RenewRules } from "./renew_rules.ts";
import { Knowledge } from "./knowledge.ts";
import type { Landscape } from "./landscape.ts";
import { type Conf, confOf } from "./oracle/conf.ts";
import { sameAddress } from "./oracle/address.ts";
import { type Host, hostOf } from "./oracle/host.ts";
import { identity, named } from "./oracle/identity.ts";
import { LIMITS } from "./oracle/limits.ts";
import { type Claimed, Drains } from "./oracle/drains.ts";
import { Freshness, pageKey } from "./oracle/freshness.ts";
import { asPublished, tidAnnounced } from "./oracle/listing.ts";
import { type KernelWords, serves } from "./oracle/matching.ts";
import { savedIn } from "./oracle/saved_state.ts";
import { SECRET_MARK } from "./oracle/limits.ts";
import { Violation } from "./violation.ts";
import { PaceRules } from "./pace_rules.ts";
import { Session } from "./session.ts";
import { TlsRules } from "./tls_rules.ts";
import { refusedBy, stafdRoots, stafdWants } from "./wishes.ts";

export type AnyEffect = StafdEffect | StacdEffect;
export type AnyEvent = StafdEvent | StacdEvent;
export type Daemon = "stafd" | "stacd";

const FILES = { stafd: "/etc/stas/stafd.conf", stacd: "/etc/stas/stacd.conf" } as const;

export class Rules {
  readonly knowledge = new Knowledge();
  readonly drains = new Drains();
  readonly forgets: ForgetRules;
  readonly renewals: RenewRules;
  readonly world: World;
  readonly landscape: Landscape;
  readonly #connects: ConnectRules;
  readonly #disconnects: DisconnectRules;
  readonly #pace: PaceRules;
  readonly #tls: TlsRules;
  readonly sessions: Record<Daemon, Session> = {
    stafd: new Session(savedIn(undefined)),
    stacd: new Session(savedIn(undefined)),
  };
  /**
   * Connections that a daemon made and that nobody can know to be its own any more: its state file did not name them when it was
   * started, or its policy kept them when they were withdrawn.
   */
  readonly disowned = new Set<Device>();

  /** How a namespace behind a connection is used, by the world's truth; undefined: it is not. */
  inUse({ target, complete }: Device): string | undefined {
    if (target === undefined || target.discovery !== undefined || target.isEmpty || !complete) {
      return undefined;
    }
    return this.world.kernel.devices.namespaces.usedBy(target.nqn, this.#mono);
  }

  /** Another path of its namespaces is live, its ANA state lets a host use it, and it stays (all do, unless told otherwise). */
  isServedElsewhere(device: Device, stays: (other: Device) => boolean = () => true): boolean {
    return this.world.kernel.devices.all.some((other) =>
      other !== device && other.state === "live" && other.target?.nqn !== undefined && stays(other) &&
      other.target.nqn === device.target?.nqn && ["", "optimized", "non-optimized"].includes(other.anaState)
    );
  }

  /** When the last rest after a long connect ends (S16). */
  get restsUntil(): number {
    return Math.max(this.sessions.stafd.restsUntil, this.sessions.stacd.restsUntil);
  }

  /** Which pages are young, by the controller that they are of (S14). */
  readonly freshness = new Freshness<string>();
  /** The connections by which a page was read since its controller came (back): it may be asked by several. */
  readonly #readBy = new Map<string, Set<number>>();
  /** Rules that the daemons do not keep yet, and that are judged all the same. */
  readonly judging: ReadonlySet<string>;

  constructor(world: World, landscape: Landscape, judging: ReadonlySet<string> = new Set()) {
    this.world = world;
    this.landscape = landscape;
    this.judging = judging;
    this.#connects = new ConnectRules(this);
    this.#disconnects = new DisconnectRules(this);
    this.#pace = new PaceRules(this);
    this.#tls = new TlsRules(this);
    this.forgets = new ForgetRules(this);
    this.renewals = new RenewRules(this);
    world.kernel.wasRead = (page) => {
      this.knowledge.read(page, world.clock.now().wall);
      const { device: { target, incarnation, hostNqn }, log: { genctr, entries } } = page;
      if (target !== undefined) {
        const key = pageKey(target, hostNqn);
        this.#readThrough(key, incarnation);
        this.freshness.read(
          key,
          { genctr, entries: asPublished(entries) },
          this.#mono,
          this.conf("stafd")?.youngMs ?? 900_000,
        );
      }
    };
    world.kernel.deletes = (who, device) => {
      if (who === "stacd") this.#disconnects.deleted(device);
    };
  }

  /** A connection that is new makes the page young, unless an earlier one still exists. */
  #readThrough(key: string, incarnation: number): void {
    const readers = this.#readBy.get(key);
    if (readers === undefined) return void this.#readBy.set(key, new Set([incarnation]));
    if (readers.has(incarnation)) return;
    const isThere = this.world.kernel.devices.all.some((one) =>
      one.incarnation !== incarnation && readers.has(one.incarnation)
    );
    if (!isThere) {
      readers.clear();
      this.freshness.cameBack(key);
    }
    readers.add(incarnation);
  }

  get #mono(): number {
    return this.world.clock.now().mono;
  }

  get interfaces(): InterfaceTable {
    return this.world.fabric.interfaces;
  }

  /** The host as its own files describe it now. */
  get host(): Host {
    return hostOf((path) => this.world.files.get(path));
  }

  /** A daemon reads a file. */
  fileRead(who: Daemon, path: string): void {
    const text = this.world.files.get(path);
    if (path === FILES[who]) this.sessions[who].read = text ?? "";
  }

  conf(who: Daemon): Conf | undefined {
    return this.sessions[who].conf;
  }

  confInForce(who: Daemon): Conf {
    const conf = this.conf(who);
    if (conf === undefined) throw new Violation("S10", `${who} acts without a configuration`);
    return conf;
  }

  /** A process starts with what is in its state file, and with nothing else. */
  restarted(who: Daemon, stateFile: string | undefined): void {
    const saved = savedIn(stateFile);
    this.sessions[who] = new Session(saved);
    if (who === "stacd") {
      const { mono, wall } = this.world.clock.now();
      this.drains.restarted(saved.drains, wall - mono);
      this.renewals.restarted();
    }
    const { all } = this.world.kernel.devices;
    this.knowledge.restarted(
      who,
      saved,
      (tid) =>
        all.some((device) =>
          device.target?.nqn === tid.subsysnqn && sameAddress(device.traddr, tid.traddr) &&
          device.trsvcid === tid.trsvcid
        ),
    );
    if (who === "stafd") {
      this.forgets.restarted();
      this.freshness.restarted();
      this.#readBy.clear();
    }
    this.#disconnects.restarted(who);
    for (const device of this.world.kernel.devices.all) {
      const words = this.words(device);
      const isSaved = saved.controllers.some((tid) => serves(tid, words, this.interfaces) !== "no");
      if (isSaved) this.sessions[who].inherited.add(device);
      else if (device.maker === who) this.disowned.add(device);
    }
  }

  /** S3: a page that counts as read was read whole, with this generation and these entries. */
  pageTaken(state: StafdState, key: string): void {
    const page = state.dcs.get(key)?.page;
    if (page?.fresh !== true) return;
    const read = this.knowledge.reads.some(({ statement }) =>
      statement.genctr === page.genctr && statement.entries.length === page.entries.length
    );
    if (!read) {
      throw new Violation("S3", `stafd took a page of generation ${page.genctr} that was never read whole`);
    }
  }

  /** What stafd has dropped has no say any more. */
  forget({ ctls }: Fleet): void {
    const { pages, announced } = this.knowledge;
    const known = new Set([...ctls.values()].map(({ tid }) => identity(tid)));
    const conf = this.conf("stafd");
    let wanted: ReadonlyMap<string, unknown> | undefined;
    for (const [id, { tid }] of pages) {
      let isOut = !known.has(id);
      if (!isOut && conf !== undefined && refusedBy(this, "stafd", conf, tid)) {
        wanted ??= stafdWants(this, conf, stafdRoots(this, conf));
        isOut = !wanted.has(id);
      }
      if (isOut) pages.delete(id);
    }
    for (const [key, { tid }] of announced) if (!known.has(identity(tid))) announced.delete(key);
  }

  readByStandIn(page: LogVersion): void {
    this.knowledge.readByStandIn(page, this.world.clock.now().wall);
  }

  /** What the kernel says of a connection. */
  words(device: Device): KernelWords {
    const srcAddr = this.world.kernel.devices.release.has("srcAddr") ? device.source : "";
    return { ...device, subsysnqn: device.target?.nqn ?? "", srcAddr };
  }

  // --- steps ---------------------------------------------------------------------------------------------------------

  /** Before the core is told: what does it learn? `fleet` is what it knows until now. */
  told(who: Daemon, event: AnyEvent, fleet: Fleet): void {
    const session = this.sessions[who];
    this.#disconnects.beforeNews(who, event);
    this.#pace.heard(who, event);
    if (event.type !== "config") this.forgets.heard(event);
    switch (event.type) {
      case "device": {
        session.devices.set(event.ctrl.device, event.ctrl.incarnation);
        const there = this.world.kernel.devices.get(event.ctrl.device);
        // What comes so soon tells of the connection that was just made.
        const isNew = there === undefined || this.#mono - there.bornAt < LIMITS.newConnectionMs;
        const isBack = event.cause === "connected" || event.cause === "rediscover";
        // Other connections to it, this host's or another's, say nothing of the one by which its page is read.
        const key = there?.target === undefined ? undefined : pageKey(there.target, there.hostNqn);
        const readers = key === undefined ? undefined : this.#readBy.get(key);
        const isOurs = readers === undefined
          ? there?.hostNqn === this.host.nqn || there?.maker === who
          : there !== undefined && readers.has(there.incarnation);
        if (who === "stafd" && isBack && !isNew && isOurs && key !== undefined) {
          this.freshness.cameBack(key);
        }
        return;
      }
      case "removed":
        if (session.devices.get(event.device) !== event.now) session.devices.delete(event.device);
        return;
      case "scanned":
        if (!event.outcome.ok) return;
        session.devices.clear();
        for (const { device, incarnation } of event.outcome.value) session.devices.set(device, incarnation);
        return;
      case "kernel-free":
        for (const running of session.running.values()) {
          if (running.what === "connect" && running.op === event.op) running.what = "read-back";
        }
        return;
      case "connected":
      case "disconnected": {
        const tid = fleet.ctls.get(event.key)?.tid;
        if (who === "stacd" && tid !== undefined) {
          const isDeleted = event.outcome.ok && typeof event.outcome.value === "string";
          if (event.type === "disconnected" && !isDeleted) this.renewals.notTaken(tid);
          if (event.type === "connected" && event.outcome.ok) this.renewals.connected(tid);
        }
        session.ended(event.key, this.#mono);
        if (who === "stacd" && session.conf !== undefined) this.#kept(session.conf);
        return;
      }
      case "renew":
        return this.renewals.asked(event, event.keys.flatMap((key) => fleet.ctls.get(key)?.tid ?? []));
      case "drain":
        return this.drains.asked(event.what, event);
      case "undrain":
        return this.drains.undrained(event.what, event.keys.flatMap((key) => fleet.ctls.get(key)?.tid ?? []));
      case "clock-set":
        if (who === "stacd") this.drains.clockSet(event.ms);
        return;
      case "exclusions":
        session.exclusions = event.exclusions;
        return;
      case "stop":
        session.stopping = true;
        return;
      case "config":
        this.#configured(who, session);
        return this.forgets.heard(event);
      case "service": {
        const { service } = event;
        const ignoreIface = this.conf("stafd")?.ignoreIface ?? false;
        this.knowledge.heard(service.key, tidAnnounced(service, ignoreIface, this.host.nqn));
        return;
      }
      case "resolved": {
        // Not what the name server said too late: that is nobody's (L6).
        const host = session.questions.get(event.op);
        session.questions.delete(event.op);
        if (host === undefined || !event.outcome.ok) return;
        return this.knowledge.answered({ who, host, addresses: event.outcome.value });
      }
      case "fetched":
        if (event.outcome.ok) this.knowledge.reported(event.outcome.value, this.#mono);
        return;
      case "stafd":
        this.knowledge.report = undefined;
        return;
      case "log-read": {
        const tid = fleet.ctls.get(event.key)?.tid;
        if (!event.outcome.ok || tid === undefined) return;
        const genctr = String(event.outcome.value.genctr);
        const found = this.knowledge.reads.findLast(({ statement, device }) =>
          statement.genctr === genctr && device !== undefined && sameAddress(device.traddr, tid.traddr)
        );
        if (found === undefined) {
          throw new Violation("S3", `stafd took a page of ${named(tid)} that was never read whole`);
        }
        this.knowledge.pages.set(identity(tid), { tid, statement: found.statement });
        this.knowledge.lastPages.set(identity(tid), { tid, statement: found.statement });
        return;
      }
    }
  }

  /** S10: only a file that is valid as a whole is taken. */
  #configured(who: Daemon, session: Session): void {
    const text = session.read;
    const conf = confOf(who, text, this.host.nqn);
    if (conf === undefined) throw new Violation("S10", `${who} took a configuration that is not valid`);
    session.isEdited ||= session.text !== undefined && session.text !== (text ?? "");
    session.text = text ?? "";
    session.conf = conf;
    if (who === "stacd") this.#kept(conf);
  }

  /** What a policy keeps when it is withdrawn is not removed later. */
  #kept(conf: Conf): void {
    for (const device of this.world.kernel.devices.all) {
      if (device.maker === "stacd" && this.keeps(conf, device)) this.disowned.add(device);
    }
  }

  /** Requirements 40. */
  keeps(conf: Conf, { transport }: Pick<Device, "transport">): boolean {
    if (conf.scope === "no-disconnect") return true;
    return conf.scope !== "only-stas-connections" && !conf.trtypes.has(transport);
  }

  /** A valid file at a reload that was not taken (S10). */
  notTaken(): string[] {
    return (["stafd", "stacd"] as const).filter((who) => {
      const { text } = this.sessions[who];
      const file = this.world.files.get(FILES[who]) ?? "";
      return text !== undefined && text !== file && confOf(who, file, this.host.nqn) !== undefined;
    }).map((who) => `${who} did not take its file`);
  }

  /** After a step: what it made of the news. */
  stepped(who: Daemon, event: AnyEvent, before: Fleet, after: Fleet, effects: readonly AnyEffect[]): void {
    this.#pace.stepped(who, event, before, after, effects);
    this.#tls.stepped(who, event, after);
    this.#bounded(who, after);
    if (event.type === "forget") this.forgets.stepped(event, before, after);
  }

  /** What stacd has drained after a step. */
  drained(claimed: readonly Claimed[], { ctls }: Fleet): void {
    this.drains.stepped(claimed, this.world.clock.now().wall, ctls.values());
  }

  /** S6: everything has a limit. */
  #bounded(who: Daemon, fleet: Fleet): void {
    const over = (what: string, size: number, limit: number) => {
      if (size > limit) throw new Violation("S6", `${who}: ${size} ${what}, more than ${limit}`);
    };
    const n = fleet.ctls.size;
    over("controllers", n, LIMITS.controllers);
    over("past controllers", fleet.past.length, LIMITS.past);
    over("probes", fleet.reaching, LIMITS.probes);
    over("probes (negative)", -fleet.reaching, 0);
    over("waiting to be probed", fleet.toReach.waiters.size, n);
    over("waiting to be connected", fleet.ready.waiters.size, n);
    const counting = fleet.agenda.times.size;
    const lines = this.conf(who)?.lines.length ?? 0;
    over("sources of log lines", fleet.told.size, LIMITS.logSources);
    over("reminders that count", counting, LIMITS.reminders * (n + 1) + lines + fleet.told.size);
    over("reminders", fleet.agenda.heap?.size ?? 0, 2 * counting + LIMITS.staleReminders);
    for (const ctl of fleet.ctls.values()) {
      over(`lines of history of ${ctl.key}`, ctl.history.length, LIMITS.history);
      over(`releases of ${ctl.key}`, ctl.released.size, LIMITS.releases);
    }
  }

  // --- effects -------------------------------------------------------------------------------------------------------

  effect(who: Daemon, effect: AnyEffect): void {
    this.#pace.effect(who, effect);
    switch (effect.do) {
      case "connect":
        this.#connects.judge(who, effect);
        this.#tls.judge(who, effect.request);
        if (who === "stacd") this.renewals.connecting(effect.request);
        return this.#one(who, "connect", effect.op, effect.key, effect.request.tid);
      case "disconnect":
        this.#one(who, "disconnect", effect.op, effect.key, effect.tid);
        return this.#disconnects.judge(who, effect);
      case "write-keys":
        return this.renewals.keys(effect);
      case "resolve":
        this.sessions[who].questions.set(effect.op, effect.host);
        return;
      case "log":
        return this.#secret(who, "log", effect.entry);
      case "signal":
        return this.#secret(who, "signal", effect.signal);
      case "save":
        return this.#secret(who, "state file", effect.state);
    }
  }

  /** S8. */
  #secret(who: Daemon, where: string, value: unknown): void {
    if (hasSecret(value)) throw new Violation("S8", `${who}: a secret in the ${where}`);
  }

  /** S8, for what goes over the bus. */
  overheard(who: Daemon, body: unknown): void {
    this.#secret(who, "message on the bus", body);
  }

  /** What stafd answers: nothing wanted is reported as dropped. */
  reportGiven(report: StafdReport): void {
    const conf = this.conf("stafd");
    if (conf === undefined) return;
    const wanted = stafdWants(this, conf, stafdRoots(this, conf));
    const listed = new Set(report.dcs.map(({ tid }) => identity(tid)));
    for (const { tid, why } of report.retired) {
      const wish = listed.has(identity(tid)) ? undefined : wanted.get(identity(tid));
      if (wish !== undefined) {
        throw new Violation(
          "S2",
          `stafd says that it dropped ${named(tid)} (${why}), which ${wish.why} asks for`,
        );
      }
    }
  }

  /** S5. */
  #one(who: Daemon, what: "connect" | "disconnect", op: number, key: string, tid: Tid): void {
    const { running } = this.sessions[who];
    const other = running.get(key);
    if (other !== undefined) {
      throw new Violation("S5", `${who}: ${what} of ${key} while its ${other.what} is under way`);
    }
    if (what === "connect" && [...running.values()].some((one) => one.what === "connect")) {
      throw new Violation("S5", `${who}: two connects at once`);
    }
    running.set(key, { what, op, tid, since: this.#mono });
  }
}

/** Is the mark in its JSON? It is plain text, which JSON does not change: texts are looked into as they are. */
function hasSecret(value: unknown): boolean {
  if (typeof value === "string") return value.includes(SECRET_MARK);
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(hasSecret);
  if ("toJSON" in value) return JSON.stringify(value).includes(SECRET_MARK);
  return Object.entries(value).some(([key, one]) => key.includes(SECRET_MARK) || hasSecret(one));
}
