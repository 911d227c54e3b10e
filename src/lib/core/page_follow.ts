/** stacd: a log page whose discovery controller stafd now knows by another name of this host (S13). */
import { type Tid, tidKey, tidText } from "../nvme/tid.ts";
import type { ReportedDc, StafdReport } from "../ports.ts";
import type { ConnectorState } from "./connector_state.ts";
import { type Authority, type HostSide, hostSide, pageAuthority } from "./ctl.ts";
import type { Fleet } from "./fleet.ts";
import type { FleetTurn } from "./fleet_turn.ts";

type Turn = Pick<FleetTurn, "fleet" | "saidOf" | "move" | "put" | "touch" | "dirty">;

/**
 * The pages that were those of the discovery controllers in the report: listed by another name of this host, not listed any
 * more, and withdrawn by no source. What they ask for moves with them, and what they withdrew. A discovery controller without
 * an interface may be one with it (`ignore-iface`), not one by another.
 */
export function followed(
  state: ConnectorState,
  turn: Turn,
  { dcs, unknowns }: StafdReport,
  listed: ReadonlySet<Authority>,
  retired: ReadonlySet<Authority>,
): ConnectorState {
  let { pages } = state;
  const isLeft = (authority: Authority): boolean => !listed.has(authority) && !retired.has(authority);
  const isIncomplete = [...pages.keys()].some(isLeft);
  // One that was known before speaks for the other name, too, once stafd knows all and has read it.
  const speaks = ({ tid, page, current }: ReportedDc): boolean =>
    pages.get(pageAuthority(tidKey(tid)))?.told !== true ||
    (isIncomplete && unknowns.length === 0 && page === "read" && current !== false);
  const speaking = dcs.filter(speaks);
  const sides = speaking.length === 0 ? [] : [...sidesOf(turn.fleet)];
  for (const { tid: dc } of speaking) {
    const now = pageAuthority(tidKey(dc));
    for (const old of sides) {
      const isWay = old.hostIface === dc.hostIface || old.hostIface === "" || dc.hostIface === "";
      const before = pageAuthority(tidKey({ ...dc, ...old }));
      const page = pages.get(before);
      if (page === undefined || before === now || !isWay || old.hostTraddr !== dc.hostTraddr) continue;
      if (!isLeft(before)) continue;
      moveSayings(turn, before, dc);
      const next = new Map(pages);
      next.delete(before);
      // What is reported of it now counts for all of that, also if it was known.
      pages = next.set(now, { ...next.get(now) ?? page, dcText: tidText(dc), readAt: -1 });
    }
  }
  // stafd does not name it any more, and it never listed anything: nothing follows from it, and nothing waits for it.
  const left = [...pages].filter(([authority]) =>
    listed.has(authority) || retired.has(authority) || turn.fleet.said.has(authority)
  );
  if (left.length < pages.size) pages = new Map(left);
  if (pages === state.pages) return state;
  turn.dirty();
  return { ...state, pages };
}

/** What the page asks for, and has withdrawn, it does by our side of `dc` from now on. */
function moveSayings(turn: Turn, before: Authority, dc: Tid): void {
  const key = tidKey(dc);
  const now = pageAuthority(key);
  for (const ctl of turn.saidOf(before)) {
    const claim = ctl.claims.get(before);
    if (claim?.kind === "log-page") {
      const tid = { ...ctl.tid, ...hostSide(dc) };
      turn.move(ctl.key, before, tid, { ...claim, dc: key, dcText: tidText(dc) }, now);
      continue;
    }
    const released = new Map(ctl.released);
    const evidence = released.get(now) ?? released.get(before);
    if (evidence === undefined || ctl.claims.has(now)) continue;
    released.delete(before);
    turn.put({ ...ctl, released: released.set(now, evidence) });
    turn.touch(ctl.key);
  }
}

/** Our side of what log pages list, in each form that occurs. */
function sidesOf({ ctls }: Fleet): Iterable<HostSide> {
  const sides = new Map<string, HostSide>();
  for (const ctl of ctls.values()) {
    const side = hostSide(ctl.tid);
    const text = JSON.stringify(side);
    const isOfPage = (one: { readonly kind: string }): boolean => one.kind === "log-page";
    if (sides.has(text)) continue;
    if ([...ctl.claims.values()].some(isOfPage) || [...ctl.released.values()].some(isOfPage)) {
      sides.set(text, side);
    }
  }
  return sides.values();
}
