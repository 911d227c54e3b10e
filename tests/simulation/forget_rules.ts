/** What becomes of controllers that a person has stafd forget: only what no other source wants goes, and only what is silent (S1, S2). */
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import type { ForgetEvent } from "../../src/lib/core/stafd/forget.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import { linesKnown } from "./lines_known.ts";
import { Forgetting } from "./oracle/forgetting.ts";
import { identity, named, sameController } from "./oracle/identity.ts";
import { tidAnnounced } from "./oracle/listing.ts";
import type { AnyEvent, Rules } from "./rules.ts";
import { Violation } from "./violation.ts";
import { stafdRoots, stafdWants } from "./wishes.ts";

export class ForgetRules {
  readonly forgetting = new Forgetting();
  readonly #rules: Rules;
  /** Avahi has answered since; undefined: it is away. */
  #avahiSince: number | undefined;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  restarted(): void {
    this.forgetting.nothingHeard();
    this.#avahiSince = undefined;
  }

  heard(event: AnyEvent): void {
    switch (event.type) {
      case "service": {
        const { service } = event;
        const ignoreIface = this.#rules.conf("stafd")?.ignoreIface ?? false;
        return this.forgetting.heard(service.key, tidAnnounced(service, ignoreIface, this.#rules.host.nqn));
      }
      case "service-gone":
        return this.forgetting.gone(event.key);
      case "avahi":
        this.#avahiSince = event.available ? this.#avahiSince ?? this.#mono : undefined;
        if (event.available) this.forgetting.avahiCame();
        return;
      case "config":
        if (this.#rules.conf("stafd")?.zeroconf === false) this.forgetting.nothingHeard();
        return;
    }
  }

  get #mono(): number {
    return this.#rules.world.clock.now().mono;
  }

  /** After the step of the act: what it dropped, it may drop. */
  stepped(event: ForgetEvent, before: Fleet, after: Fleet): void {
    const isHeard = (fleet: Fleet, key: string): boolean =>
      [...fleet.ctls.get(key)?.claims.values() ?? []].some(({ kind }) => kind === "mdns");
    const dropped = event.keys.flatMap((key) => {
      const ctl = before.ctls.get(key);
      return ctl !== undefined && isHeard(before, key) && !isHeard(after, key) ? [ctl] : [];
    });
    if (dropped.length === 0) return;
    const { knowledge } = this.#rules;
    const tids = dropped.map(({ tid }) => tid);
    for (const { tid, link } of dropped) {
      const bad = (why: string): never => {
        throw new Violation("S2", `stafd forgets ${named(tid)}, and ${why}`);
      };
      if (event.mode === "ask") bad("was only asked");
      if (link.phase === "up" && link.lost === undefined) bad("it is connected");
      const why = this.#askedFor(tid);
      if (why !== undefined) bad(why);
    }
    for (const tid of tids) this.forgetting.forgotten(event, tid);
    for (const [key, { tid }] of knowledge.announced) {
      if (tids.some((one) => sameController(one, tid))) knowledge.announced.delete(key);
    }
    // What is left to ask for it: a page of a controller that stays.
    const conf = this.#rules.confInForce("stafd");
    const wanted = stafdWants(this.#rules, conf, stafdRoots(this.#rules, conf));
    for (const tid of tids) {
      const wish = wanted.get(identity(tid));
      if (wish !== undefined) {
        throw new Violation("S2", `stafd forgets ${named(tid)}, which ${wish.why} asks for`);
      }
    }
  }

  #askedFor(tid: Tid): string | undefined {
    const { knowledge, landscape } = this.#rules;
    const conf = this.#rules.confInForce("stafd");
    const byLine = linesKnown(conf, knowledge, "stafd")
      .find(({ resolved }) =>
        resolved.length === 1 && resolved.some((one) => identity(one) === identity(tid))
      );
    if (byLine !== undefined) return `the line for ${byLine.line.tid.traddr} asks for it`;
    if (landscape.nbft.discovery.some((one) => identity(one.tid) === identity(tid))) {
      return "the boot table asks for it";
    }
    if (!conf.zeroconf) return undefined;
    if (this.#avahiSince === undefined) return "Avahi is away";
    return this.forgetting.isAnnounced(tid) ? "a service announces it" : undefined;
  }
}
