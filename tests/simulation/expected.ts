/** What must be connected when nothing goes wrong any more, and what must be gone: from the fabric's truth, not from the daemons. */
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { ReportedDc, StafdReport } from "../../src/lib/ports.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import type { Target } from "../../src/lib/sim/fabric.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { sameAddress } from "./oracle/address.ts";
import { AUDIT, type Conf, refusal } from "./oracle/conf.ts";
import { excludes, excludesHostWide, isHostName } from "./oracle/excluding.ts";
import { identity, named, WELL_KNOWN } from "./oracle/identity.ts";
import { LIMITS } from "./oracle/limits.ts";
import {
  asPublished,
  asTold,
  type EntryText,
  isNotConnected,
  sameEntries,
  type Subtype,
  tidAnnounced,
  tidListed,
  tidsListed,
} from "./oracle/listing.ts";
import { serves } from "./oracle/matching.ts";
import type { Rules } from "./rules.ts";
import { isNcc, stacdWants, stafdRoots } from "./wishes.ts";

/** Forbidden by the daemon's own file, or by nvme-cli's list: not connected, but left alone where it is connected. */
const barred = (rules: Rules, conf: Conf, tid: Tid, written: Tid = tid): boolean =>
  refusal(conf, tid, written) !== undefined ||
  rules.world.exclusions.some((one) => excludesHostWide(one, tid, rules.host.id));

function targetOf(world: World, tid: Tid): Target | undefined {
  return world.fabric.targets.find(({ nqn, discovery, address }) =>
    address.transport === tid.transport && address.trsvcid === tid.trsvcid &&
    sameAddress(address.traddr, tid.traddr) &&
    (nqn === tid.subsysnqn || (tid.subsysnqn === WELL_KNOWN && discovery !== undefined))
  );
}

/** It would be connected at once. */
const reachable = (world: World, tid: Tid): boolean =>
  targetOf(world, tid)?.manner === "up" && world.fabric.route(tid.traddr, tid.hostIface, tid.hostTraddr).ok;

const connected = (rules: Rules, tid: Tid, isDc: boolean): boolean =>
  rules.world.kernel.devices.all.some((device) =>
    device.state === "live" && (device.target?.discovery !== undefined) === isDc &&
    serves(tid, rules.words(device), rules.interfaces) !== "no"
  );

const entriesOf = (target: Target | undefined): readonly EntryText[] =>
  asPublished(target?.discovery?.page.entries ?? []);

/** The addresses of the lines, names resolved; of several addresses the daemon may choose. */
function lineChoices(
  { world }: Rules,
  conf: Conf,
  isOut: (tid: Tid, written: Tid) => boolean,
): Tid[][] {
  return conf.lines.map(({ tid: written }) => {
    if (!isHostName(written)) return isOut(written, written) ? [] : [written];
    return (world.resolver.names.get(written.traddr) ?? [])
      .map((traddr) => ({ ...written, traddr }))
      .filter((tid) => !isOut(tid, written));
  });
}

/** Discovery controllers that are asked for and answer, each with the choices for one wish. */
export function wantedDcs(rules: Rules): Tid[][] {
  const { world, landscape } = rules;
  const conf = rules.conf("stafd");
  if (conf === undefined) return [];
  const wishes = lineChoices(rules, conf, (tid, written) => barred(rules, conf, tid, written));
  const add = (tid: Tid | undefined): void => {
    if (tid !== undefined && !barred(rules, conf, tid)) wishes.push([tid]);
  };
  for (const { tid } of landscape.nbft.discovery) add(tid);
  if (conf.zeroconf) {
    for (const service of world.avahi.announced) add(tidAnnounced(service, conf.ignoreIface, rules.host.nqn));
  }
  const seen = new Set<string>();
  const result: Tid[][] = [];
  let layer = wishes;
  for (let depth = 0; depth <= LIMITS.referralDepth; depth++) {
    const next: Tid[][] = [];
    for (const choices of layer) {
      const id = choices.map(identity).join();
      // Of a name with several addresses any one that answers: each has its turn.
      if (!choices.some((tid) => reachable(world, tid)) || seen.has(id)) continue;
      seen.add(id);
      result.push(choices);
      // Which one of several it is, and whose page counts then, is the daemon's choice.
      for (const tid of choices.length === 1 ? choices : []) {
        for (const listed of tidsListed(entriesOf(targetOf(world, tid)), tid, "referral")) {
          if (!barred(rules, conf, listed)) next.push([listed]);
        }
      }
    }
    layer = next;
  }
  return result;
}

