/** Changes of what sources say: claims, withdrawals, and the room in the table (S6, S16). */
import { changeFleet, type Draft, markDirty, put, setFleet, touch } from "./draft.ts";
import type { Tid } from "../../nvme/tid.ts";
import { type Authority, type Claim, type Ctl, newCtl, withClaim, withoutClaim } from "../controller/ctl.ts";
import { ctlAt, isRoomy, saidOf } from "./questions.ts";
import { MAX_CTLS, withoutCtl } from "./fleet.ts";
import { reached } from "../../base/time.ts";
import { isIdle, TableRoom } from "./table_room.ts";
import { takesSide } from "./target_sides.ts";
import { OWN_FILES, quotaOf } from "../sources/origin_of.ts";
import type { Evidence } from "../planning/evidence.ts";

/**
 * Adds or renews one authority's claim, and adds the controller if it is new. False when there is no room for
 * it (S6).
 */
export function addClaim(draft: Draft, key: string, tid: Tid, authority: Authority, claim: Claim): boolean {
  let ctl = ctlAt(draft, key);
  if (ctl === undefined) {
    if (!takesSide(draft, tid, quotaFor(draft, claim))) return false;
    if (draft.state.fleet.ctls.size < MAX_CTLS) draft.room?.took(quotaFor(draft, claim), key);
    else if (!makeRoom(draft, key, claim)) {
      changeFleet(draft, { leftOut: true });
      return false;
    }
    markDirty(draft);
    const stood = draft.state.fleet.stood.get(key);
    const standing = stood === undefined || reached(stood.until, draft.now) ? undefined : stood.standing;
    ctl = { ...newCtl(key, tid, draft.state.fleet.saves.wanted), standing };
  } else if (!ctl.claims.has(authority)) {
    markDirty(draft);
    // Without a claim it may not be in the file at all, and must be there before it is connected (S9).
    if (ctl.claims.size === 0) ctl = { ...ctl, savedWith: draft.state.fleet.saves.wanted };
  }
  put(draft, withClaim(ctl, authority, claim));
  touch(draft, key);
  return true;
}

/**
 * In a table that is nearly full, controllers that only this authority claimed, that it no longer names and
 * that are not connected make way for those that it names now. An ordinary withdrawal would come too late.
 */
export function makeWay(
  draft: Draft,
  authority: Authority,
  named: { readonly has: (key: string) => boolean },
): readonly Ctl[] {
  const gone: Ctl[] = [];
  if (isRoomy(draft)) return gone;
  for (const ctl of saidOf(draft, authority)) {
    const isOnly = ctl.claims.has(authority) && ctl.claims.size === 1;
    if (!isOnly || named.has(ctl.key) || !isIdle(ctl)) continue;
    setFleet(draft, withoutCtl(draft.state.fleet, ctl));
    // The room is counted once in a step: a page may name thousands of others than before (S11).
    draft.room?.left(ctl.key);
    gone.push(ctl);
  }
  return gone;
}

/**
 * In a full table another controller makes way, or there is no room (S16). Controllers of this host's
 * configuration always have room.
 */
function makeRoom(draft: Draft, key: string, claim: Claim): boolean {
  const quota = quotaFor(draft, claim);
  if (draft.room === undefined) {
    draft.work += draft.state.fleet.ctls.size;
    draft.room = new TableRoom(
      draft.state.fleet.ctls.values(),
      (ctl) => draft.rules.origin(draft, ctl).authority,
    );
  }
  const gone = draft.room.givesWay(quota);
  const ctl = gone === undefined ? undefined : ctlAt(draft, gone);
  if (ctl !== undefined) {
    setFleet(draft, withoutCtl({ ...draft.state.fleet, leftOut: true }, ctl));
    draft.rules.evicted(draft, ctl);
  }
  const hasRoom = ctl !== undefined || quota === OWN_FILES;
  if (hasRoom) draft.room.took(quota, key);
  return hasRoom;
}

const quotaFor = (draft: Draft, claim: Claim): string =>
  quotaOf(claim, (dc) => {
    const known = draft.owners.get(dc) ?? draft.rules.pageOwner(draft, dc);
    draft.owners.set(dc, known);
    return known;
  });

/** A change that has the effect of a changed claim: a page was read. */
export function statementsChanged(draft: Draft): void {
  changeFleet(draft, { sayings: draft.state.fleet.sayings + 1 });
}

/**
 * Removes one authority's claim, for the reason in the evidence. If there are several withdrawals, the last
 * reason counts.
 */
export function withdraw(draft: Draft, key: string, authority: Authority, evidence: Evidence): void {
  const ctl = ctlAt(draft, key);
  if (ctl === undefined) return;
  if (ctl.released.has(authority)) {
    put(draft, { ...ctl, released: new Map(ctl.released).set(authority, evidence) });
    return touch(draft, key);
  }
  if (!ctl.claims.has(authority)) return;
  put(draft, withoutClaim(ctl, authority, evidence));
  draft.released = true;
  markDirty(draft);
  touch(draft, key);
}

/**
 * `ip-family` now treats a controller differently, although no statement has changed: computed results are
 * stale.
 */
export function reconsider(draft: Draft): void {
  draft.changed = true;
}

/** Was a claim withdrawn since the last call, or does something need another look? */
export function takeReleased(draft: Draft): boolean {
  const released = draft.released || draft.changed;
  if (draft.changed) statementsChanged(draft);
  draft.released = false;
  draft.changed = false;
  return released;
}
