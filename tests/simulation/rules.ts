/** The safety rules of the design, checked at every step and at every effect of either daemon. */
import { familyAllowed, toTid } from "../../src/lib/config/controller_line.ts";
import type { DaemonConf } from "../../src/lib/config/daemon_conf.ts";
import { excludedBy } from "../../src/lib/config/exclude.ts";
import type {
  ConnectorEffect,
  ConnectorEvent,
  FinderEffect,
  FinderEvent,
} from "../../src/lib/core/effects.ts";
import type { FinderState } from "../../src/lib/core/finder_state.ts";
import type { Evidence } from "../../src/lib/core/evidence.ts";
import { type Fleet, MAX_CTLS, MAX_PAST, MAX_PROBES } from "../../src/lib/core/fleet.ts";
import { MAX_HISTORY } from "../../src/lib/core/ctl.ts";
import { serviceAuthority } from "../../src/lib/core/mdns_services.ts";
import { isJson, listOf, textOf, tidOf } from "../../src/lib/core/saved.ts";
import { STAC } from "../../src/lib/dbus/interfaces.ts";
import { canonicalIp } from "../../src/lib/nvme/address.ts";
import { type Exclusion, exclusionOf } from "../../src/lib/nvme/exclusions.ts";
import { entryToText } from "../../src/lib/nvme/entry_text.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import { matches } from "../../src/lib/nvme/match.ts";
import { type Tid, tidKey, tidText, WELL_KNOWN_DISC_NQN } from "../../src/lib/nvme/tid.ts";
import type { MdnsService, StafdReport } from "../../src/lib/ports.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import type { LogVersion } from "../../src/lib/sim/discovery.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { Knowledge, tidOfListed, tidsListed } from "./knowledge.ts";
import { HOST_NQN, type Landscape, SECRET_MARK } from "./landscape.ts";
import type { StacdDaemon, StafdDaemon } from "./daemons.ts";
import { Violation } from "./violation.ts";

export type AnyEffect = FinderEffect | ConnectorEffect;
export type AnyEvent = FinderEvent | ConnectorEvent;
type Who = "stafd" | "stacd";
type Disconnect = Extract<AnyEffect, { readonly do: "disconnect" }>;
type Connect = Extract<AnyEffect, { readonly do: "connect" }>;

/** An operation under way; a connection that was made is read back before it is told of. */
interface Running {
  what: "connect" | "read-back" | "disconnect";
  readonly op: number;
  readonly tid: Tid;
}

/** What one process has been told and has under way; gone with the process. */
class Session {
  /** Incarnations of the devices it knows of, by name. */
  readonly devices = new Map<string, number>();
  readonly running = new Map<string, Running>();
  /** Undefined until it has been told. */
  exclusions: readonly Exclusion[] | undefined;
  stopping = false;
}

/** Somebody asks for a controller, and who. */
interface Wish {
  readonly tid: Tid;
  readonly why: string;
}

/** Reminders in an agenda for each controller, and as many for the daemon itself (S6). */
const MAX_REMINDERS = 14;

export class Rules {
  readonly knowledge = new Knowledge();
  readonly world: World;
  readonly landscape: Landscape;
  #sessions: Record<Who, Session> = { stafd: new Session(), stacd: new Session() };
  stafd: StafdDaemon | undefined;
  stacd: StacdDaemon | undefined;

  constructor(world: World, landscape: Landscape) {
    this.world = world;
    this.landscape = landscape;
    world.kernel.wasRead = (page) => this.knowledge.read(page, world.clock.now().wall);
    world.resolver.witness = (who, host, addresses) => {
      this.knowledge.answers.push({ who, host, addresses });
      this.knowledge.everAnswered.add(`${host} ${addresses.toSorted().join()}`);
    };
  }