/** Discovery controllers that this host's own files name by an address, and that answer. */
export function configuredDcs(rules: Rules): Tid[][] {
  const conf = rules.conf("stafd");
  if (conf === undefined) return [];
  const lines = lineChoices(rules, conf, (tid, written) => barred(rules, conf, tid, written));
  const named = rules.landscape.nbft.discovery.flatMap(({ tid }) => barred(rules, conf, tid) ? [] : [[tid]]);
  return [...lines, ...named].filter(([tid, other]) =>
    tid !== undefined && other === undefined && reachable(rules.world, tid)
  );
}

/** I/O controllers that are asked for and answer. `dcs`: those whose pages count. */
function wantedIocs(rules: Rules, dcs: readonly Tid[][]): Tid[][] {
  const { world } = rules;
  const conf = rules.conf("stacd");
  if (conf === undefined) return [];
  // CFG-42: the attempts for a line, too, are counted while all pages that list its controller say NCC.
  const isGivenUp = (tid: Tid): boolean => conf.nccAttempts > 0 && isNcc(rules, tid);
  const wishes = lineChoices(rules, conf, (tid, written) => barred(rules, conf, tid, written))
    .filter((wish) => !wish.some(isGivenUp));
  for (const [dc, other] of dcs) {
    if (dc === undefined || other !== undefined) continue;
    for (const entry of entriesOf(targetOf(world, dc))) {
      const listed = entry["subtype"] === "nvme" ? tidListed(entry, dc) : undefined;
      if (listed !== undefined && !(isNotConnected(entry) && conf.nccAttempts > 0)) wishes.push([listed]);
    }
  }
  return wishes.filter((wish) =>
    wish.some((tid) => reachable(world, tid)) &&
    wish.every((tid) => !barred(rules, conf, tid) && !rules.drains.take(tid) && !rules.renewals.isBarred(tid))
  );
}

/** A page says that it is not connected (NCC), and stacd gives up on such: after how many attempts, a restart forgets. */
export function mayBeTried(rules: Rules, target: Target | undefined): boolean {
  const limit = rules.conf("stacd")?.nccAttempts ?? 0;
  const entries = rules.landscape.dcs.flatMap(entriesOf);
  return limit > 0 && entries.some((entry) => entry["subnqn"] === target?.nqn && isNotConnected(entry));
}

/** What is asked for, answers, and is not connected (L1). */
export function missing(rules: Rules, dcs: readonly Tid[][]): string[] {
  const lacks = (wishes: readonly Tid[][], isDc: boolean): string[] =>
    wishes.filter((wish) => !wish.some((tid) => connected(rules, tid, isDc)))
      .map((wish) => wish.map(named).join(" or "));
  const found = rules.conf("stafd") === undefined ? [] : lacks(dcs, true);
  const counted = new Map<Device, string>();
  const iocs = wantedIocs(rules, dcs).filter((wish) =>
    wish.some((tid) => connected(rules, tid, false)) || !wish.some((tid) => countsAs(rules, tid, counted))
  );
  return [...found, ...lacks(iocs, false)];
}

/**
 * S13: what stacd made for a page before stafd connected its discovery controller by another side of this host counts as what that
 * page asks for now, each connection for one controller.
 */
