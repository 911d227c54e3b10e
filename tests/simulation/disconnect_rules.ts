/** S1, S2 and the soak: what is disconnected is ours, goes on true evidence, and was not wanted for a while. */
import type { Evidence } from "../../src/lib/core/planning/evidence.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import { pageKey } from "./oracle/freshness.ts";
import { sameAddress } from "./oracle/address.ts";
import { AUDIT } from "./oracle/conf.ts";
import { identity, isTransport, named, WELL_KNOWN } from "./oracle/identity.ts";
import { LIMITS } from "./oracle/limits.ts";
import { type Subtype, tidsListed } from "./oracle/listing.ts";
import { serves } from "./oracle/matching.ts";
import type { AnyEffect, AnyEvent, Daemon, Rules } from "./rules.ts";
import { Violation } from "./violation.ts";
import { everAsked, isBootHost, refusedBy, stacdWants, stafdRoots, stafdWants, type Wish } from "./wishes.ts";

type Disconnect = Extract<AnyEffect, { readonly do: "disconnect" }>;

/** What may change the sources of a controller. */
const NEWS: ReadonlySet<AnyEvent["type"]> = new Set([
  "config",
  "drain",
  "fetched",
  "forget",
  "log-read",
  "resolved",
  "service",
  "service-gone",
  "stafd",
]);

export class DisconnectRules {
  readonly #rules: Rules;
  /** When a controller was wanted last, as far as its daemon could know, by its identity. */
  readonly #wantedAt: Record<Daemon, Map<string, number>> = { stafd: new Map(), stacd: new Map() };

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  restarted(who: Daemon): void {
    this.#wantedAt[who].clear();
  }

