/**
 * What a connection that a renewal has ended had, and its successor must have (S15). The successor is the next connection
 * to that subsystem at that address: of the same controller, or of one that was not wanted then, by whatever interface.
 */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { Ctl } from "../controller/ctl.ts";
import { MAX_DEMANDS } from "../fleet/act_limits.ts";
import { touch } from "../fleet/draft.ts";
import { allCtls } from "../fleet/questions.ts";
import { securedKey } from "../request/tls_targets.ts";
import { type Demand, lacking, lackingText, safetyOf } from "./renew.ts";
import type { StacdDraft, StacdView } from "./stacd_draft.ts";

/** A renewal ends this connection. */
export function demandAsSafe(draft: StacdDraft, { key, tid }: Ctl, device: KernelCtrl): void {
  const target = securedKey(tid);
  const besides = new Set(
    ctlsAt(draft, target).filter((one) => draft.rules.verdict(draft, one).is === "wanted").map((one) =>
      one.key
    ),
  );
  putDemands(draft, new Map(draft.state.renewals.demands).set(key, { ...safetyOf(device), target, besides }));
}

/** Why no renewal may begin: one more connection that does not come back could not be remembered (S6). */
export const tooManyDemands = ({ state: { renewals: { demands } } }: StacdView): string | undefined =>
  demands.size >= MAX_DEMANDS
    ? `${demands.size} connections that renewals ended are not connected again: connect them, or restart stacd`
    : undefined;

/** Why the controller may not be connected: its next connection would be less safe than the one before. */
export function renewalBar(view: StacdView, ctl: Ctl): string | undefined {
  const { demands } = view.state.renewals;
  view.work += demands.size;
  const lacks = new Set<string>();
  for (const [key, demand] of demands) {
    if (!isSuccessor(ctl, key, demand)) continue;
    for (const what of lacking(demand, view.rules.attempt(view, ctl))) lacks.add(what);
  }
  return lacks.size === 0 ? undefined : lackingText([...lacks], "restart stacd to connect it without");
}

/** It is connected again: nothing is left to compare with. */
export function renewalSettled(draft: StacdDraft, ctl: Ctl): void {
  for (const [key, demand] of draft.state.renewals.demands) {
    if (isSuccessor(ctl, key, demand)) renewalUndone(draft, key);
  }
}

/** Its connection was not ended after all, or there is a successor. */
export function renewalUndone(draft: StacdDraft, key: string): void {
  const demands = new Map(draft.state.renewals.demands);
  const demand = demands.get(key);
  if (demand === undefined) return;
  demands.delete(key);
  putDemands(draft, demands);
  // Others may have waited for it.
  for (const one of ctlsAt(draft, demand.target)) touch(draft, one.key);
}

function putDemands(draft: StacdDraft, demands: ReadonlyMap<string, Demand>): void {
  const { state } = draft;
  draft.state = { ...state, renewals: { ...state.renewals, demands } };
}

function ctlsAt(draft: StacdDraft, target: string): readonly Ctl[] {
  draft.work += draft.state.fleet.ctls.size;
  return [...allCtls(draft)].filter(({ tid }) => securedKey(tid) === target);
}

const isSuccessor = (ctl: Ctl, key: string, { target, besides }: Demand): boolean =>
  ctl.key === key || (!besides.has(ctl.key) && securedKey(ctl.tid) === target);
