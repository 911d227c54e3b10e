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

export class TableRoom {
  readonly #sizes = new Map<string, number>();
  /** The controllers that may give way, by authority. */
  readonly #idle = new Map<string, string[]>();
  #mdns = 0;

  constructor(ctls: Iterable<Ctl>, authorityOf: (ctl: Ctl) => string) {
    for (const ctl of ctls) {
      const authority = authorityOf(ctl);
      this.#grown(authority, 1);
      if (authority === OWN_FILES || !isIdle(ctl)) continue;
      if (this.#idle.get(authority)?.push(ctl.key) === undefined) this.#idle.set(authority, [ctl.key]);
    }
  }

  #grown(authority: string, by: number): void {
    this.#sizes.set(authority, (this.#sizes.get(authority) ?? 0) + by);
    if (isMdnsAuthority(authority)) this.#mdns += by;
  }

  /** One more of this authority is in the table. */
  took(authority: string, key: string): void {
    this.#grown(authority, 1);
    if (authority !== OWN_FILES) {
      if (this.#idle.get(authority)?.push(key) === undefined) this.#idle.set(authority, [key]);
    }
  }

  /** The key of the controller that gives way to one of this authority; undefined if none does. */
  givesWay(authority: string): string | undefined {
    const victim = this.#victim(authority);
    const key = victim === undefined ? undefined : this.#idle.get(victim)?.pop();
    if (victim !== undefined && key !== undefined) this.#grown(victim, -1);
    return key;
  }

  #victim(authority: string): string | undefined {
    const isMdns = isMdnsAuthority(authority);
    // A new controller from mDNS displaces only others from mDNS.
    const fromMdns = this.#mdns > MDNS_CTLS || (isMdns && this.#mdns >= MDNS_CTLS);
    let most: string | undefined;
    for (const [one, keys] of this.#idle) {
      if (keys.length === 0 || (fromMdns && !isMdnsAuthority(one))) continue;
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
