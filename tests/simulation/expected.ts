/** What must be connected when nothing goes wrong any more, and what must be gone: from the fabric's truth, not from the daemons. */
import { familyAllowed, toTid } from "../../src/lib/config/controller_line.ts";
import type { DaemonConf } from "../../src/lib/config/daemon_conf.ts";
import { excludedBy } from "../../src/lib/config/exclude.ts";
import { entryToText } from "../../src/lib/nvme/entry_text.ts";
import { canonicalIp } from "../../src/lib/nvme/address.ts";
import { exclusionOf } from "../../src/lib/nvme/exclusions.ts";
import { matches } from "../../src/lib/nvme/match.ts";
import { type Tid, tidKey, tidText, WELL_KNOWN_DISC_NQN } from "../../src/lib/nvme/tid.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import type { Target } from "../../src/lib/sim/fabric.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { tidOfListed } from "./knowledge.ts";
import type { StafdReport } from "../../src/lib/ports.ts";
import { HOST_ID, HOST_NQN } from "./landscape.ts";
import type { Rules } from "./rules.ts";

const AUDIT_SCOPE = "all-connections-matching-disconnect-trtypes";
const MAX_DEPTH = 8;
const NCC = 0x4;

const isName = (traddr: string): boolean => canonicalIp(traddr) === undefined;

/** Forbidden by the daemon's own file: not connected, and disconnected. */
const refused = (conf: DaemonConf, tid: Tid, written: Tid = tid): boolean =>
  excludedBy(tid, conf.excludes) !== undefined || excludedBy(written, conf.excludes) !== undefined ||
  !familyAllowed(tid.traddr, conf.ipFamilies.value);

/** Also forbidden by nvme-cli's list: not connected, but left alone where it is connected. */
const barred = (world: World, conf: DaemonConf, tid: Tid, written: Tid = tid): boolean =>
  refused(conf, tid, written) || exclusionOf(tid, HOST_ID, world.exclusions) !== undefined;

function targetOf(world: World, tid: Tid): Target | undefined {
  return world.fabric.at(tid.traddr, tid.trsvcid).find(({ nqn, discovery, address }) =>
    address.transport === tid.transport &&
    (nqn === tid.subsysnqn || (tid.subsysnqn === WELL_KNOWN_DISC_NQN && discovery !== undefined))
  );
}

/** It would be connected at once. */
const reachable = (world: World, tid: Tid): boolean =>
  targetOf(world, tid)?.manner === "up" && world.fabric.route(tid.traddr, tid.hostIface, tid.hostTraddr).ok;

function connected(world: World, tid: Tid, kind: "isDc" | "isIoc"): boolean {
  const { devices } = world.kernel;
  return devices.all.some((device) => {
    const view = devices.view(device);
    return device.state === "live" && view[kind] && matches(tid, view, world.fabric.interfaces);
  });
}

/** The addresses of the lines, names resolved; of several addresses the daemon may choose. */
function lineChoices(world: World, conf: DaemonConf, alsoBarred = false): Tid[][] {
  const out = (tid: Tid, written: Tid): boolean =>
    alsoBarred ? refused(conf, tid, written) : barred(world, conf, tid, written);
  return conf.controllers.map((line) => {
    const written = toTid(line, { hostNqn: HOST_NQN, ignoreIface: conf.ignoreIface.value });
    if (canonicalIp(written.traddr) !== undefined) return out(written, written) ? [] : [written];
    return (world.resolver.names.get(written.traddr) ?? [])
      .map((traddr) => ({ ...written, traddr }))
      .filter((tid) => !out(tid, written));
  });
}

/** Discovery controllers that are asked for and answer, each with the choices for one wish. */
export function wantedDcs(world: World, rules: Rules): Tid[][] {
  const { stafd } = rules;
  if (stafd?.conf === undefined) return [];
  const { conf } = stafd;
  const wishes = lineChoices(world, conf);
  for (const { tid } of rules.landscape.nbft.discovery) {
    if (!barred(world, conf, tid)) wishes.push([tid]);
  }
  if (conf.zeroconf.value) {
    for (const service of world.avahi.announced) {
      const tid = rules.serviceTid(service, conf);
      if (!barred(world, conf, tid)) wishes.push([tid]);
    }
  }
  const seen = new Set<string>();
  const result: Tid[][] = [];
  let layer = wishes;
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const next: Tid[][] = [];
    for (const choices of layer) {
      const good = choices.filter((tid) => reachable(world, tid));
      const id = good.map(tidKey).join();
      // A name with an address that does not answer: the daemon may have chosen that one.
      if (good.length === 0 || good.length < choices.length || seen.has(id)) continue;
      seen.add(id);
      result.push(good);
      // Which one of several it is, and whose page counts then, is the daemon's choice.
      for (const tid of good.length === 1 ? good : []) {
        for (const entry of targetOf(world, tid)?.discovery?.page.entries.map(entryToText) ?? []) {
          const listed = entry["subtype"] === "referral" ? tidOfListed(entry, tid) : undefined;
          if (listed !== undefined && !barred(world, conf, listed)) next.push([listed]);
        }
      }
    }
    layer = next;
  }
  return result;
}

