/** Which source wants which controller, from what the daemons have been told. */
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { Knowledge } from "./knowledge.ts";
import { linesEver, linesKnown } from "./lines_known.ts";
import { type Conf, refusal } from "./oracle/conf.ts";
import { identity, named, sameController } from "./oracle/identity.ts";
import { LIMITS } from "./oracle/limits.ts";
import { isNotConnected, tidsListed } from "./oracle/listing.ts";
import type { Daemon, Rules } from "./rules.ts";

/** A source wants a controller. */
export interface Wish {
  readonly tid: Tid;
  readonly why: string;
  /** Steps along referrals. */
  readonly depth: number;
}

/** An exclude line, a family or a drain forbids it. */
export function refusedBy({ knowledge, drains }: Rules, who: Daemon, conf: Conf, tid: Tid): boolean {
  if (who === "stacd" && drains.take(tid)) return true;
  if (conf.excludes.length === 0 && conf.families.size === 2) return false;
  if (refusal(conf, tid) !== undefined) return true;
  const id = identity(tid);
  return linesKnown(conf, knowledge, who).some(({ line, resolved }) =>
    resolved.some((one) => identity(one) === id) && refusal(conf, tid, line.tid) !== undefined
  );
}

/** Discovery controllers that a line, a service or a boot table asks for. `possibly`: also by any answer that a name ever had. */
export function stafdRoots(rules: Rules, conf: Conf, possibly = false): readonly Wish[] {
  const { knowledge, landscape } = rules;
  const roots: Wish[] = [];
  const lines = possibly ? linesEver(conf, knowledge) : linesKnown(conf, knowledge, "stafd");
  for (const { line, resolved } of lines) {
    // Which of several addresses of a name is used is the daemon's choice.
    if (resolved.length > 1 && !possibly) continue;
    for (const tid of resolved) roots.push({ tid, why: `the line for ${line.tid.traddr}`, depth: 0 });
  }
  for (const { tid } of landscape.nbft.discovery) roots.push({ tid, why: "the boot table", depth: 0 });
  for (const { service, tid } of knowledge.announced.values()) {
    roots.push({ tid, why: `service ${service}`, depth: 0 });
  }
  return roots;
}

/**
 * All that is asked for along referrals of the pages read last, the shortest way first, with the sources. `isKept`: what is
 * connected, and whose page counts, although it would not be connected now.
 */
export function stafdWants(
  rules: Rules,
  conf: Conf,
  roots: readonly Wish[],
  pages: Knowledge["pages"] = rules.knowledge.pages,
  isKept: (tid: Tid) => boolean = () => false,
): ReadonlyMap<string, Wish> {
  const wanted = new Map<string, Wish>();
  const queue = [...roots];
  for (const wish of queue) {
    const { tid, depth } = wish;
    const id = identity(tid);
    if (wanted.has(id) || depth > LIMITS.referralDepth) continue;
    if (refusedBy(rules, "stafd", conf, tid) && !isKept(tid)) continue;
    wanted.set(id, wish);
    const page = pages.get(id);
    if (page === undefined) continue;
    for (const next of tidsListed(page.statement.entries, page.tid, "referral")) {
      queue.push({ tid: next, why: `a referral of ${named(page.tid)}`, depth: depth + 1 });
    }
  }
  return wanted;
}

/**
 * By which names a daemon may have taken a connection over: all that it was ever asked for, whatever is excluded now, and all that
 * its state file named (S13).
 */
export function everAsked(rules: Rules, who: Daemon, conf: Conf): readonly Tid[] {
  const { knowledge, sessions, landscape } = rules;
  const asked = linesEver(conf, knowledge).flatMap(({ resolved }) => resolved);
  if (who === "stacd") {
    for (const dc of knowledge.told.values()) asked.push(...tidsListed(dc.entries, dc.tid, "nvme"));
  } else {
    for (const { tid } of [...landscape.nbft.discovery, ...knowledge.announced.values()]) asked.push(tid);
    for (const { tid, statement } of knowledge.lastPages.values()) {
      asked.push(...tidsListed(statement.entries, tid, "referral"));
    }
  }
  return [...asked, ...sessions[who].saved.controllers];
}

/**
 * I/O controllers that a line or a page asks for, each as it spells them: ip-family may turn one spelling away (TID-16).
 * `possibly`: also by any answer that a name ever had, and by the page before those that take nothing away.
 */
export function stacdWants(rules: Rules, conf: Conf, possibly = false): ReadonlyMap<string, Wish> {
  const { knowledge } = rules;
  const wanted = new Map<string, Wish>();
  const add = (tid: Tid, why: string): void => {
    const id = identity(tid);
    if (!wanted.has(id) && !refusedBy(rules, "stacd", conf, tid)) wanted.set(id, { tid, why, depth: 0 });
  };
  const lines = possibly ? linesEver(conf, knowledge) : linesKnown(conf, knowledge, "stacd");
  for (const { line, resolved } of lines) {
    if (resolved.length > 1 && !possibly) continue;
    for (const tid of resolved) add(tid, `the line for ${line.tid.traddr}`);
  }
  const pages = [...knowledge.told.values(), ...possibly ? [...knowledge.sinceRead.values()].flat() : []];
  for (const dc of pages) {
    for (const tid of tidsListed(dc.entries, dc.tid, "nvme")) add(tid, named(dc.tid));
  }
  return wanted;
}

/** All pages that list it say that its discovery controller is not connected to it (NCC, STAC-50). */
export function isNcc({ knowledge }: Rules, tid: Tid): boolean {
  const entries = [...knowledge.told.values()].flatMap((dc) =>
    dc.entries.filter((entry) =>
      tidsListed([entry], dc.tid, "nvme").some((listed) => sameController(listed, tid))
    )
  );
  return entries.length > 0 && entries.every(isNotConnected);
}

/** What the boot table's discovery controllers list is asked for, and connected, as the host of that table: never as this one. */
export function isBootHost({ landscape: { nbft }, host }: Rules, hostNqn: string): boolean {
  return hostNqn !== host.nqn && nbft.discovery.some(({ tid }) => tid.hostNqn === hostNqn);
}
