/**
 * Moves the record of a controller whose claim stays while our side of it changes (another host NQN,
 * `ignore-iface`). The record moves to the new transport id and takes the connection with it; nothing is
 * withdrawn, so there is no evidence to disconnect (S13).
 */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { Tid } from "../../nvme/tid.ts";
import { tidKey, tidText } from "../../nvme/tid.ts";
import {
  type Authority,
  type Claim,
  type Ctl,
  type HostSide,
  hostSide,
  MAX_FORMERLY,
} from "../controller/ctl.ts";
import { MAX_SECURED, withoutCtl } from "./fleet.ts";
import { listed, unlisted } from "./fleet_index.ts";
import { FleetView } from "./fleet_view.ts";
import { isByTls, securedKey } from "../request/tls_targets.ts";

/** The same controller for the fabric: only our side may differ. */
export const sameFarSide = (a: Tid, b: Tid): boolean => tidKey({ ...a, ...hostSide(b) }) === tidKey(b);

const text = (side: HostSide): string => JSON.stringify(side);

/** Its earlier sides, without the present one. */
function former(tid: Tid, ...before: readonly (readonly HostSide[])[]): readonly HostSide[] {
  const sides = new Map(before.flat().map((side) => [text(side), side]));
  sides.delete(text(hostSide(tid)));
  return [...sides.values()].slice(-MAX_FORMERLY);
}

/** The kernel has a connection of it, is making one or is deleting it. */
export const isHeld = ({ link: { phase } }: Ctl): boolean =>
  phase === "up" || phase === "connecting" || phase === "forming" || phase === "deleting";

export class FleetMove<E extends { readonly do: string } = never> extends FleetView<E> {
  /** Connected by TLS: from now on no page takes TLS away, whatever identity this host has then (S15). */
  protected proved(ctl: Ctl, device: KernelCtrl): void {
    const key = isByTls(device) ? securedKey(ctl.tid) : undefined;
    let { secured } = this.fleet;
    if (key === undefined || secured.has(key)) return;
    const [first] = secured.size < MAX_SECURED ? [] : secured.keys();
    if (first !== undefined) secured = secured.without(first);
    this.fleet = { ...this.fleet, secured: secured.with(key, true) };
    this.dirty();
  }

  /**
   * `authority` now claims `tid` instead of the controller with this key. `renamed`: the authority's new
   * name.
   */
  move(key: string, authority: Authority, tid: Tid, claim: Claim, renamed: Authority = authority): void {
    const ctl = this.ctl(key);
    if (ctl === undefined || !ctl.claims.has(authority)) return;
    const claims = new Map(ctl.claims);
    claims.delete(authority);
    const left: Ctl = { ...ctl, claims };
    const now = tidKey(tid);
    this.dirty();
    if (now === key) {
      this.put({ ...left, claims: claims.set(renamed, claim) });
      return this.touch(key);
    }
    const isAlone = claims.size === 0;
    this.put(left);
    if (!this.claim(now, tid, renamed, claim)) return this.put(ctl);
    const next = this.ctl(now);
    if (next === undefined) return;
    const formerly = former(tid, next.formerly, ctl.formerly, [hostSide(ctl.tid)]);
    this.put({
      ...next,
      formerly,
      restored: next.restored || ctl.restored,
      inherited: next.inherited || ctl.inherited,
    });
    // Other authorities claim it unchanged: then both records have the connection.
    if (isAlone) this.#succeed(left, now);
    this.touch(now);
  }

  /** The record under the new key takes over from the unwanted one under the old key. */
  #succeed(old: Ctl, key: string): void {
    const next = this.ctl(key);
    if (next === undefined) return;
    if (isHeld(old) && isHeld(next)) {
      const isOne = old.link.phase === "up" && next.link.phase === "up" &&
        old.link.ref.incarnation === next.link.ref.incarnation;
      // There are two connections: the old one keeps a record, without evidence against it.
      if (!isOne) return;
    }
    const isNew = next.history.length === 0 && !isHeld(next);
    const merged: Ctl = isHeld(next) ? next : {
      ...next,
      link: isHeld(old) || old.link.phase === "waiting" ? old.link : next.link,
      attempts: old.attempts,
      lastFailure: old.lastFailure,
      lastTry: old.lastTry,
      doom: undefined,
      guard: undefined,
      restored: old.restored || next.restored,
      resting: old.resting && next.resting,
      history: isNew ? old.history : next.history,
      standing: isNew ? old.standing : next.standing,
    };
    const device = "ref" in old.link ? old.link.ref.device : undefined;
    if (device !== undefined) {
      const users = listed(unlisted(this.fleet.users, device, old.key), device, key);
      this.fleet = { ...this.fleet, users };
    }
    this.fleet = withoutCtl(this.fleet, old);
    this.put(merged);
    if (merged.link.phase === "forming") this.touch(key);
    if (merged.link.phase === "waiting") this.remindAt(merged.link.until, key);
    this.say(
      "info",
      merged,
      `asked for as before, under another identity or default: it was ${tidText(old.tid)} ` +
        `of host ${old.tid.hostNqn}`,
    );
    this.rules.moved(old, merged);
  }
}
