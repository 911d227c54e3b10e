/**
 * Moves the record of a controller whose claim stays while our side of it changes (another host NQN,
 * `ignore-iface`). The record moves to the new transport id and takes the connection with it; nothing is
 * withdrawn, so there is no evidence to disconnect (S13).
 */
import { type Tid, tidKey, tidText } from "../../nvme/tid.ts";
import {
  type Authority,
  type Claim,
  type Ctl,
  type HostSide,
  hostSide,
  MAX_FORMERLY,
} from "../controller/ctl.ts";
import { changeFleet, type Draft, markDirty, put, remindAt, setFleet, takenBack, touch } from "./draft.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { isByTls, securedKey } from "../request/tls_targets.ts";
import { MAX_SECURED, withoutCtl } from "./fleet.ts";
import { ctlAt } from "./questions.ts";
import { addClaim } from "./claims.ts";
import { listed, unlisted } from "./fleet_index.ts";
import { say } from "./reporting.ts";

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
export const hasKernelWork = ({ link: { phase } }: Ctl): boolean =>
  phase === "up" || phase === "connecting" || phase === "forming" || phase === "deleting";

/** Connected by TLS: from now on no page takes TLS away, whatever identity this host has then (S15). */
export function proveTls(draft: Draft, ctl: Ctl, device: KernelCtrl): void {
  const key = isByTls(device) ? securedKey(ctl.tid) : undefined;
  let { secured } = draft.state.fleet;
  if (key === undefined || secured.has(key)) return;
  const [first] = secured.size < MAX_SECURED ? [] : secured.keys();
  if (first !== undefined) secured = secured.without(first);
  changeFleet(draft, { secured: secured.with(key, true) });
  markDirty(draft);
}

/**
 * `authority` now claims `tid` instead of the controller with this key. `renamed`: the authority's new
 * name.
 */
export function moveClaim(
  draft: Draft,
  key: string,
  authority: Authority,
  tid: Tid,
  claim: Claim,
  renamed: Authority = authority,
): void {
  const ctl = ctlAt(draft, key);
  if (ctl === undefined || !ctl.claims.has(authority)) return;
  const claims = new Map(ctl.claims);
  claims.delete(authority);
  const left: Ctl = { ...ctl, claims };
  const now = tidKey(tid);
  markDirty(draft);
  if (now === key) {
    put(draft, { ...left, claims: claims.set(renamed, claim) });
    return touch(draft, key);
  }
  const isAlone = claims.size === 0;
  put(draft, left);
  if (!addClaim(draft, now, tid, renamed, claim)) return put(draft, ctl);
  const next = ctlAt(draft, now);
  if (next === undefined) return;
  const formerly = former(tid, next.formerly, ctl.formerly, [hostSide(ctl.tid)]);
  put(draft, {
    ...next,
    formerly,
    restored: next.restored || ctl.restored,
    inherited: next.inherited || ctl.inherited,
  });
  // Other authorities claim it unchanged: then both records have the connection.
  if (isAlone) succeed(draft, left, now);
  touch(draft, now);
}

/** The record under the new key takes over from the unwanted one under the old key. */
function succeed(draft: Draft, old: Ctl, key: string): void {
  const next = ctlAt(draft, key);
  if (next === undefined) return;
  if (hasKernelWork(old) && hasKernelWork(next)) {
    const isOne = old.link.phase === "up" && next.link.phase === "up" &&
      old.link.ref.incarnation === next.link.ref.incarnation;
    // There are two connections: the old one keeps a record, without evidence against it.
    if (!isOne) return;
  }
  const isNew = next.history.length === 0 && !hasKernelWork(next);
  // What the new one has begun by itself goes on.
  const begun = hasKernelWork(old) || next.link.phase === "idle" ? old : next;
  const merged: Ctl = hasKernelWork(next) ? next : {
    ...(old.leftToOthers ? next : takenBack(draft, next)),
    link: hasKernelWork(begun) || begun.link.phase === "waiting" ? begun.link : next.link,
    attempts: begun.attempts,
    lastFailure: begun.lastFailure,
    lastTry: begun.lastTry,
    removeAt: undefined,
    guard: undefined,
    restored: old.restored || next.restored,
    history: isNew ? old.history : next.history,
    standing: isNew ? old.standing : next.standing,
  };
  const device = "ref" in old.link ? old.link.ref.device : undefined;
  if (device !== undefined) {
    const users = listed(unlisted(draft.state.fleet.users, device, old.key), device, key);
    changeFleet(draft, { users });
  }
  setFleet(draft, withoutCtl(draft.state.fleet, old));
  put(draft, merged);
  if (merged.link.phase === "forming") touch(draft, key);
  if (merged.link.phase === "waiting") remindAt(draft, merged.link.until, { of: "controller", key });
  say(
    draft,
    "info",
    merged,
    `asked for as before, under another identity or default: it was ${tidText(old.tid)} ` +
      `of host ${old.tid.hostNqn}`,
  );
  draft.rules.moved(draft, old, merged);
}