function countsAs(rules: Rules, tid: Tid, counted: Map<Device, string>): boolean {
  const id = identity(tid);
  return rules.knowledge.moved.some(({ from, to, at }) => {
    if (!tidsListed(from.entries, to, "nvme").some((one) => identity(one) === id)) return false;
    const { hostIface, hostNqn } = from.tid;
    const then = { ...tid, hostIface, hostNqn };
    const device = rules.world.kernel.devices.all.find((one) =>
      one.maker === "stacd" && one.state === "live" && one.bornAt <= at && !rules.disowned.has(one) &&
      (counted.get(one) ?? id) === id && serves(then, rules.words(one), rules.interfaces) !== "no"
    );
    if (device !== undefined) counted.set(device, id);
    return device !== undefined;
  });
}

/** Pages of connected discovery controllers that stafd publishes and that are not theirs any more (L1, L5). */
export function stalePages(rules: Rules, dcs: readonly Tid[][], report: StafdReport | undefined): string[] {
  if (rules.conf("stafd") === undefined || report === undefined) return [];
  return dcs.flatMap(([tid, ...others]) => {
    if (tid === undefined || others.length > 0) return [];
    const page = targetOf(rules.world, tid)?.discovery?.page;
    const published = report.dcs.find((dc) => identity(dc.tid) === identity(tid));
    if (page === undefined || published === undefined) return [];
    if (published.page !== "read") return [`the page of ${named(tid)} is not read`];
    if (published.genctr !== String(page.genctr)) {
      return [`the page of ${named(tid)} is of generation ${published.genctr}, not ${page.genctr}`];
    }
    const same = sameEntries(asTold(published.entries), asPublished(page.entries));
    return same ? [] : [`what is published of ${named(tid)} is not what its page says`];
  });
}

/** Connections that a daemon made and that nobody can ask for any more. `report` is what stafd would say now. */
export function leftOver(rules: Rules, report: StafdReport | undefined): Device[] {
  return rules.world.kernel.devices.all.filter((device) => {
    const { target, maker } = device;
    if (target === undefined || device.state === "deleting" || rules.disowned.has(device)) return false;
    if (maker === "stacd") {
      return !isListedByLost(rules, target, report) && mustGo(rules, target, device, "nvme");
    }
    return maker === "stafd" && mustGo(rules, target, device, "referral");
  });
}

/**
 * Connections that others made, that no source wants and that the audit is to remove: `report` is what stafd would say now.
 * While anything is unknown the audit removes nothing.
 */
export function unaudited(rules: Rules, report: StafdReport | undefined): Device[] {
  const { world } = rules;
  const conf = rules.conf("stacd");
  if (conf === undefined || report === undefined || conf.scope !== AUDIT) return [];
  // S14: what a discovery controller lists now is unknown while nothing leads to it.
  const isUnread = ({ tid, page }: ReportedDc): boolean => page !== "read" || !connected(rules, tid, true);
  const isUnknown = report.unknowns.length > 0 || report.dcs.some(isUnread) ||
    rules.knowledge.unnamed(report) !== undefined ||
    conf.lines.some(({ tid }) => isHostName(tid) && !world.resolver.names.has(tid.traddr));
  if (isUnknown) return [];
  return world.kernel.devices.all.filter((device) => {
    const { target, owner, state } = device;
    if (target === undefined || target.discovery !== undefined || state !== "live") return false;
    return (owner === "" || owner === "stas") && mustGo(rules, target, device, "nvme");
  });
}

