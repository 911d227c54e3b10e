/** Discovery controllers that mDNS announces, and how long a silent one is kept (requirements 30). */
import { AVAHI_SETTLE } from "../retry.ts";
import { identifyService } from "../../nvme/mdns_txt.ts";
import { canonicalIp, isLinkLocal, withScope } from "../../nvme/address.ts";
import { printable } from "../../base/plain_text.ts";
import { type Tid, tidKey } from "../../nvme/tid.ts";
import { after, isoTime, reached } from "../../base/time.ts";
import type { MdnsEvent, MdnsService } from "../../ports.ts";
import { OF_CONTROLLER } from "../fleet/agenda.ts";
import type { Claim, Ctl } from "../controller/ctl.ts";
import type { StafdHost } from "./stafd_host.ts";
import { sameFarSide } from "../fleet/fleet_move.ts";
import { MAX_DOUBLED, MAX_SERVICES, ROOMY_SERVICES, type Service } from "./stafd_state.ts";

const SETTLE_REMINDER = "#avahi";
const { lost: LOST_REMINDER } = OF_CONTROLLER;

const serviceText = ({ name, hostIface, protocol }: MdnsService): string =>
  `"${printable(name)}" on ${hostIface} (${protocol})`;

/** The source of its log lines: everything announced on that interface (log_limit.ts). */
const heardOn = ({ hostIface }: MdnsService): string => `mDNS on ${hostIface}`;

export const serviceAuthority = (key: string): string => `mdns:${key}`;

export class MdnsTurn {
  readonly stafd: StafdHost;

  constructor(stafd: StafdHost) {
    this.stafd = stafd;
  }

  take(event: MdnsEvent): void {
    const { stafd } = this;
    switch (event.type) {
      case "avahi":
        return this.#avahi(event.available, event.message);
      case "service":
        return this.#service(event.service);
      case "service-gone":
        return this.#gone(event.key);
      case "mdns-problem":
        return stafd.fleet.logOf("mDNS", "error", event.message);
    }
  }

