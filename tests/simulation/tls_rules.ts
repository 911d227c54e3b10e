/** TLS by log page (DEC-15, S15): TLS where every page requires it, and never without TLS again what was connected by TLS. */
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { ConnectRequest } from "../../src/lib/ports.ts";
import { linesEver } from "./lines_known.ts";
import { identity, named, sameController } from "./oracle/identity.ts";
import { type EntryText, tidListed } from "./oracle/listing.ts";
import type { AnyEvent, Daemon, Rules } from "./rules.ts";
import { Violation } from "./violation.ts";

/** One target, by whichever way and whoever we are. */
const farSide = (tid: Tid): string => identity({ ...tid, hostIface: "", hostTraddr: "", hostNqn: "" });

const requiresTls = ({ treq, tsas }: EntryText): boolean =>
  treq === "required" && tsas !== undefined && !tsas.includes("'none'");

export class TlsRules {
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** After a step: what was connected by TLS is known from now on. */
  stepped(who: Daemon, event: AnyEvent, { ctls }: Fleet): void {
    if (event.type !== "connected" || !event.outcome.ok) return;
    const { made } = event.outcome.value;
    const ctl = ctls.get(event.key);
    if (ctl?.link.phase !== "up" || (made?.tls !== "tls" && made?.tls !== "concat")) return;
    this.#rules.sessions[who].byTls.add(farSide(ctl.tid));
  }

  judge(who: Daemon, { tid, options }: ConnectRequest): void {
    if (tid.transport !== "tcp" || options.tls === true || options.concat === true) return;
    if (this.#rules.confInForce(who).global.get("tls-from-log-page") === "ignore") return;
    const entries = who === "stacd" ? this.#listings(tid) : [];
    if (entries.length === 0) return;
    if (this.#rules.sessions[who].byTls.has(farSide(tid))) {
      throw new Violation(
        "S15",
        `${who} connects ${named(tid)} without TLS, which was connected by TLS before`,
      );
    }
    const isOfPages = !this.#isOurs(who, tid);
    if (isOfPages && entries.every(requiresTls)) {
      throw new Violation("S15", `${who} connects ${named(tid)} without TLS, and every page requires TLS`);
    }
  }

  /** The entries of it on the pages that stacd knows. */
  #listings(tid: Tid): readonly EntryText[] {
    return [...this.#rules.knowledge.told.values()].flatMap((dc) =>
      dc.entries.filter((entry) => {
        const listed = entry["subtype"] === "nvme" ? tidListed(entry, dc.tid) : undefined;
        return listed !== undefined && sameController(listed, tid);
      })
    );
  }

  /** A line of the file has the say. */
  #isOurs(who: Daemon, tid: Tid): boolean {
    return linesEver(this.#rules.confInForce(who), this.#rules.knowledge).some(({ resolved }) =>
      resolved.some((one) => farSide(one) === farSide(tid))
    );
  }
}