  /** A process starts with what is in its state file, and with nothing else. */
  restarted(who: Who, stateFile: string | undefined): void {
    this.#sessions[who] = new Session();
    const saved = savedReads(stateFile);
    this.knowledge.answers = this.knowledge.answers.filter((answer) => answer.who !== who);
    const { pages, told, announced } = this.knowledge;
    if (who === "stafd") {
      for (const [key, { statement }] of pages) if (!saved.includes(statement.wall)) pages.delete(key);
      const claims = savedClaims(stateFile);
      for (const [key, { service, tid }] of announced) {
        if (!claims.has(`${serviceAuthority(service)} ${tidKey(tid)}`)) announced.delete(key);
      }
    } else {
      for (const [key, { readAt }] of told) if (!saved.includes(readAt)) told.delete(key);
    }
  }

  /** S3: a page that counts as read was read whole, with this generation and these entries. */
  pageTaken(state: FinderState, key: string): void {
    const page = state.dcs.get(key)?.page;
    if (page?.fresh !== true) return;
    const read = this.knowledge.reads.some(({ statement }) =>
      statement.genctr === page.genctr && statement.entries.length === page.entries.length
    );
    if (!read) {
      throw new Violation("S3", `stafd took a page of generation ${page.genctr} that was never read whole`);
    }
  }

  /** What stafd has let go of has no say any more. */
  forget({ ctls }: Fleet): void {
    const { pages, announced } = this.knowledge;
    const conf = this.stafd?.conf;
    for (const [key, { tid }] of pages) {
      const out = conf !== undefined && this.#refused("stafd", conf, tid) &&
        !this.stafdWants(conf, this.stafdRoots(conf)).has(key);
      if (out || !ctls.has(key)) pages.delete(key);
    }
    for (const [key, { tid }] of announced) if (!ctls.has(tidKey(tid))) announced.delete(key);
  }

  readByStandIn(page: LogVersion): void {
    const entries = page.entries.map(entryToText);
    const statement = { genctr: String(page.genctr), entries, wall: this.world.clock.now().wall };
    this.knowledge.reads.push({ device: undefined, statement });
  }

  // --- steps ---------------------------------------------------------------------------------------------------------

  /** Before the core is told: what does it learn? */
  told(who: Who, event: AnyEvent): void {
    const session = this.#sessions[who];
    switch (event.type) {
      case "device":
        session.devices.set(event.ctrl.device, event.ctrl.incarnation);
        return;
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
      case "disconnected":
        session.running.delete(event.key);
        return;
      case "exclusions":
        session.exclusions = event.exclusions;
        return;
      case "stop":
        session.stopping = true;
        return;
      case "config": {
        const daemon = who === "stafd" ? this.stafd : this.stacd;
        if (daemon?.fileIsValid !== true) {
          throw new Violation("S10", `${who} took a configuration that is not valid`);
        }
        return;
      }
      case "service":
        this.knowledge.heard(event.service.key, this.serviceTid(event.service, this.confOf("stafd")));
        return;
      case "fetched":
        if (event.outcome.ok) this.knowledge.reported(event.outcome.value);
        return;
      case "stafd":
        this.knowledge.report = undefined;
        return;
      case "log-read": {
        const tid = this.stafd?.state.fleet.ctls.get(event.key)?.tid;
        if (!event.outcome.ok || tid === undefined) return;
        const found = this.knowledge.reads.findLast(({ statement: { genctr }, device }) =>
          event.outcome.ok && genctr === String(event.outcome.value.genctr) &&
          canonicalIp(device?.traddr ?? "") === canonicalIp(tid.traddr)
        );
        if (found === undefined) {
          throw new Violation("S3", `stafd took a page of ${tidText(tid)} that was never read whole`);
        }
        this.knowledge.pages.set(event.key, { tid, statement: found.statement });
        return;
      }
    }
  }