  /**
   * A missing Avahi proves nothing about the controllers: its former reports are unknown until it has had
   * time to repeat them.
   */
  #avahi(available: boolean, message: string): void {
    const { stafd } = this;
    if (stafd.state.avahi.available === available) return;
    stafd.state = { ...stafd.state, avahi: { available, message, settled: false } };
    stafd.fleet.log(available ? "info" : "warning", message);
    if (available) return stafd.fleet.remindAt(after(stafd.now, AVAHI_SETTLE), SETTLE_REMINDER);
    for (const [key, service] of stafd.state.services) this.#put(key, { ...service, stale: true });
  }

  #put(key: string, service: Service): void {
    const { stafd } = this;
    stafd.state = { ...stafd.state, services: stafd.state.services.with(key, service) };
  }

  #service(service: MdnsService): void {
    const { stafd } = this;
    const { key } = service;
    const old = stafd.state.services.get(key);
    if (old === undefined && stafd.state.services.size >= MAX_SERVICES && !this.#makeRoom(service)) {
      stafd.state = { ...stafd.state, unheard: true };
      const text = `More than ${MAX_SERVICES} mDNS services; ${key} is left out until there is room`;
      return stafd.fleet.logOf(heardOn(service), "error", text);
    }
    const txt = identifyService(service.txt, service.stype);
    if (!txt.ok) {
      stafd.fleet.logOf(
        heardOn(service),
        "error",
        `mDNS service ${key} at ${service.traddr} on ${service.hostIface}: ${txt.problem}`,
      );
      if (old?.key !== undefined) this.#withdraw(old.key, key);
      return this.#put(key, { service, tid: undefined, key: undefined, stale: false });
    }
    const { transport } = txt;
    if (txt.notice !== undefined && old === undefined) {
      stafd.fleet.logOf(heardOn(service), "notice", `mDNS service ${key}: ${txt.notice}`);
    }
    // Only tcp supports an interface; it is the one on which the announcement came.
    const asksIface = transport === "tcp" && !(stafd.state.conf?.ignoreIface.value ?? false);
    const tid: Tid = {
      transport,
      // Without an interface a link-local address cannot be reached.
      traddr: asksIface ? service.traddr : withScope(service.traddr, service.hostIface),
      trsvcid: String(service.port),
      subsysnqn: txt.nqn,
      hostTraddr: "",
      hostIface: asksIface ? service.hostIface : "",
      hostNqn: stafd.fleet.fleet.host?.nqn ?? "",
    };
    const ctlKey = tidKey(tid);
    const { traddr } = tid;
    const { hostIface } = service;
    const claim: Claim = {
      kind: "mdns",
      service: serviceText(service),
      hostIface,
      traddr,
      present: true,
      heard: true,
    };
    this.#follow(key, tid, claim);
    if (old?.key !== undefined && old.key !== ctlKey) this.#withdraw(old.key, key);
    this.#put(key, { service, tid, key: ctlKey, stale: false });
    if (!stafd.fleet.claim(ctlKey, tid, serviceAuthority(key), claim)) {
      stafd.fleet.logOf(
        heardOn(service),
        "error",
        `Too many controllers; mDNS service ${key} is left out until there is room`,
      );
    }
    // Announced (again): worth an attempt now.
    stafd.fleet.nudge(ctlKey, true);
    this.#doubled(service);
  }

  /** STAF-40: one address on two interfaces is an error of the network, reported once. */
  #doubled(heard: MdnsService): void {
    const { stafd } = this;
    const { traddr } = heard;
    const address = canonicalIp(traddr) ?? traddr;
    // The same link-local address on two interfaces is correct.
    if (stafd.state.doubled.has(address) || isLinkLocal(address)) return;
    const interfaces = new Set<string>();
    stafd.fleet.work += stafd.state.services.size;
    for (const { service } of stafd.state.services.values()) {
      if ((canonicalIp(service.traddr) ?? service.traddr) === address) interfaces.add(service.hostIface);
    }
    if (interfaces.size < 2) return;
    const doubled = new Set([...stafd.state.doubled, address].slice(-MAX_DOUBLED));
    stafd.state = { ...stafd.state, doubled };
    const names = [...interfaces].toSorted().join(", ");
    stafd.fleet.logOf(
      heardOn(heard),
      "error",
      `IP address ${address} was found on multiple interfaces: ${names}`,
    );
  }

  #gone(key: string): void {
    const { stafd } = this;
    const service = stafd.state.services.get(key);
    // While Avahi is not running no service is withdrawn; it is merely no longer confirmed.
    if (stafd.state.avahi.available === false) return;
    if (service === undefined) {
      // A service that made way for others is withdrawn as well.
      for (const ctl of stafd.fleet.saidOf(serviceAuthority(key))) this.#withdraw(ctl.key, key);
      return;
    }
    stafd.state = { ...stafd.state, services: stafd.state.services.without(key) };
    if (service.key !== undefined) this.#withdraw(service.key, key);
    const { unheard, services } = stafd.state;
    if (!unheard || services.size > ROOMY_SERVICES) return;
    stafd.state = { ...stafd.state, unheard: false };
    stafd.fleet.emit({ do: "browse-again" });
  }

  /** If there are too many services, those of the busiest interface make way (S16). Their claims stay. */
  #makeRoom({ hostIface }: MdnsService): boolean {
    const { stafd } = this;
    const { services } = stafd.state;
    stafd.fleet.work += services.size;
    const heard = new Map<string, number>();
    for (const { service } of services.values()) {
      heard.set(service.hostIface, (heard.get(service.hostIface) ?? 0) + 1);
    }
    const [most = "", count = 0] = [...heard].toSorted(([, a], [, b]) => b - a)[0] ?? [];
    if (most === hostIface || count <= (heard.get(hostIface) ?? 0) + 1) return false;
    const gone = [...services].find(([, { service }]) => service.hostIface === most);
    if (gone === undefined) return false;
    stafd.state = { ...stafd.state, unheard: true, services: services.without(gone[0]) };
    return true;
  }

  /** Services for which the table of controllers had no room make their claims again. */
  retake(): void {
    for (const [name, { service, key, stale }] of this.stafd.state.services) {
      if (key === undefined || stale || this.stafd.fleet.ctl(key)?.claims.has(serviceAuthority(name))) {
        continue;
      }
      this.#service(service);
    }
  }

  /** The service is the same; only our side of its controller has another identity. */
  #follow(serviceKey: string, tid: Tid, claim: Claim): void {
    const { fleet } = this.stafd;
    const authority = serviceAuthority(serviceKey);
    for (const ctl of fleet.saidOf(authority)) {
      if (!ctl.claims.has(authority) || ctl.key === tidKey(tid) || !sameFarSide(ctl.tid, tid)) continue;
      fleet.move(ctl.key, authority, tid, claim);
    }
  }

  /** This host has a new NQN, which all controllers found by mDNS take. */
  renamed(hostNqn: string): void {
    const { fleet } = this.stafd;
    for (const ctl of fleet.all()) {
      if (ctl.tid.hostNqn === hostNqn) continue;
      for (const [authority, claim] of ctl.claims) {
        if (claim.kind === "mdns") fleet.move(ctl.key, authority, { ...ctl.tid, hostNqn }, claim);
      }
    }
    for (const [key, service] of this.stafd.state.services) {
      if (service.tid === undefined || service.tid.hostNqn === hostNqn) continue;
      const tid = { ...service.tid, hostNqn };
      this.#put(key, { ...service, tid, key: tidKey(tid) });
    }
  }

  #withdraw(ctlKey: string, serviceKey: string): void {
    const ctl = this.stafd.fleet.ctl(ctlKey);
    const authority = serviceAuthority(serviceKey);
    const claim = ctl?.claims.get(authority);
    if (ctl === undefined || claim?.kind !== "mdns") return;
    this.stafd.fleet.claim(ctlKey, ctl.tid, authority, { ...claim, present: false, heard: true });
  }

  /** zeroconf=disabled: stafd treats all announcements as withdrawn (STAF-40c). */
  withdrawAll(): void {
    for (const [key, service] of this.stafd.state.services) {
      this.stafd.state = { ...this.stafd.state, services: this.stafd.state.services.without(key) };
      if (service.key !== undefined) this.#withdraw(service.key, key);
    }
  }

  /** True when the reminder was for a service. */
  reminded(key: string): boolean {
    const { stafd } = this;
    if (key === SETTLE_REMINDER) {
      if (stafd.state.avahi.available === true) {
        stafd.state = { ...stafd.state, avahi: { ...stafd.state.avahi, settled: true } };
        for (const [name, service] of stafd.state.services) if (service.stale) this.#gone(name);
      }
      return true;
    }
    return key.startsWith(LOST_REMINDER);
  }

  /** Starts, stops and ends the clocks of controllers that mDNS no longer announces (STAF-75 to STAF-82). */
  lostAndFound(): void {
    const { stafd } = this;
    // Without Avahi the announcements are unknown, so no clock runs (S2).
    const heard = stafd.state.avahi.settled || stafd.state.conf?.zeroconf.value === false;
    for (const ctl of stafd.fleet.all()) {
      const dc = stafd.dc(ctl.key);
      const listed = dc.listed || ctl.link.phase === "up" || ctl.link.phase === "ready" || !onlyMdns(ctl);
      if (listed !== dc.listed) stafd.putDc(ctl.key, { ...dc, listed });
      if (!isLost(ctl) || !heard) {
        if (dc.lost !== undefined) stafd.putDc(ctl.key, { ...stafd.dc(ctl.key), lost: undefined });
        continue;
      }
      if (dc.lost === undefined) this.#startClock(ctl);
      else if (reached(dc.lost.deadline, stafd.now) && ctl.link.phase !== "connecting") {
        // While the kernel is connecting it, reachability is unknown (S2).
        this.#expire(ctl, dc.lost.since, dc.lost.persistence.ms);
      }
    }
  }

  #startClock(ctl: Ctl): void {
    const { stafd } = this;
    const persistence = stafd.state.conf?.zeroconfPersistence.value;
    if (persistence === undefined) return;
    const deadline = after(stafd.now, persistence);
    stafd.putDc(ctl.key, { ...stafd.dc(ctl.key), lost: { since: stafd.now.wall, deadline, persistence } });
    if (persistence.ms === Infinity) {
      return stafd.fleet.say("info", ctl, "Controller is not responding. Retrying...");
    }
    const when = isoTime(stafd.now.wall + persistence.ms);
    stafd.fleet.say("info", ctl, `Controller is not responding. Will be removed by ${when} unless restored`);
    stafd.fleet.remindAt(deadline, LOST_REMINDER + ctl.key);
  }

  #expire(ctl: Ctl, since: number, timeoutMs: number): void {
    for (const authority of ctl.claims.keys()) {
      this.stafd.fleet.release(ctl.key, authority, { kind: "unresponsive", since, timeoutMs });
    }
  }
}

const onlyMdns = (ctl: Ctl): boolean => [...ctl.claims.values()].every(({ kind }) => kind === "mdns");

/**
 * STAF-76: claimed by mDNS alone, withdrawn, and tried without success. A controller that was not tried yet,
 * for instance after a restart, may well be reachable (S2).
 */
function isLost(ctl: Ctl): boolean {
  if (ctl.claims.size === 0 || ctl.lastFailure === undefined) return false;
  if (ctl.link.phase === "up" || ctl.link.phase === "deleting") return false;
  return [...ctl.claims.values()].every((claim) => claim.kind === "mdns" && !claim.present);
}
