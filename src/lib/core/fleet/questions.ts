/** The simple questions about the table of controllers. */
import type { View } from "./view.ts";
import { type Authority, type Claim, claimNow, type Ctl } from "../controller/ctl.ts";
import { ROOMY_CTLS } from "./table_room.ts";

/**
 * Without the interfaces an existing connection may not be recognised, and would be made a second time
 * (S4).
 */
export function isFresh(view: View): boolean {
  return view.state.fleet.fresh && view.state.fleet.interfaces.size > 0;
}

export function ctlAt(view: View, key: string): Ctl | undefined {
  view.work++;
  return view.state.fleet.ctls.get(key);
}

/** All controllers. */
export function allCtls(view: View): IterableIterator<Ctl> {
  view.work += view.state.fleet.ctls.size;
  return view.state.fleet.ctls.values();
}

/** The controllers that this authority claims or has withdrawn. */
export function saidOf(view: View, authority: Authority): readonly Ctl[] {
  const keys = view.state.fleet.said.get(authority);
  return keys === undefined ? [] : [...keys.keys()].flatMap((key) => ctlAt(view, key) ?? []);
}

/** The table has room for controllers that were left out. */
export function isRoomy(view: View): boolean {
  return view.state.fleet.ctls.size < ROOMY_CTLS;
}

/** What the sources of a controller say, with the present versions of the pages that list it. */
export const claimsOf = (view: View, { claims }: Ctl): readonly Claim[] =>
  [...claims.values()].map((claim) => claimNow(claim, (dcKey) => view.rules.pageVersion(view, dcKey)));