  /** S6: everything has a limit. */
  bounded(who: Who, fleet: Fleet): void {
    const over = (what: string, size: number, limit: number) => {
      if (size > limit) throw new Violation("S6", `${who}: ${size} ${what}, more than ${limit}`);
    };
    const n = fleet.ctls.size;
    over("controllers", n, MAX_CTLS);
    over("past controllers", fleet.past.length, MAX_PAST);
    over("probes", fleet.reaching, MAX_PROBES);
    over("probes (negative)", -fleet.reaching, 0);
    over("waiting to be probed", fleet.toReach.length, 2 * n + 8);
    over("waiting to be connected", fleet.ready.length, 2 * n + 8);
    over("reminders", fleet.agenda.heap?.size ?? 0, MAX_REMINDERS * (n + 5));
    for (const ctl of fleet.ctls.values()) {
      over(`lines of history of ${ctl.key}`, ctl.history.length, MAX_HISTORY);
      over(`releases of ${ctl.key}`, ctl.released.size, 32);
    }
  }

  // --- effects -------------------------------------------------------------------------------------------------------

  effect(who: Who, effect: AnyEffect): void {
    switch (effect.do) {
      case "connect":
        return this.#connect(who, effect);
      case "disconnect":
        return this.#disconnect(who, effect);
      case "log":
        return this.#secret(who, "log", effect.entry);
      case "signal":
        return this.#secret(who, "signal", effect.signal);
      case "save":
        return this.#secret(who, "state file", effect.value);
    }
  }