/** I/O controllers that are asked for and answer. `dcs`: those whose pages count. */
export function wantedIocs(world: World, rules: Rules, dcs: readonly Tid[][]): Tid[][] {
  const { stacd } = rules;
  if (stacd?.conf === undefined) return [];
  const { conf } = stacd;
  const wishes = lineChoices(world, conf);
  const choices = (tid: Tid) => !barred(world, conf, tid) && reachable(world, tid);
  for (const [dc, other] of dcs) {
    if (dc === undefined || other !== undefined) continue;
    for (const entry of targetOf(world, dc)?.discovery?.page.entries.map(entryToText) ?? []) {
      const listed = entry["subtype"] === "nvme" ? tidOfListed(entry, dc) : undefined;
      const ncc = (Number(entry["eflags"]) & NCC) !== 0 && conf.connectAttemptsOnNcc.value > 0;
      if (listed !== undefined && !ncc) wishes.push([listed]);
    }
  }
  return wishes.filter((wish) => wish.length > 0 && wish.every(choices));
}

/** A page says that it is not connected (NCC), and stacd gives up on such: after how many attempts, a restart forgets. */
export function mayBeTried({ stacd, landscape }: Rules, target: Target | undefined): boolean {
  const limit = stacd?.conf?.connectAttemptsOnNcc.value ?? 0;
  const entries = landscape.dcs.flatMap(({ discovery }) => discovery?.page.entries ?? []);
  return limit > 0 && entries.some(({ subnqn, eflags }) => subnqn === target?.nqn && (eflags & NCC) !== 0);
}

/** What is asked for, answers, and is not connected (L1). */
export function missing(world: World, rules: Rules, dcs: readonly Tid[][]): string[] {
  const lacks = (wishes: readonly Tid[][], kind: "isDc" | "isIoc"): string[] =>
    wishes.filter((wish) => !wish.some((tid) => connected(world, tid, kind)))
      .map((wish) => wish.map(tidText).join(" or "));
  const found = rules.stafd === undefined ? [] : lacks(dcs, "isDc");
  return [...found, ...lacks(wantedIocs(world, rules, dcs), "isIoc")];
}

/** Connections that a daemon made and that nobody can ask for any more. */
export function leftOver(world: World, rules: Rules): Device[] {
  return world.kernel.devices.all.filter((device) => {
    const { target } = device;
    if (target === undefined || device.state === "deleting") return false;
    if (device.maker === "stacd" && rules.stacd?.conf !== undefined) {
      return mustGo(world, rules, target, device, rules.stacd.conf, "nvme");
    }
    if (device.maker === "stafd" && rules.stafd?.conf !== undefined) {
      return mustGo(world, rules, target, device, rules.stafd.conf, "referral");
    }
    return false;
  });
}

/**
 * Connections that others made, that nobody asks for and that the audit is to remove: `report` is what stafd would say now.
 * While anything is unknown the audit removes nothing.
 */
export function unaudited(world: World, rules: Rules, report: StafdReport | undefined): Device[] {
  const conf = rules.stacd?.conf;
  if (conf === undefined || report === undefined || conf.disconnectScope.value !== AUDIT_SCOPE) return [];
  const unknown = report.unknowns.length > 0 || report.dcs.some(({ page }) => page !== "read") ||
    conf.controllers.some(({ fields: { traddr } }) => isName(traddr) && !world.resolver.names.has(traddr));
  if (unknown) return [];
  return world.kernel.devices.all.filter((device) => {
    const { target, owner, state } = device;
    if (target === undefined || target.discovery !== undefined || state !== "live") return false;
    return (owner === "" || owner === "stas") && mustGo(world, rules, target, device, conf, "nvme");
  });
}

function mustGo(
  world: World,
  rules: Rules,
  target: Target,
  device: Device,
  conf: DaemonConf,
  subtype: "nvme" | "referral",
): boolean {
  const same = (tid: Tid): boolean =>
    canonicalIp(tid.traddr) === canonicalIp(target.address.traddr) &&
    tid.trsvcid === target.address.trsvcid &&
    (tid.subsysnqn === target.nqn || tid.subsysnqn === WELL_KNOWN_DISC_NQN);
  const { stacd, landscape } = rules;
  if (subtype === "nvme") {
    const scope = stacd?.conf?.disconnectScope.value;
    const trtypes: ReadonlySet<string> = stacd?.conf?.disconnectTrtypes.value ?? new Set();
    if (scope === "no-disconnect") return false;
    if (scope === "all-connections-matching-disconnect-trtypes" && !trtypes.has(device.transport)) {
      return false;
    }
    if (landscape.nbft.boot.length > 0 && target === landscape.boot) return false;
  }
  if (conf.unreadable.length > 0) return false;
  const asked: Tid[] = lineChoices(world, conf, true).flat();
  const pages = rules.landscape.dcs.flatMap((dc) => dc.discovery?.page.entries ?? []).map(entryToText);
  const known = subtype === "nvme"
    ? [...rules.knowledge.told.values()].flatMap(({ entries }) => entries)
    : [...rules.knowledge.pages.values()].flatMap(({ statement }) => statement.entries);
  for (const entry of [...pages, ...known]) {
    const tid = entry["subtype"] === subtype
      ? tidOfListed(entry, { ...anyDc, hostNqn: HOST_NQN })
      : undefined;
    if (tid !== undefined) asked.push(tid);
  }
  if (subtype === "referral" && rules.stafd?.conf !== undefined) {
    asked.push(...rules.stafdRoots(rules.stafd.conf).map(({ tid }) => tid));
  }
  return !asked.some((tid) => same(tid) && !refused(conf, { ...tid, hostIface: device.hostIface }));
}

const anyDc: Tid = {
  transport: "tcp",
  traddr: "",
  trsvcid: "",
  subsysnqn: "",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "",
};