  /** What was wanted until now, was wanted now. */
  beforeNews(who: Daemon, event: AnyEvent): void {
    if (!NEWS.has(event.type)) return;
    const { mono } = this.#rules.world.clock.now();
    for (const id of this.#wants(who).keys()) this.#wantedAt[who].set(id, mono);
  }

  #wants(who: Daemon): ReadonlyMap<string, Wish> {
    const conf = this.#rules.conf(who);
    if (conf === undefined) return new Map();
    return who === "stacd"
      ? stacdWants(this.#rules, conf)
      : stafdWants(this.#rules, conf, stafdRoots(this.#rules, conf));
  }

  judge(who: Daemon, { target, tid, evidence }: Disconnect): void {
    const there = this.#rules.world.kernel.devices.get(target.device);
    const device = there?.incarnation === target.incarnation ? there : undefined;
    if (device !== undefined) this.#ours(who, device, tid);
    for (const one of evidence) this.#truth(who, tid, one, who === "stafd" ? "referral" : "nvme");
    if (evidence.some(({ kind }) => kind === "stop")) return;
    // It is wanted, and comes back.
    if (evidence.every(({ kind }) => kind === "renewed")) return this.#rules.renewals.taken(tid, device);
    if (device !== undefined) this.#rules.renewals.takenOtherwise(device);
    const wish = this.#wants(who).get(identity(tid));
    if (wish !== undefined) {
      throw new Violation("S2", `${who} disconnects ${named(tid)}, which ${wish.why} asks for`);
    }
    // What an earlier process began to delete, by a file that a person had loaded, is not taken away now.
    if (device !== undefined && device.state !== "deleting") this.#notForIdentity(who, device, evidence);
    if (evidence.some(({ kind }) => kind === "audit")) this.#audit(tid, device);
    this.#soaked(who, tid);
  }

  /** S1. */
  #ours(who: Daemon, device: Device, tid: Tid): void {
    const { landscape } = this.#rules;
    const own = this.#rules.confInForce(who);
    const bad = (why: string) => {
      throw new Violation(
        "S1",
        `${who} disconnects ${device.name} (${device.target?.text ?? "local"}): ${why}`,
      );
    };
    if (device.target === undefined) return bad("it is a local device");
    if (device.owner !== "" && device.owner !== "stas") return bad(`it belongs to ${device.owner}`);
    const { boot, nbft } = landscape;
    if (nbft.boot.length > 0 && device.target === boot) return bad("the machine was booted from it");
    if (who === "stafd" !== (device.target.discovery !== undefined)) {
      return bad("it is of the other daemon's kind");
    }
    const isNamed = device.target.nqn === tid.subsysnqn ||
      (tid.subsysnqn === WELL_KNOWN && device.target.discovery !== undefined);
    if (!isNamed || !sameAddress(device.traddr, tid.traddr) || device.trsvcid !== tid.trsvcid) {
      return bad(`it is not ${named(tid)}`);
    }
    // What it made itself, it may know by another name that the host or an interface had then (S13); what it took over, by
    // the name of something that it was asked for.
    const words = this.#rules.words(device);
    const isServed = (one: Tid): boolean => serves(one, words, this.#rules.interfaces) !== "no";
    if (device.maker !== who && !isServed(tid) && !everAsked(this.#rules, who, own).some(isServed)) {
      return bad(`it is another host's or another interface's than ${named(tid)} of ${tid.hostNqn}`);
    }
    if (who === "stacd" && this.#rules.keeps(own, device)) {
      return bad(`disconnect-scope is ${own.scope}`);
    }
  }

  /** S2: what the evidence says is so. */
  #truth(who: Daemon, tid: Tid, evidence: Evidence, subtype: Subtype): void {
    const { knowledge } = this.#rules;
    const lie = (why: string) => {
      throw new Violation("S2", `${who} disconnects ${named(tid)} on false evidence: ${why}`);
    };
    switch (evidence.kind) {
      case "log-page": {
        const dcs = [...knowledge.pages.values(), ...knowledge.told.values()].map((one) => one.tid);
        const dc = dcs.find((one) => named(one) === evidence.dc) ?? { ...tid, hostTraddr: "", hostIface: "" };
        if (!knowledge.readWithout(evidence.genctr, subtype, tid, dc)) {
          lie(`no page of ${evidence.dc}, generation ${evidence.genctr}, without it was ever read`);
        }
        this.#notYoung(who, tid, evidence.dc);
        return;
      }
      case "resolved": {
        const all = evidence.addresses.split(", ");
        const given = knowledge.everAnswered.some(({ host, addresses }) =>
          host === evidence.host && all.every((one) => addresses.includes(one))
        );
        if (!given) lie(`${evidence.host} never resolved to ${evidence.addresses}`);
        if (who === "stacd" && all.some((one) => sameAddress(one, tid.traddr))) {
          lie(`${evidence.host} resolves to it`);
        }
        return;
      }
      case "dc-retired":
        if (who === "stacd" && !knowledge.retired.some((one) => named(one.tid) === evidence.dc)) {
          lie(`${evidence.dc} was never dropped`);
        }
        return;
      case "stop": {
        const { stopping, conf } = this.#rules.sessions[who];
        if (who !== "stafd" || !stopping || conf?.persistent !== false) {
          lie("the daemon does not stop, or keeps its connections");
        }
        return;
      }
      case "audit":
        if (this.#rules.conf("stacd")?.scope !== AUDIT) lie("disconnect-scope does not say so");
        return;
      case "drain":
        if (who !== "stacd" || !this.#rules.drains.says(evidence, tid)) {
          lie(`nobody drained ${evidence.what}`);
        }
        return;
      case "forgotten":
        if (who !== "stafd" || !this.#rules.forgets.forgetting.says(evidence, tid)) {
          lie(`nobody had ${evidence.what} forgotten`);
        }
        return;
      case "renewed":
        if (who !== "stacd" || !this.#rules.renewals.says(evidence, tid)) {
          lie(`nobody had ${evidence.what} renewed`);
        }
        return;
      case "config":
      case "unresponsive":
        // Whether anybody asks for it in spite of that is judged for every disconnect.
        return;
    }
  }

  /** S14: what has just come back adds at once, and takes away late. */
  #notYoung(who: Daemon, tid: Tid, dcText: string): void {
    const { knowledge, freshness, world, landscape } = this.#rules;
    const dcs = [...knowledge.pages.values(), ...knowledge.told.values()].map((one) => one.tid);
    const soakMs = this.#rules.confInForce(who).youngMs;
    // What is asked as two hosts has one name, and two pages: that either is old is enough.
    const isYoung = dcs.filter((one) => named(one) === dcText).map((dc) => {
      const target = landscape.dcs.find(({ address }) =>
        sameAddress(address.traddr, dc.traddr) && address.trsvcid === dc.trsvcid
      );
      return target !== undefined &&
        freshness.isYoung(pageKey(target, dc.hostNqn), world.clock.now().mono, soakMs);
    });
    if (isYoung.length > 0 && !isYoung.includes(false)) {
      throw new Violation("S14", `${who} disconnects ${named(tid)} by a young page of ${dcText}`);
    }
  }

  /** S13: who this host is now is no evidence against what it connected as another; nor is a default that has changed since. */
  #notForIdentity(who: Daemon, device: Device, evidence: readonly Evidence[]): void {
    if (device.maker !== who) return;
    const isByFamily = evidence.every((one) => one.kind === "config" && one.what.includes("ip-family"));
    if (isByFamily && this.#rules.sessions[who].isSpared(device)) {
      throw new Violation(
        "S13",
        `${who} disconnects ${device.name} for an ip-family that nobody had reloaded`,
      );
    }
    const words = this.#rules.words(device);
    for (const { tid } of this.#wants(who).values()) {
      if (tid.hostNqn === device.hostNqn) continue;
      if (isBootHost(this.#rules, tid.hostNqn) || isBootHost(this.#rules, device.hostNqn)) continue;
      if (serves({ ...tid, hostNqn: device.hostNqn }, words, this.#rules.interfaces) === "yes") {
        throw new Violation(
          "S13",
          `${who} disconnects ${device.name}, made as ${device.hostNqn}, which serves ${named(tid)}`,
        );
      }
    }
  }

  /** S12: whatever the evidence, what is in use keeps its last usable path. Judged when stacd really deletes it. */
  deleted(device: Device): void {
    const use = this.#rules.inUse(device);
    if (use === undefined) return;
    const isRenewed = this.#rules.renewals.isGoing(device);
    if (this.#rules.conf("stacd")?.inUseGoes === true && !isRenewed) return;
    const { transport, target } = device;
    const isForced = !isRenewed && isTransport(transport) &&
      this.#rules.drains.takeByForce({ ...device, transport, subsysnqn: target?.nqn ?? "" });
    if (isForced) return;
    if (!this.#rules.isServedElsewhere(device)) {
      throw new Violation("S12", `stacd deletes ${device.name}, the last path of what is ${use}`);
    }
  }

  /** No source wants it, says the audit: then every source must have been read. */
  #audit(tid: Tid, device: Device | undefined): void {
    const { knowledge } = this.#rules;
    const { report } = knowledge;
    const unread = report?.dcs.find((dc) => dc.page !== "read") ??
      (report === undefined ? undefined : knowledge.unnamed(report));
    if (report === undefined || unread !== undefined) {
      const unknown = unread === undefined ? "stafd" : named(unread.tid);
      throw new Violation("S2", `the audit disconnects ${named(tid)} although ${unknown} has not answered`);
    }
    const stale = report.dcs.find(({ current }) => current === false);
    if (stale !== undefined) {
      const dc = named(stale.tid);
      throw new Violation(
        "S14",
        `the audit disconnects ${named(tid)} by a page of ${dc} that is out of date`,
      );
    }
    // ISS-16: also under another spelling or another source nobody may ask for this very connection.
    if (device === undefined) return;
    const words = this.#rules.words(device);
    const conf = this.#rules.confInForce("stacd");
    for (const dc of report?.dcs ?? []) {
      for (const wanted of tidsListed(dc.entries, dc.tid, "nvme")) {
        if (refusedBy(this.#rules, "stacd", conf, wanted)) continue;
        if (serves(wanted, words, this.#rules.interfaces) === "yes") {
          throw new Violation("S2", `the audit disconnects ${device.name}, which serves ${named(wanted)}`);
        }
      }
    }
  }

  /** A removal soaks: an edit in two steps takes nothing away. */
  #soaked(who: Daemon, tid: Tid): void {
    const { mono } = this.#rules.world.clock.now();
    const wantedAt = this.#wantedAt[who].get(identity(tid));
    if (wantedAt !== undefined && mono - wantedAt < LIMITS.soakMs) {
      throw new Violation(
        "soak",
        `${who} disconnects ${named(tid)}, which was wanted ${mono - wantedAt} ms ago`,
      );
    }
  }
}