  /** S8. */
  #secret(who: Who, where: string, value: unknown): void {
    if (JSON.stringify(value).includes(SECRET_MARK)) {
      throw new Violation("S8", `${who}: a secret in the ${where}`);
    }
  }

  /** S8, for what goes over the bus. */
  overheard(name: string, body: unknown): void {
    this.#secret(name === STAC.name ? "stacd" : "stafd", "message on the bus", body);
  }

  /** What stafd answers: nobody let go who is asked for. */
  reportGiven(report: StafdReport): void {
    const conf = this.stafd?.conf;
    if (conf === undefined) return;
    const wanted = this.stafdWants(conf, this.stafdRoots(conf));
    const listed = new Set(report.dcs.map(({ tid }) => tidKey(tid)));
    for (const { tid, why } of report.retired) {
      const who = listed.has(tidKey(tid)) ? undefined : wanted.get(tidKey(tid));
      if (who !== undefined) {
        throw new Violation(
          "S2",
          `stafd says that it let go of ${tidText(tid)} (${why}), which ${who} asks for`,
        );
      }
    }
  }

  #one(who: Who, what: "connect" | "disconnect", op: number, key: string, tid: Tid): void {
    const { running } = this.#sessions[who];
    const other = running.get(key);
    if (other !== undefined) {
      throw new Violation("S5", `${who}: ${what} of ${key} while its ${other.what} is under way`);
    }
    if (what === "connect" && [...running.values()].some((one) => one.what === "connect")) {
      throw new Violation("S5", `${who}: two connects at once`);
    }
    running.set(key, { what, op, tid });
  }

  /** Made a moment ago and still being read back: it does not know the device yet, and has to remember that it asked. */
  #justMade(who: Who, view: KernelCtrl): boolean {
    return [...this.#sessions[who].running.values()].some(({ what, tid }) =>
      what === "read-back" && matches(tid, view, this.world.fabric.interfaces)
    );
  }

  confOf(who: Who): DaemonConf {
    const conf = who === "stafd" ? this.stafd?.conf : this.stacd?.conf;
    if (conf === undefined) throw new Violation("S10", `${who} acts without a configuration`);
    return conf;
  }

  #connect(who: Who, effect: Connect): void {
    const { op, key, request: { tid, hostId } } = effect;
    const conf = this.confOf(who);
    const exclude = excludedBy(tid, conf.excludes);
    if (exclude !== undefined) {
      throw new Violation("S7", `${who} connects ${tidText(tid)}, excluded by ${exclude.text}`);
    }
    if (!familyAllowed(tid.traddr, conf.ipFamilies.value)) {
      throw new Violation("S7", `${who} connects ${tidText(tid)} of a disabled family`);
    }
    const { exclusions } = this.#sessions[who];
    if (exclusions === undefined) {
      throw new Violation(
        "S7",
        `${who} connects ${tidText(tid)}, and does not know what is excluded host-wide`,
      );
    }
    const barred = exclusionOf(tid, hostId, exclusions);
    if (barred !== undefined) {
      throw new Violation("S7", `${who} connects ${tidText(tid)}, excluded by ${barred.origin}`);
    }
    for (const device of this.world.kernel.devices.all) {
      if (!device.complete || device.state === "deleting") continue;
      const view = this.world.kernel.devices.view(device);
      const known = this.#sessions[who].devices.get(device.name) === device.incarnation;
      if (!known && !(device.maker === who && this.#justMade(who, view))) continue;
      if (who === "stafd" ? !view.isDc : !view.isIoc) continue;
      if (matches(tid, view, this.world.fabric.interfaces)) {
        throw new Violation("S4", `${who} connects ${tidText(tid)}, which is connected as ${device.name}`);
      }
    }
    this.#one(who, "connect", op, key, tid);
  }

  #disconnect(who: Who, effect: Disconnect): void {
    const { op, key, target, tid, evidence } = effect;
    this.#one(who, "disconnect", op, key, tid);
    const named = this.world.kernel.devices.get(target.device);
    const device = named?.incarnation === target.incarnation ? named : undefined;
    if (device !== undefined) this.#ours(who, device, tid);
    if (who === "stafd") this.#stafdMay(key, tid, evidence);
    else this.#stacdMay(key, tid, evidence, device);
  }

  /** S1. */
  #ours(who: Who, device: Device, tid: Tid): void {
    const bad = (why: string) => {
      throw new Violation(
        "S1",
        `${who} disconnects ${device.name} (${device.target?.text ?? "local"}): ${why}`,
      );
    };
    if (device.target === undefined) return bad("it is a local device");
    if (device.owner !== "" && device.owner !== "stas") return bad(`it belongs to ${device.owner}`);
    const { boot, nbft } = this.landscape;
    if (nbft.boot.length > 0 && device.target === boot) return bad("the machine was booted from it");
    if (who === "stafd" !== (device.target.discovery !== undefined)) {
      return bad("it is of the other daemon's kind");
    }
    const named = device.target.nqn === tid.subsysnqn ||
      (tid.subsysnqn === WELL_KNOWN_DISC_NQN && device.target.discovery !== undefined);
    if (!named || canonicalIp(device.traddr) !== canonicalIp(tid.traddr) || device.trsvcid !== tid.trsvcid) {
      return bad(`it is not ${tidText(tid)}`);
    }
    if (who === "stafd") return;
    const conf = this.stacd?.conf;
    if (conf?.disconnectScope.value === "no-disconnect") return bad("disconnect-scope=no-disconnect");
    const trtypes: ReadonlySet<string> = conf?.disconnectTrtypes.value ?? new Set();
    if (
      conf?.disconnectScope.value === "all-connections-matching-disconnect-trtypes" &&
      !trtypes.has(device.transport)
    ) return bad("disconnect-trtypes does not name its transport");
  }

  // --- S2 ------------------------------------------------------------------------------------------------------------

  /** The exclude line or family that forbids it, in the configuration that is in force. */
  #refused(who: Who, conf: DaemonConf, tid: Tid): boolean {
    const written = this.#lineTids(who, conf).filter(({ resolved }) =>
      resolved.some((one) => tidKey(one) === tidKey(tid))
    );
    return excludedBy(tid, conf.excludes) !== undefined ||
      !familyAllowed(tid.traddr, conf.ipFamilies.value) ||
      written.some((line) => excludedBy(line.written, conf.excludes) !== undefined);
  }

  /** What the lines of a file mean, with the last answer for each name. */
  #lineTids(who: Who, conf: DaemonConf): { readonly written: Tid; readonly resolved: readonly Tid[] }[] {
    return conf.controllers.map((line) => {
      const written = toTid(line, { hostNqn: HOST_NQN, ignoreIface: conf.ignoreIface.value });
      if (canonicalIp(written.traddr) !== undefined) return { written, resolved: [written] };
      const answer = this.knowledge.answers.findLast((one) => one.who === who && one.host === written.traddr);
      return { written, resolved: (answer?.addresses ?? []).map((traddr) => ({ ...written, traddr })) };
    });
  }

  #truth(who: Who, tid: Tid, evidence: Evidence, subtype: "nvme" | "referral"): void {
    const lie = (why: string) => {
      throw new Violation("S2", `${who} disconnects ${tidText(tid)} on false evidence: ${why}`);
    };
    const key = tidKey(tid);
    switch (evidence.kind) {
      case "log-page": {
        const dc =
          [...this.knowledge.pages.values(), ...[...this.knowledge.told.values()]].map(({ tid }) => tid)
            .find((one) => tidText(one) === evidence.dc) ?? { ...tid, hostTraddr: "", hostIface: "" };
        if (!this.knowledge.readWithout(evidence.genctr, subtype, key, dc)) {
          lie(`no page of ${evidence.dc}, generation ${evidence.genctr}, without it was ever read`);
        }
        return;
      }
      case "resolved": {
        const [host, ...all] = [evidence.host, ...evidence.addresses.split(", ")];
        const given = [...this.knowledge.everAnswered].some((answer) =>
          answer.startsWith(`${host} `) && all.every((one) => answer.includes(one))
        );
        if (!given) lie(`${host} never resolved to ${evidence.addresses}`);
        if (who === "stacd" && all.some((one) => canonicalIp(one) === canonicalIp(tid.traddr))) {
          lie(`${host} resolves to it`);
        }
        return;
      }
      case "dc-retired":
        if (who === "stacd" && !this.knowledge.retired.some((one) => tidText(one.tid) === evidence.dc)) {
          lie(`${evidence.dc} was never let go`);
        }
        return;
      case "stop":
        if (
          who !== "stafd" || !this.#sessions.stafd.stopping ||
          this.stafd?.conf?.persistentConnections.value !== false
        ) {
          lie("the daemon does not stop, or keeps its connections");
        }
        return;
      case "audit":
        if (this.stacd?.conf?.disconnectScope.value !== "all-connections-matching-disconnect-trtypes") {
          lie("disconnect-scope does not say so");
        }
        return;
    }
  }

  #stafdMay(key: string, tid: Tid, evidence: readonly Evidence[]): void {
    const conf = this.stafd?.conf;
    if (conf === undefined) throw new Violation("S2", "stafd disconnects without a configuration");
    for (const one of evidence) this.#truth("stafd", tid, one, "referral");
    if (evidence.some(({ kind }) => kind === "stop")) return;
    const roots = this.stafdRoots(conf);
    const wanted = this.stafdWants(conf, roots);
    if (wanted.has(key)) {
      throw new Violation("S2", `stafd disconnects ${tidText(tid)}, which ${wanted.get(key)} asks for`);
    }
  }

  /** Discovery controllers that a line, a service or a boot table asks for, and who. */
  stafdRoots(conf: DaemonConf): readonly Wish[] {
    const roots: Wish[] = [];
    for (const { written, resolved } of this.#lineTids("stafd", conf)) {
      // Which of several addresses of a name is used is the daemon's choice.
      for (const tid of resolved.length === 1 ? resolved : []) {
        roots.push({ tid, why: `the line for ${written.traddr}` });
      }
    }
    for (const { tid } of this.landscape.nbft.discovery) {
      roots.push({ tid, why: "the boot table" });
    }
    for (const { service, tid } of this.knowledge.announced.values()) {
      roots.push({ tid, why: `service ${service}` });
    }
    return roots;
  }

  /** What a service asks for. */
  serviceTid(service: MdnsService, conf: DaemonConf): Tid {
    const txt = service.txt.map((record) => new TextDecoder().decode(record));
    const transport = txt[0] === "p=tcp" ? "tcp" : "rdma";
    return {
      transport,
      traddr: service.traddr,
      trsvcid: String(service.port),
      subsysnqn: txt.find((text) => /^nqn=/i.test(text))?.slice(4) ?? WELL_KNOWN_DISC_NQN,
      hostTraddr: "",
      hostIface: transport === "tcp" && !conf.ignoreIface.value ? service.hostIface : "",
      hostNqn: HOST_NQN,
    };
  }

  /** All that is asked for along referrals of the pages read last, and who asks. */
  stafdWants(conf: DaemonConf, roots: readonly Wish[]): Map<string, string> {
    const wanted = new Map<string, string>();
    const queue = [...roots];
    for (const { tid, why } of queue) {
      const key = tidKey(tid);
      if (wanted.has(key) || this.#refused("stafd", conf, tid)) continue;
      wanted.set(key, why);
      const page = this.knowledge.pages.get(key);
      if (page === undefined) continue;
      for (const next of tidsListed(page.statement.entries, page.tid, "referral")) {
        queue.push({ tid: next, why: `a referral of ${tidText(page.tid)}` });
      }
    }
    return wanted;
  }

  #stacdMay(key: string, tid: Tid, evidence: readonly Evidence[], device: Device | undefined): void {
    const conf = this.stacd?.conf;
    if (conf === undefined) throw new Violation("S2", "stacd disconnects without a configuration");
    for (const one of evidence) this.#truth("stacd", tid, one, "nvme");
    const wanted = (who: string, asked: Tid): void => {
      // Each as they spell it: ip-family may turn one of two spellings away (TID-16).
      if (tidKey(asked) !== key || this.#refused("stacd", conf, asked)) return;
      throw new Violation("S2", `stacd disconnects ${tidText(tid)}, which ${who} asks for`);
    };
    for (const { written, resolved } of this.#lineTids("stacd", conf)) {
      const [only, ...others] = resolved;
      if (only !== undefined && others.length === 0) wanted(`the line for ${written.traddr}`, only);
    }
    for (const dc of this.knowledge.told.values()) {
      for (const asked of tidsListed(dc.entries, dc.tid, "nvme")) wanted(tidText(dc.tid), asked);
    }
    if (evidence.some(({ kind }) => kind === "audit")) this.#audit(tid, device);
  }

  /** Nobody asks for it, says the audit: then everybody must have been asked. */
  #audit(tid: Tid, device: Device | undefined): void {
    const { report } = this.knowledge;
    const unknown = report === undefined
      ? "stafd"
      : report.dcs.map((dc) => dc.page === "read" ? "" : tidText(dc.tid)).find((text) => text !== "");
    if (unknown !== undefined) {
      throw new Violation("S2", `the audit disconnects ${tidText(tid)} although ${unknown} has not answered`);
    }
    // ISS-16: also under another spelling or another source nobody may ask for this very connection.
    if (device === undefined) return;
    const view = this.world.kernel.devices.view(device);
    for (const dc of report?.dcs ?? []) {
      for (const entry of dc.entries) {
        const wanted = entry["subtype"] === "nvme" ? tidOfListed(entry, dc.tid) : undefined;
        const conf = this.confOf("stacd");
        if (wanted === undefined || this.#refused("stacd", conf, wanted)) continue;
        if (matches(wanted, view, this.world.fabric.interfaces)) {
          throw new Violation("S2", `the audit disconnects ${device.name}, which serves ${tidText(wanted)}`);
        }
      }
    }
  }
}

/** Who asks for what in a state file, as `authority key`. A torn one says nothing, to the daemon too. */
function savedClaims(stateFile: string | undefined): ReadonlySet<string> {
  const claims = new Set<string>();
  let value: unknown;
  try {
    value = JSON.parse(stateFile ?? "{}");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  for (const record of isJson(value) ? listOf(value["controllers"]) : []) {
    const tid = isJson(record) ? tidOf(record["tid"]) : undefined;
    if (!isJson(record) || tid === undefined) continue;
    for (const claim of listOf(record["claims"])) {
      if (isJson(claim)) claims.add(`${textOf(claim["authority"])} ${tidKey(tid)}`);
    }
  }
  return claims;
}

/** When the pages in a state file were read. */
function savedReads(stateFile: string | undefined): readonly number[] {
  return [...(stateFile ?? "").matchAll(/"readAt":(\d+)/g)].map(([, at]) => Number(at));
}
