/**
 * What a renewal may do to paths (S12, S15): the last usable one of what is in use stays whatever the file says, the next
 * goes only when the one before serves again, and none comes back with less security than it had.
 */
import type { RenewEvent } from "../../src/lib/core/stacd/renew.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { ConnectRequest } from "../../src/lib/ports.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import { sameAddress } from "./oracle/address.ts";
import { identity, named } from "./oracle/identity.ts";
import { serves } from "./oracle/matching.ts";
import { securityAsked } from "./options_asked.ts";
import type { AnyEffect, Rules } from "./rules.ts";
import { Violation } from "./violation.ts";
import { isBootHost, stacdWants } from "./wishes.ts";

type Effect<K> = Extract<AnyEffect, { readonly do: K }>;

interface Replaced {
  readonly tid: Tid;
  readonly device: Device;
  /** What else was wanted at that place when it was taken: paths of their own, with their own security. */
  readonly besides: ReadonlySet<string>;
}

/** A controller at its address, whoever we are and whichever way we go. */
const place = (tid: Tid): string => identity({ ...tid, hostNqn: "", hostIface: "", hostTraddr: "" });

export class RenewRules {
  readonly #rules: Rules;
  /** What persons have asked for: which controllers, by which words. */
  readonly #asked = new Map<string, Set<string>>();
  /** Connections that a renewal takes, until they are gone. */
  readonly #going = new Set<Device>();
  /** The last path that a renewal has taken; the next one has to wait for it. */
  #last: Replaced | undefined;
  /** Replaced, and not connected since. */
  readonly #open = new Map<string, Replaced>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** Another process knows nothing of it. */
  restarted(): void {
    this.#last = undefined;
    this.#open.clear();
  }

  asked({ mode, uid, what }: RenewEvent, tids: readonly Tid[]): void {
    if (mode !== "do") return;
    // Whatever came of the renewal before: this is another one.
    this.#last = undefined;
    const words = `${uid} ${what}`;
    const known = this.#asked.get(words) ?? new Set();
    for (const tid of tids) known.add(place(tid));
    this.#asked.set(words, known);
  }

  /** A person has asked for it. */
  says({ uid, what }: { readonly uid: number; readonly what: string }, tid: Tid): boolean {
    return this.#asked.get(`${uid} ${what}`)?.has(place(tid)) === true;
  }

  /** A path is taken, to be connected again. */
  taken(tid: Tid, device: Device | undefined): void {
    if (device === undefined) return;
    this.#identity(tid, device);
    const before = this.#last;
    if (before !== undefined && place(before.tid) !== place(tid)) this.#servesAgain(before, tid);
    this.#going.add(device);
    const wanted = stacdWants(this.#rules, this.#rules.confInForce("stacd"), true);
    const besides = new Set(
      [...wanted].flatMap(([id, wish]) => id !== identity(tid) && place(wish.tid) === place(tid) ? id : []),
    );
    this.#last = { tid, device, besides };
    this.#open.set(place(tid), this.#last);
  }

  /** It is disconnected on other evidence: the renewal that took it has stopped, for it could not be deleted. */
  takenOtherwise(device: Device): void {
    this.#going.delete(device);
  }

  /** S13: the kernel cannot hold two host IDs for one host NQN, nor the other way round. */
  #identity(tid: Tid, device: Device): void {
    const { host } = this.#rules;
    // Of a boot table, or of a line with its own host.
    if (tid.hostNqn !== host.nqn) return;
    if ((device.hostNqn === host.nqn) !== (device.hostId.toLowerCase() === host.id.toLowerCase())) {
      throw new Violation("S13", `stacd renews ${named(tid)}, and the kernel cannot hold both identities`);
    }
  }