function mustGo(rules: Rules, target: Target, device: Device, subtype: Subtype): boolean {
  const { world, landscape, knowledge } = rules;
  const conf = rules.conf(subtype === "nvme" ? "stacd" : "stafd");
  if (conf === undefined || conf.hasDoubtful) return false;
  if (rules.sessions[subtype === "nvme" ? "stacd" : "stafd"].isSpared(device)) return false;
  if (subtype === "nvme") {
    if (rules.keeps(conf, device)) return false;
    if (landscape.nbft.boot.length > 0 && target === landscape.boot) return false;
  }
  const isSame = (tid: Tid): boolean =>
    sameAddress(tid.traddr, target.address.traddr) && tid.trsvcid === target.address.trsvcid &&
    (tid.subsysnqn === target.nqn || tid.subsysnqn === WELL_KNOWN);
  const asked: Tid[] = lineChoices(rules, conf, (tid, written) => refusal(conf, tid, written) !== undefined)
    .flat();
  const known = subtype === "nvme"
    ? [...knowledge.told.values()].flatMap(({ entries }) => entries)
    : [...knowledge.pages.values()].flatMap(({ statement }) => statement.entries);
  const anyDc = { ...blank, hostNqn: rules.host.nqn };
  asked.push(...tidsListed([...landscape.dcs.flatMap(entriesOf), ...known], anyDc, subtype));
  if (subtype === "referral") asked.push(...stafdRoots(rules, conf).map(({ tid }) => tid));
  if (subtype === "nvme" && rules.inUse(device) !== undefined && !conf.inUseGoes) return false;
  // S12: make before break. What may be connected elsewhere keeps its last path until another one serves it; of several that
  // are all to go, each stays.
  const wanted = subtype === "nvme" ? [...stacdWants(rules, conf, true).values()] : [];
  const stays = (other: Device): boolean =>
    other.maker !== "stacd" ||
    wanted.some(({ tid }) => serves(tid, rules.words(other), rules.interfaces) !== "no");
  const isLast = subtype === "nvme" && !rules.isServedElsewhere(device, stays);
  const isElsewhere = (tid: Tid): boolean => tid.subsysnqn === target.nqn && refusal(conf, tid) === undefined;
  if (isLast && asked.some(isElsewhere)) return false;
  if (isListedBySilent(rules, isSame, subtype)) return false;
  // What a service asked for that is no longer announced, ip-family leaves alone.
  const announced = new Set<string>();
  for (const service of conf.zeroconf ? world.avahi.announced : []) {
    const tid = tidAnnounced(service, conf.ignoreIface, rules.host.nqn);
    if (tid !== undefined) announced.add(identity(tid));
  }
  const isLeft = [...knowledge.announced.values()].some(({ tid }) =>
    isSame(tid) && !announced.has(identity(tid)) && !conf.excludes.some((one) => excludes(one, tid))
  );
  if (subtype === "referral" && isLeft) return false;
  const isDrained = (tid: Tid): boolean => subtype === "nvme" && rules.drains.take(tid);
  return !asked.some((tid) =>
    isSame(tid) && !isDrained(tid) && refusal(conf, { ...tid, hostIface: device.hostIface }) === undefined
  );
}

/**
 * S14: a page is read again before it takes anything away. What a discovery controller listed that answers no more stays,
 * whatever its page said last.
 */
function isListedBySilent({ knowledge }: Rules, isSame: (tid: Tid) => boolean, subtype: Subtype): boolean {
  return knowledge.reads.some(({ device, statement }) =>
    device?.target !== undefined && device.target.manner !== "up" &&
    tidsListed(statement.entries, blank, subtype).some(isSame)
  );
}

/**
 * S2: the page that withdrew it is read again before it goes. stafd has lost the discovery controller, and has not dropped it:
 * what it lists now is unknown.
 */
function isListedByLost(rules: Rules, { address, nqn }: Target, report: StafdReport | undefined): boolean {
  if (report === undefined) return false;
  return rules.knowledge.lost(report).some((dc) =>
    rules.knowledge.reads.some(({ device, statement }) =>
      device !== undefined && sameAddress(device.traddr, dc.tid.traddr) &&
      device.trsvcid === dc.tid.trsvcid &&
      tidsListed(statement.entries, dc.tid, "nvme").some((tid) =>
        tid.subsysnqn === nqn && sameAddress(tid.traddr, address.traddr) && tid.trsvcid === address.trsvcid
      )
    )
  );
}

const blank: Tid = {
  transport: "tcp",
  traddr: "",
  trsvcid: "",
  subsysnqn: "",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "",
};
