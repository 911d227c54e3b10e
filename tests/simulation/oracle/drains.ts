/** What a person took out for maintenance (S7, S12): from what was asked for, and for as long as that was to last. */
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { Violation } from "../violation.ts";
import { sameAddress } from "./address.ts";
import { identity } from "./identity.ts";
import { keptFor } from "./memo.ts";

/** A drain as stacd says that it has it. */
export interface Claimed {
  readonly what: string;
  readonly at: number;
  readonly until: number | undefined;
  readonly forced: boolean;
}

interface Asked {
  readonly mode: "ask" | "do" | "force";
  readonly names: readonly string[];
  /** Keys of what it names. */
  readonly keys: readonly string[];
}

/** A controller as stacd has it. */
interface Known {
  readonly key: string;
  readonly tid: Tid;
}

interface InForce extends Claimed, Asked {
  readonly ways: ReadonlySet<string>;
  readonly mayEnd?: true;
  /** Of which clock its times are, as {@link Drains.restarted} is told it. */
  readonly lead: number;
}

/** The same controller by whichever way, and as whichever host. */
const farSide = keptFor((tid: Tid): string =>
  identity({ ...tid, hostNqn: "", hostIface: "", hostTraddr: "" })
);
/** Where others go another way to it. */
const oneWay = keptFor((tid: Tid): string => `one way ${identity({ ...tid, hostNqn: "" })}`);

/** A clock that is set by less than this counts as not set. */
const LEAST_SET_MS = 1_000;

/** Its term is as long as before after the clock was set. */
const shifted = (one: InForce, ms: number): InForce => ({
  ...one,
  at: one.at + ms,
  until: one.until === undefined ? undefined : one.until + ms,
  lead: one.lead + ms,
});

export class Drains {
  /** As asked for last, by what they are called. */
  readonly #asked = new Map<string, Asked>();
  /** All there ever were: a process that is killed may not have saved the end of one. */
  #ever: InForce[] = [];
  #list: readonly InForce[] = [];
  /** The clock as stacd knows it. */
  #lead = 0;

  asked(what: string, asked: Asked): void {
    this.#asked.set(what, asked);
  }

  /** It may end now: so called, or with all that it takes among these. */
  undrained(what: string, tids: readonly Tid[]): void {
    const mayEnd = (one: InForce): boolean =>
      one.what === what || tids.some((tid) => this.#of(tid).includes(one));
    this.#list = this.#list.map((one) => mayEnd(one) ? { ...one, mayEnd: true } : one);
  }

  /** What stacd has in force after a step. */
  stepped(claimed: readonly Claimed[], wall: number, known: Iterable<Known>): void {
    for (const { what, until, mayEnd } of this.#list) {
      if (mayEnd === true || (until !== undefined && until <= wall)) continue;
      if (!claimed.some((one) => one.what === what)) {
        throw new Violation("S7", `stacd ends the drain of ${what} before its term`);
      }
    }
    this.#list = claimed.map((one) =>
      this.#ever.find(({ what, at }) => what === one.what && at === one.at) ?? this.#begun(one, [...known])
    );
  }

  #begun(one: Claimed, known: readonly Known[]): InForce {
    const asked = this.#asked.get(one.what);
    if (asked === undefined) {
      throw new Violation("asked", `stacd drains ${one.what}, which was never asked for`);
    }
    if (asked.mode === "ask") throw new Violation("asked", `stacd drains ${one.what}, and was only asked`);
    if (one.forced && asked.mode !== "force") throw new Violation("S12", `stacd drains ${one.what} by force`);
    const spared = new Set(
      known.filter(({ key }) => !asked.keys.includes(key)).map(({ tid }) => farSide(tid)),
    );
    const named = known.filter(({ key }) => asked.keys.includes(key)).map(({ tid }) => tid);
    const ways = new Set(named.map((tid) => spared.has(farSide(tid)) ? oneWay(tid) : farSide(tid)));
    const begun = { ...asked, ...one, ways, lead: this.#lead };
    this.#ever.push(begun);
    return begun;
  }

  clockSet(ms: number): void {
    this.#lead += ms;
    this.#list = this.#list.map((one) => shifted(one, ms));
    // A process that is killed before it has saved the new times leaves the old ones to the next.
    this.#ever = this.#ever.concat(this.#ever.map((one) => shifted(one, ms)));
  }

  /** Another process: it knows what its state file says. `lead`: how far the wall clock is ahead of one that nobody sets. */
  restarted(saved: readonly Claimed[], lead: number): void {
    this.#lead = lead;
    const known = [...this.#list, ...this.#ever];
    this.#list = saved.flatMap((one) => {
      const found = known.find(({ what, at }) => one.what === what && one.at === at);
      if (found === undefined) return [];
      const ms = lead - found.lead;
      return Math.abs(ms) < LEAST_SET_MS ? found : shifted(found, ms);
    });
    this.#ever = this.#ever.concat(this.#list);
  }

  /** None of them has a term that is still to end. */
  get settled(): boolean {
    return this.#list.every(({ until }) => until === undefined);
  }

  #of(tid: Tid): readonly InForce[] {
    return this.#list.filter(({ names, ways }) =>
      ways.has(farSide(tid)) || ways.has(oneWay(tid)) ||
      names.some((name) => name === tid.subsysnqn || sameAddress(name, tid.traddr))
    );
  }

  take(tid: Tid): boolean {
    return this.#of(tid).length > 0;
  }

  takeByForce(tid: Tid): boolean {
    return this.#of(tid).some(({ forced }) => forced);
  }

  /** It is in force, so called, and takes this controller. */
  says({ what, forced }: Pick<Claimed, "what" | "forced">, tid: Tid): boolean {
    return this.#of(tid).some((one) => one.what === what && one.forced === forced);
  }
}