  #servesAgain(before: Replaced, next: Tid): void {
    const { all } = this.#rules.world.kernel.devices;
    const back = all.filter((device) =>
      device !== before.device && device.target !== undefined && device.target === before.device.target &&
      sameAddress(device.traddr, before.tid.traddr) && device.trsvcid === before.tid.trsvcid &&
      serves(before.tid, this.#rules.words(device), this.#rules.interfaces) !== "no"
    );
    const why = `stacd renews ${named(next)}, and ${named(before.tid)} before it`;
    if (back.length === 0) throw new Violation("renew", `${why} is not connected again`);
    const use = this.#rules.inUse(before.device);
    if (use === undefined) return;
    // What was usable before has to be usable again.
    if (isUsable(before.device) && !back.some(isUsable)) {
      throw new Violation("renew", `${why} does not serve what is ${use}`);
    }
  }

  /** A connection that a renewal takes is deleted now: whatever disconnect-in-use says. */
  isGoing(device: Device): boolean {
    return this.#going.has(device);
  }

  connecting({ tid, options, keys }: ConnectRequest): void {
    const made = this.#before(tid);
    if (made === undefined) return;
    const bad = (what: string): never => {
      throw new Violation("S15", `stacd connects ${named(tid)} again without the ${what} that it had`);
    };
    const hadTls = made.tls === "tls" || made.tls === "concat";
    if (hadTls && options.tls !== true && options.concat !== true) bad("TLS");
    if (made.dhchap === true && keys.hostKey === undefined) bad("authentication");
    if (made.dhchapCtrl === true && keys.ctrlKey === undefined) bad("authentication of the controller");
  }

  /** S15: taken by a renewal, and what its connection had is asked for no more: only another process connects it without. */
  isBarred(tid: Tid): boolean {
    const made = this.#before(tid);
    if (made === undefined) return false;
    const { tls, host, ctrl } = securityAsked(this.#rules, "stacd", tid);
    const { tls: by, dhchap = false, dhchapCtrl = false } = made;
    return (by !== "none" && !tls) || (dhchap && !host) || (dhchapCtrl && !ctrl);
  }

  /** What the connection had that a renewal took, and that this one takes the place of. */
  #before(tid: Tid): Device["made"] {
    const before = this.#open.get(place(tid));
    return before === undefined || before.besides.has(identity(tid)) ? undefined : before.device.made;
  }

  /** A path of its own takes no other one's place. */
  connected(tid: Tid): void {
    if (this.#open.get(place(tid))?.besides.has(identity(tid)) !== true) this.#open.delete(place(tid));
  }

  /** The kernel, or a claim, has refused to delete it. */
  notTaken(tid: Tid): void {
    this.#open.delete(place(tid));
  }

  /** Keys take the place of others, on a connection that has some. */
  keys({ target, keys, dry }: Effect<"write-keys">): void {
    if (dry) return;
    const device = this.#rules.world.kernel.devices.get(target.device);
    if (device?.incarnation !== target.incarnation) return;
    const isHosts = device.target === undefined || this.#rules.host.nqn === device.hostNqn ||
      this.#isAskedAsMade(device);
    if (!isHosts) {
      throw new Violation("S13", `stacd hands keys of this host to ${device.name}, made as another`);
    }
    const fits = (keys.hostKey === undefined || device.made?.dhchap === true) &&
      (keys.ctrlKey === undefined || device.made?.dhchapCtrl === true);
    if (!fits) throw new Violation("S15", `stacd hands keys to ${device.name}, which was connected without`);
  }

  /** TID-8, KRN-35: what a page asks for as the boot table's host is connected as that host, and with this host's key. */
  #isAskedAsMade(device: Device): boolean {
    if (device.maker !== "stacd" || !isBootHost(this.#rules, device.hostNqn)) return false;
    const words = this.#rules.words(device);
    const wanted = stacdWants(this.#rules, this.#rules.confInForce("stacd"), true);
    return [...wanted.values()].some(({ tid }) => serves(tid, words, this.#rules.interfaces) !== "no");
  }
}

const isUsable = ({ anaState }: Device): boolean => ["", "optimized", "non-optimized"].includes(anaState);
