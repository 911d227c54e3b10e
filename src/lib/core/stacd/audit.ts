/** stacd's audit (requirements 40): connections in the kernel that no controller of ours stands for. */
import type { StacdConf } from "../../config/stacd_conf.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { kernelTid } from "../../nvme/match.ts";
import { isTransport, tidKey, tidText } from "../../nvme/tid.ts";
import { type Ctl, newCtl } from "../controller/ctl.ts";
import type { Evidence } from "../planning/evidence.ts";
import { placeOf } from "../sources/origin_place.ts";
import type { StacdDraft, StacdView } from "./stacd_draft.ts";
import { ctlAt, isFresh } from "../fleet/questions.ts";
import { exceptIdentity, isAwaited, shieldOf } from "../fleet/kernel_view.ts";

export const AUDIT_SCOPE = "all-connections-matching-disconnect-trtypes";

/** Does the policy ask for an audit? */
export const audits = (conf: StacdConf | undefined): boolean => conf?.disconnectScope.value === AUDIT_SCOPE;

/** Found by the audit: no source has ever wanted it. */
export const isForeign = (ctl: Ctl): boolean =>
  ctl.claims.size === 0 && [...ctl.released.values()].every(({ kind }) => kind === "audit");

/** Why a connection stays that another host made, or that we made under another host NQN (S13). */
export const asAnother = (ctl: Ctl, { hostNqn }: KernelCtrl): string =>
  `it is ${
    tidText(ctl.tid)
  } except for the host NQN: connected as ${hostNqn}, configured is ${ctl.tid.hostNqn}`;

/** No source is known to want it, and an audit takes it unless it finds one: now, or once everything has been read. */
export function mayBeTaken(view: StacdView, device: KernelCtrl): boolean {
  const { conf, fleet } = view.state;
  const trtypes = new Set<string>(conf?.disconnectTrtypes.value);
  if (!audits(conf) || !trtypes.has(device.transport) || shieldOf(view, device) !== undefined) return false;
  const users = (fleet.users.get(device.device) ?? []).flatMap((key) => ctlAt(view, key) ?? []);
  return users.every(isForeign) && exceptIdentity(view, device) === undefined;
}

/** Connections that perhaps no source wants, as controllers for the planner to judge. */
export function unclaimed(draft: StacdDraft): readonly Ctl[] {
  const { conf, pages, fleet } = draft.state;
  if (conf === undefined || !audits(conf) || !isFresh(draft) || fleet.stopping) return [];
  const trtypes = new Set<string>(conf.disconnectTrtypes.value);
  const asked = `stacd.conf and ${pages.size} discovery controllers`;
  const evidence: Evidence = { kind: "audit", ...placeOf(conf.disconnectScope.origin), asked };
  const found = new Map<string, Ctl>();
  for (const device of fleet.devices.values()) {
    draft.work++;
    if (!device.isIoc || !trtypes.has(device.transport) || !isTransport(device.transport)) continue;
    if ((fleet.users.get(device.device) ?? []).length > 0 || shieldOf(draft, device) !== undefined) {
      continue;
    }
    // A second record of our own connection would keep it when the first one is withdrawn.
    if (isAwaited(draft, device)) continue;
    const tid = kernelTid(device, fleet.interfaces);
    if (tid === undefined || exceptIdentity(draft, device) !== undefined) continue;
    const key = tidKey(tid);
    // One at a time: if two connections lead to one controller, the next audit finds the second.
    if (found.has(key)) continue;
    const known = ctlAt(draft, key);
    // An excluded controller counts as unwanted even if a source claims it, so a foreign connection to it is
    // removed like any other.
    if (known !== undefined && !isRefused(known, draft)) continue;
    const ctl = known ??
      { ...newCtl(key, tid, fleet.saves.due), released: new Map([["audit", evidence]]) };
    const ref = { device: device.device, incarnation: device.incarnation };
    const link = { phase: "up", ref, adopted: true, since: draft.now.wall } as const;
    found.set(key, { ...ctl, link, leftToOthers: known !== undefined });
  }
  return [...found.values()];
}

function isRefused(ctl: Ctl, draft: StacdDraft): boolean {
  const isIdle = ctl.link.phase === "idle" || ctl.link.phase === "waiting";
  return isIdle && draft.rules.verdict(draft, ctl).is === "excluded";
}
