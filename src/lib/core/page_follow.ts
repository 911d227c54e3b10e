/** stacd: a log page whose discovery controller stafd now knows by another name of this host (S13). */
import { type Tid, tidKey, tidText } from "../nvme/tid.ts";
import type { ConnectorState } from "./connector_state.ts";
import { type Authority, type HostSide, hostSide, pageAuthority } from "./ctl.ts";
import type { Fleet } from "./fleet.ts";
import type { FleetTurn } from "./fleet_turn.ts";

/**
 * The pages that were those of `dcs`: listed by another name of this host, not listed any more, and let go of by nobody. What
 * they ask for moves with them. A discovery controller without an interface may be one with it (`ignore-iface`), not
 * one by another.
 */
export function followed(
  state: ConnectorState,
  turn: Pick<FleetTurn, "fleet" | "saidOf" | "move" | "dirty">,
  dcs: readonly Tid[],
  listed: ReadonlySet<Authority>,
  retired: ReadonlySet<Authority>,
): ConnectorState {
  let { pages } = state;
  const isNew = (dc: Tid): boolean => pages.get(pageAuthority(tidKey(dc)))?.told !== true;
  const unknown = dcs.filter(isNew);
  const sides = unknown.length === 0 ? [] : [...sidesOf(turn.fleet)];
  for (const dc of unknown) {
    const now = pageAuthority(tidKey(dc));
    for (const old of sides) {
      const isWay = old.hostIface === dc.hostIface || old.hostIface === "" || dc.hostIface === "";
      const before = pageAuthority(tidKey({ ...dc, ...old }));
      const page = pages.get(before);
      if (page === undefined || before === now || !isWay || old.hostTraddr !== dc.hostTraddr) continue;
      if (listed.has(before) || retired.has(before)) continue;
      moveClaims(turn, before, dc);
      const next = new Map(pages);
      next.delete(before);
      pages = next.has(now) ? next : next.set(now, { ...page, dcText: tidText(dc) });
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

/** What the page asks for, it asks for by our side of `dc` from now on. */
function moveClaims(turn: Pick<FleetTurn, "saidOf" | "move">, before: Authority, dc: Tid): void {
  const key = tidKey(dc);
  for (const ctl of turn.saidOf(before)) {
    const claim = ctl.claims.get(before);
    if (claim?.kind !== "log-page") continue;
    const tid = { ...ctl.tid, ...hostSide(dc) };
    turn.move(ctl.key, before, tid, { ...claim, dc: key, dcText: tidText(dc) }, pageAuthority(key));
  }
}

/** Our side of what log pages list, in each form that occurs. */
function sidesOf({ ctls }: Fleet): Iterable<HostSide> {
  const sides = new Map<string, HostSide>();
  for (const ctl of ctls.values()) {
    const side = hostSide(ctl.tid);
    const text = JSON.stringify(side);
    if (!sides.has(text) && [...ctl.claims.values()].some(({ kind }) => kind === "log-page")) {
      sides.set(text, side);
    }
  }
  return sides.values();
}
