/** S4, S7, and what a connection is made with: nobody is connected who is excluded, connected already, or not asked for. */
import type { ConnectRequest } from "../../src/lib/ports.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import { notAsked } from "./options_asked.ts";
import { allows, type Conf } from "./oracle/conf.ts";
import { excludes, excludesHostWide } from "./oracle/excluding.ts";
import { identity, named, sameController } from "./oracle/identity.ts";
import { serves } from "./oracle/matching.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import type { AnyEffect, Daemon, Rules } from "./rules.ts";
import { Violation } from "./violation.ts";
import { stacdWants, stafdRoots, stafdWants } from "./wishes.ts";

type Connect = Extract<AnyEffect, { readonly do: "connect" }>;

export class ConnectRules {
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  judge(who: Daemon, { request }: Connect): void {
    this.#notExcluded(who, request);
    this.#notConnected(who, request.tid);
    this.#askedFor(who, request.tid);
    this.#asAsked(who, request);
  }

  /** S7. */
  #notExcluded(who: Daemon, { tid, hostId }: ConnectRequest): void {
    const conf = this.#rules.confInForce(who);
    const exclude = conf.excludes.find((one) => excludes(one, tid));
    if (exclude !== undefined) {
      throw new Violation("S7", `${who} connects ${named(tid)}, excluded by ${exclude.text}`);
    }
    if ((tid.transport === "tcp" || tid.transport === "rdma") && !allows(conf.families, tid.traddr)) {
      throw new Violation("S7", `${who} connects ${named(tid)} of a disabled family`);
    }
    if (who === "stacd" && this.#rules.drains.take(tid)) {
      throw new Violation("S7", `stacd connects ${named(tid)}, which is drained`);
    }
    const { exclusions } = this.#rules.sessions[who];
    if (exclusions === undefined) {
      throw new Violation(
        "S7",
        `${who} connects ${named(tid)}, and does not know what is excluded host-wide`,
      );
    }
    const barred = exclusions.find((one) => excludesHostWide(one, tid, hostId));
    if (barred !== undefined) {
      throw new Violation("S7", `${who} connects ${named(tid)}, excluded by ${barred.origin}`);
    }
  }

  /** S4. */
  #notConnected(who: Daemon, tid: Tid): void {
    const { world, sessions } = this.#rules;
    for (const device of world.kernel.devices.all) {
      if (!device.complete || device.state === "deleting") continue;
      if (who === "stafd" !== (device.target?.discovery !== undefined)) continue;
      const isKnown = sessions[who].devices.get(device.name) === device.incarnation;
      if (!isKnown && !(device.maker === who && this.#justMade(who, device))) continue;
      // TID-41 is about discovery controllers: an I/O controller never has the well-known name.
      if (who === "stacd" && tid.subsysnqn !== device.target?.nqn) continue;
      // By whichever interface it was up last, as far as the kernel showed it then.
      const words = this.#rules.words(device);
      const srcAddr = world.kernel.devices.release.has("srcAddr") ? device.lastSource : "";
      // A kernel before 5.16 shows the name that it was connected by, and not the discovery controller's own.
      const isOwn = world.kernel.devices.release.has("uniqueNqn");
      const subsysnqn = isOwn ? words.subsysnqn : device.asked ?? words.subsysnqn;
      if (serves(tid, { ...words, subsysnqn, srcAddr }, this.#rules.interfaces) === "yes") {
        throw new Violation("S4", `${who} connects ${named(tid)}, which is connected as ${device.name}`);
      }
    }
  }

  /** Made a moment ago and still being read back: it does not know the device yet, and has to remember that it asked. */
  #justMade(who: Daemon, device: Device): boolean {
    return [...this.#rules.sessions[who].running.values()].some(({ what, tid }) =>
      what === "read-back" && serves(tid, this.#rules.words(device), this.#rules.interfaces) === "yes"
    );
  }

  /** A line, a page, a service, a boot table, or one of these before a restart. */
  #askedFor(who: Daemon, tid: Tid): void {
    const conf = this.#rules.confInForce(who);
    if (this.#rules.sessions[who].saved.controllers.some((one) => sameController(one, tid))) return;
    const wanted = who === "stacd" ? stacdWants(this.#rules, conf, true) : stafdWants(
      this.#rules,
      conf,
      stafdRoots(this.#rules, conf, true),
      this.#rules.knowledge.lastPages,
      (one) => this.#isKept(conf, one),
    );
    if (!wanted.has(identity(tid))) {
      throw new Violation("asked", `${who} connects ${named(tid)}, which no source wants`);
    }
  }

  /**
   * ip-family leaves it alone, and so its page counts: connected, found by mDNS, and no longer announced; or known from before a
   * restart that has changed ip-family (S13).
   */
  #isKept(conf: Conf, tid: Tid): boolean {
    const { world, knowledge, interfaces, sessions, forgets: { forgetting } } = this.#rules;
    if (conf.excludes.some((one) => excludes(one, tid))) return false;
    if (sessions.stafd.sparesPage(tid)) return true;
    if (forgetting.isAnnounced(tid)) return false;
    if (![...knowledge.announced.values()].some((one) => sameController(one.tid, tid))) return false;
    return world.kernel.devices.all.some((device) =>
      device.complete && device.state !== "deleting" &&
      serves(tid, this.#rules.words(device), interfaces) === "yes"
    );
  }

  /** CFG-56, CFG-57, CFG-62, KRN-35, TID-8. */
  #asAsked(who: Daemon, request: ConnectRequest): void {
    const wrong = notAsked(this.#rules, who, request);
    if (wrong !== undefined) {
      throw new Violation(wrong.rule, `${who} connects ${named(request.tid)} with ${wrong.what}`);
    }
  }
}
