/**
 * Decides which controllers have room in the table (S6, S16). While there is room, all have it. In a full
 * table the authority with most entries gives way, all of mDNS together first while it has more than a
 * quarter. Only unconnected controllers give way, and they are unknown from then on (S2): their source listed
 * more than there is room for. Lines of the configuration and boot tables always have room. Pure; works on
 * one step's draft.
 */
import type { Ctl } from "../controller/ctl.ts";
import { MAX_CTLS } from "./fleet.ts";
import { isMdnsAuthority, OWN_FILES } from "../sources/origin_of.ts";

/** The part of the table that all of mDNS may keep when others need room: a quarter. */
export const MDNS_CTLS = MAX_CTLS / 4;
/** Controllers that were left out are added again when the table is not fuller than this. */
export const ROOMY_CTLS = Math.floor(MAX_CTLS * 0.98);

/** The controller has no connection, and none is being made. */
export const isIdle = ({ link: { phase }, restored }: Ctl): boolean =>
  !restored && (phase === "idle" || phase === "waiting" || phase === "reaching" || phase === "ready");

/** A controller that may give way. */
interface Idle {
  readonly key: string;
  readonly authority: string;
  gone: boolean;
}

export class TableRoom {
  readonly #sizes = new Map<string, number>();
  /** The controllers that may give way, by authority; some are gone by now. */
  readonly #idle = new Map<string, Idle[]>();
  readonly #byKey = new Map<string, Idle>();
  #mdns = 0;

  constructor(ctls: Iterable<Ctl>, authorityOf: (ctl: Ctl) => string) {
    for (const ctl of ctls) this.#add(authorityOf(ctl), ctl.key, isIdle(ctl));
  }

  #grown(authority: string, by: number): void {
    this.#sizes.set(authority, (this.#sizes.get(authority) ?? 0) + by);
    if (isMdnsAuthority(authority)) this.#mdns += by;
  }

  #add(authority: string, key: string, mayGiveWay: boolean): void {
    this.#grown(authority, 1);
    if (authority === OWN_FILES || !mayGiveWay) return;
    const idle: Idle = { key, authority, gone: false };
    this.#byKey.set(key, idle);
    if (this.#idle.get(authority)?.push(idle) === undefined) this.#idle.set(authority, [idle]);
  }

  /** One more of this authority is in the table. */
  took(authority: string, key: string): void {
    this.#add(authority, key, true);
  }

  /** The controller, which might have given way, is not in the table any more. */
  left(key: string): void {
    const idle = this.#byKey.get(key);
    if (idle === undefined) return;
    this.#byKey.delete(key);
    idle.gone = true;
    this.#grown(idle.authority, -1);
  }

  /** The key of the controller that gives way to one of this authority; undefined if none does. */
  givesWay(authority: string): string | undefined {
    const victim = this.#victim(authority);
    const key = victim === undefined ? undefined : this.#last(victim)?.key;
    if (key !== undefined) this.left(key);
    return key;
  }

  /** The one of an authority that gives way first. */
  #last(authority: string): Idle | undefined {
    const all = this.#idle.get(authority) ?? [];
    while (all.at(-1)?.gone === true) all.pop();
    return all.at(-1);
  }

  #victim(authority: string): string | undefined {
    const isMdns = isMdnsAuthority(authority);
    // A new controller from mDNS displaces only others from mDNS.
    const fromMdns = this.#mdns > MDNS_CTLS || (isMdns && this.#mdns >= MDNS_CTLS);
    let most: string | undefined;
    for (const one of this.#idle.keys()) {
      if (this.#last(one) === undefined || (fromMdns && !isMdnsAuthority(one))) continue;
      if (most === undefined || this.#size(one) > this.#size(most)) most = one;
    }
    if (most === undefined || most === authority) return undefined;
    const isOwn = authority === OWN_FILES;
    const isOverShare = fromMdns && !isMdns && isMdnsAuthority(most);
    return isOwn || isOverShare || this.#size(most) > this.#size(authority) + 1 ? most : undefined;
  }

  #size(authority: string): number {
    return this.#sizes.get(authority) ?? 0;
  }
}
