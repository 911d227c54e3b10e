/**
 * How often one authority may name one target (S6, S16). The scope of an address is a side of this host, and a page may name
 * any number of them (`fe80::1%a`, `fe80::1%b`): each is a controller of its own, and all are at one place of the index, so
 * that each look at a connection there goes through all of them (S11). Pure; works on one step's draft.
 */
import { OWN_FILES } from "../sources/origin_of.ts";
import type { Tid } from "../../nvme/tid.ts";
import type { Draft } from "./draft.ts";
import { ctlIndexKey } from "./fleet_index.ts";
import { ctlAt } from "./questions.ts";

/** Controllers of one authority with one address, port and NQN; the others are left out, as without room in the table. */
export const MAX_SIDES = 16;

const keysAt = (draft: Draft, place: string): readonly string[] => draft.state.fleet.ctlsAt.get(place) ?? [];

/** The number of controllers of each authority at this place; counted once in a step. */
function sidesAt(draft: Draft, place: string): Map<string, number> {
  const known = draft.sides.get(place);
  if (known !== undefined) return known;
  const sides = new Map<string, number>();
  for (const key of keysAt(draft, place)) {
    draft.work++;
    const ctl = ctlAt(draft, key);
    const authority = ctl === undefined ? "" : draft.rules.origin(draft, ctl).authority;
    sides.set(authority, (sides.get(authority) ?? 0) + 1);
  }
  draft.sides.set(place, sides);
  return sides;
}

/** May the authority add a controller of this target? If so, it counts as added. This host's own files always may. */
export function takesSide(draft: Draft, tid: Tid, authority: string): boolean {
  const place = ctlIndexKey(tid);
  if (authority === OWN_FILES || keysAt(draft, place).length < MAX_SIDES) return true;
  const sides = sidesAt(draft, place);
  const taken = sides.get(authority) ?? 0;
  if (taken >= MAX_SIDES) return false;
  sides.set(authority, taken + 1);
  return true;
}

/** With this controller gone, another one of its target may have room. */
export const leavesSide = (draft: Draft, { tid }: { readonly tid: Tid }): boolean =>
  keysAt(draft, ctlIndexKey(tid)).length >= MAX_SIDES;
