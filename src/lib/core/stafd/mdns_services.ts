/** Discovery controllers that mDNS announces, and how long a silent one is kept (requirements 30). */
import type { MdnsEvent, MdnsService } from "../../ports.ts";
import { printable } from "../../base/plain_text.ts";
import { dcAt, putDc, type StafdDraft } from "./stafd_draft.ts";
import { logLine, logOf, say } from "../fleet/reporting.ts";
import { emit, remindAt, trySoon } from "../fleet/draft.ts";
import { after, isoTime, reached } from "../../base/time.ts";
import { AVAHI_SETTLE } from "../retry.ts";
import { MAX_DOUBLED, MAX_SERVICES, ROOMY_SERVICES, type Service } from "./stafd_state.ts";
import { identifyService } from "../../nvme/mdns_txt.ts";
import { type Tid, tidKey } from "../../nvme/tid.ts";
import { canonicalIp, isLinkLocal, withScope } from "../../nvme/address.ts";
import type { Claim, Ctl } from "../controller/ctl.ts";
import { addClaim, withdraw } from "../fleet/claims.ts";
import { allCtls, ctlAt, saidOf } from "../fleet/questions.ts";
import { moveClaim, sameFarSide } from "../fleet/move.ts";

const serviceText = ({ name, hostIface, protocol }: MdnsService): string =>
  `"${printable(name)}" on ${hostIface} (${protocol})`;

/** The source of its log lines: everything announced on that interface (log_limit.ts). */
const heardOn = ({ hostIface }: MdnsService): string => `mDNS on ${hostIface}`;

const serviceAuthority = (key: string): string => `mdns:${key}`;

export function takeMdns(draft: StafdDraft, event: MdnsEvent): void {
  switch (event.type) {
    case "avahi":
      return avahiChanged(draft, event.available, event.message);
    case "service":
      serviceHeard(draft, event.service);
      // Here and not when left out services are taken in again: each goes through all of them (S11).
      if (draft.state.services.get(event.service.key)?.key !== undefined) noteDoubled(draft, event.service);
      return;
    case "service-gone":
      return serviceGone(draft, event.key);
    case "mdns-problem":
      return logOf(draft, "mDNS", "error", event.message);
  }
}

/**
 * A missing Avahi proves nothing about the controllers: its former reports are unknown until it has had
 * time to repeat them.
 */
function avahiChanged(draft: StafdDraft, available: boolean, message: string): void {
  if (draft.state.avahi.available === available) return;
  draft.state = { ...draft.state, avahi: { available, message, settled: false } };
  logLine(draft, available ? "info" : "warning", message);
  if (available) return remindAt(draft, after(draft.now, AVAHI_SETTLE), { of: "avahi" });
  for (const [key, service] of draft.state.services) putService(draft, key, { ...service, stale: true });
}

function putService(draft: StafdDraft, key: string, service: Service): void {
  draft.state = { ...draft.state, services: draft.state.services.with(key, service) };
}

function serviceHeard(draft: StafdDraft, service: MdnsService): void {
  const { key } = service;
  const old = draft.state.services.get(key);
  if (old === undefined && draft.state.services.size >= MAX_SERVICES && !makeServiceRoom(draft, service)) {
    draft.state = { ...draft.state, unheard: true };
    const text = `More than ${MAX_SERVICES} mDNS services; ${key} is left out until there is room`;
    return logOf(draft, heardOn(service), "error", text);
  }
  const txt = identifyService(service.txt, service.stype);
  if (!txt.ok) {
    logOf(
      draft,
      heardOn(service),
      "error",
      `mDNS service ${key} at ${service.traddr} on ${service.hostIface}: ${txt.problem}`,
    );
    if (old?.key !== undefined) withdrawService(draft, old.key, key);
    return putService(draft, key, { service, tid: undefined, key: undefined, stale: false });
  }
  const { transport } = txt;
  if (txt.notice !== undefined && old === undefined) {
    logOf(draft, heardOn(service), "notice", `mDNS service ${key}: ${txt.notice}`);
  }
  // Only tcp supports an interface; it is the one on which the announcement came.
  const asksIface = transport === "tcp" && !(draft.state.conf?.ignoreIface.value ?? false);
  const tid: Tid = {
    transport,
    // Without an interface a link-local address cannot be reached.
    traddr: asksIface ? service.traddr : withScope(service.traddr, service.hostIface),
    trsvcid: String(service.port),
    subsysnqn: txt.nqn,
    hostTraddr: "",
    hostIface: asksIface ? service.hostIface : "",
    hostNqn: draft.state.fleet.host?.nqn ?? "",
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
  followService(draft, key, tid, claim);
  if (old?.key !== undefined && old.key !== ctlKey) withdrawService(draft, old.key, key);
  putService(draft, key, { service, tid, key: ctlKey, stale: false });
  if (!addClaim(draft, ctlKey, tid, serviceAuthority(key), claim)) {
    logOf(
      draft,
      heardOn(service),
      "error",
      `Too many controllers; mDNS service ${key} is left out until there is room`,
    );
  }
  // Announced (again): worth an attempt now.
  trySoon(draft, ctlKey, true);
}

/** STAF-40: one address on two interfaces is an error of the network, reported once. */
function noteDoubled(draft: StafdDraft, heard: MdnsService): void {
  const { traddr } = heard;
  const address = canonicalIp(traddr) ?? traddr;
  // The same link-local address on two interfaces is correct.
  if (draft.state.doubled.has(address) || isLinkLocal(address)) return;
  const interfaces = new Set<string>();
  draft.work += draft.state.services.size;
  for (const { service } of draft.state.services.values()) {
    if ((canonicalIp(service.traddr) ?? service.traddr) === address) interfaces.add(service.hostIface);
  }
  if (interfaces.size < 2) return;
  const doubled = new Set([...draft.state.doubled, address].slice(-MAX_DOUBLED));
  draft.state = { ...draft.state, doubled };
  const names = [...interfaces].toSorted().join(", ");
  logOf(draft, heardOn(heard), "error", `IP address ${address} was found on multiple interfaces: ${names}`);
}

function serviceGone(draft: StafdDraft, key: string): void {
  const service = draft.state.services.get(key);
  // While Avahi is not running no service is withdrawn; it is merely no longer confirmed.
  if (draft.state.avahi.available === false) return;
  if (service === undefined) {
    // A service that made way for others is withdrawn as well.
    for (const ctl of saidOf(draft, serviceAuthority(key))) withdrawService(draft, ctl.key, key);
    return;
  }
  draft.state = { ...draft.state, services: draft.state.services.without(key) };
  if (service.key !== undefined) withdrawService(draft, service.key, key);
  const { unheard, services } = draft.state;
  if (!unheard || services.size > ROOMY_SERVICES) return;
  draft.state = { ...draft.state, unheard: false };
  emit(draft, { do: "browse-again" });
}

/** If there are too many services, those of the busiest interface make way (S16). Their claims stay. */
function makeServiceRoom(draft: StafdDraft, { hostIface }: MdnsService): boolean {
  const { services } = draft.state;
  draft.work += services.size;
  const heard = Map.groupBy(services, ([, { service }]) => service.hostIface);
  const [most = []] = [...heard.values()].toSorted((a, b) => b.length - a.length);
  const own = heard.get(hostIface)?.length ?? 0;
  const gone = most.length > own + 1 ? most[0] : undefined;
  if (gone === undefined) return false;
  draft.state = { ...draft.state, unheard: true, services: services.without(gone[0]) };
  return true;
}

/** Services for which the table of controllers had no room make their claims again. */
export function retakeServices(draft: StafdDraft): void {
  for (const [name, { service, key, stale }] of draft.state.services) {
    if (key === undefined || stale || ctlAt(draft, key)?.claims.has(serviceAuthority(name))) {
      continue;
    }
    serviceHeard(draft, service);
  }
}

/** The service is the same; only our side of its controller has another identity. */
function followService(draft: StafdDraft, serviceKey: string, tid: Tid, claim: Claim): void {
  const authority = serviceAuthority(serviceKey);
  for (const ctl of saidOf(draft, authority)) {
    if (!ctl.claims.has(authority) || ctl.key === tidKey(tid) || !sameFarSide(ctl.tid, tid)) continue;
    moveClaim(draft, ctl.key, authority, tid, claim);
  }
}

/**
 * This host has another NQN than in the state file, which all controllers found by mDNS take. It is read before anything is
 * announced, and a running daemon keeps the one that it has (CFG-60).
 */
export function renameServices(draft: StafdDraft, hostNqn: string): void {
  for (const ctl of allCtls(draft)) {
    if (ctl.tid.hostNqn === hostNqn) continue;
    for (const [authority, claim] of ctl.claims) {
      if (claim.kind === "mdns") moveClaim(draft, ctl.key, authority, { ...ctl.tid, hostNqn }, claim);
    }
  }
}

function withdrawService(draft: StafdDraft, ctlKey: string, serviceKey: string): void {
  const ctl = ctlAt(draft, ctlKey);
  const authority = serviceAuthority(serviceKey);
  const claim = ctl?.claims.get(authority);
  if (ctl === undefined || claim?.kind !== "mdns") return;
  addClaim(draft, ctlKey, ctl.tid, authority, { ...claim, present: false, heard: true });
}

/** zeroconf=disabled: stafd treats all announcements as withdrawn (STAF-40c). */
export function withdrawServices(draft: StafdDraft): void {
  for (const [key, service] of draft.state.services) {
    draft.state = { ...draft.state, services: draft.state.services.without(key) };
    if (service.key !== undefined) withdrawService(draft, service.key, key);
  }
}

/** Avahi has had time to repeat its reports: what it has not repeated is gone. */
export function avahiSettled(draft: StafdDraft): void {
  if (draft.state.avahi.available !== true) return;
  draft.state = { ...draft.state, avahi: { ...draft.state.avahi, settled: true } };
  for (const [name, service] of draft.state.services) if (service.stale) serviceGone(draft, name);
}

/** Starts, stops and ends the clocks of controllers that mDNS no longer announces (STAF-75 to STAF-82). */
export function lostAndFound(draft: StafdDraft): void {
  // Without Avahi the announcements are unknown, so no clock runs (S2).
  const heard = draft.state.avahi.settled || draft.state.conf?.zeroconf.value === false;
  for (const ctl of allCtls(draft)) {
    const dc = dcAt(draft, ctl.key);
    const listed = dc.listed || ctl.link.phase === "up" || ctl.link.phase === "ready" || !onlyMdns(ctl);
    if (listed !== dc.listed) putDc(draft, ctl.key, { ...dc, listed });
    if (!isLost(ctl) || !heard) {
      if (dc.lost !== undefined) putDc(draft, ctl.key, { ...dcAt(draft, ctl.key), lost: undefined });
      continue;
    }
    if (dc.lost === undefined) startClock(draft, ctl);
    else if (reached(dc.lost.deadline, draft.now) && ctl.link.phase !== "connecting") {
      // While the kernel is connecting it, reachability is unknown (S2).
      expire(draft, ctl, dc.lost.since, dc.lost.persistence.ms);
    }
  }
}

function startClock(draft: StafdDraft, ctl: Ctl): void {
  const persistence = draft.state.conf?.zeroconfPersistence.value;
  if (persistence === undefined) return;
  const deadline = after(draft.now, persistence);
  putDc(draft, ctl.key, { ...dcAt(draft, ctl.key), lost: { since: draft.now.wall, deadline, persistence } });
  if (persistence.ms === Infinity) {
    return say(draft, "info", ctl, "Controller is not responding. Retrying...");
  }
  const when = isoTime(draft.now.wall + persistence.ms);
  say(draft, "info", ctl, `Controller is not responding. Will be removed by ${when} unless restored`);
  remindAt(draft, deadline, { of: "lost", key: ctl.key });
}

function expire(draft: StafdDraft, ctl: Ctl, since: number, timeoutMs: number): void {
  for (const authority of ctl.claims.keys()) {
    withdraw(draft, ctl.key, authority, { kind: "unresponsive", since, timeoutMs });
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
