import { unreadPlaces } from "../config/daemon_conf.ts";
import { deviceOf } from "../core/ctl.ts";
import { FinderTurn } from "../core/finder.ts";
import { type FinderState, newDc } from "../core/finder_state.ts";
import { unresolvedHosts } from "../core/lines.ts";
import { isCurrent } from "../core/page_evidence.ts";
import type { Now } from "../nvme/time.ts";
import type { ReportedDc, StafdReport } from "../ports.ts";

/** What stafd tells stacd: every controller that is not excluded with what is known of its page, and those let go for good. */
export function stafdReport(state: FinderState, now: Now): StafdReport {
  const turn = new FinderTurn(state, now);
  const dcs: ReportedDc[] = [];
  for (const ctl of state.fleet.ctls.values()) {
    const { is } = turn.verdict(ctl);
    if (is === "excluded" && ctl.link.phase !== "up") continue;
    const known = state.dcs.get(ctl.key)?.page;
    // On its way out, as after a restart with another file: what it listed once is no reason to connect anything.
    const page = is === "unwanted" && known?.fresh === false ? undefined : known;
    dcs.push({
      tid: ctl.tid,
      device: deviceOf(ctl)?.device ?? "",
      page: page === undefined ? "none" : page.fresh ? "read" : "cached",
      genctr: page?.genctr ?? "",
      readAt: page?.readAt ?? 0,
      toldAt: page?.toldAt ?? null,
      entries: page?.entries ?? [],
      current: isCurrent(state.dcs.get(ctl.key) ?? newDc, ctl),
      young: page?.young ?? null,
    });
  }
  return { dcs, retired: state.retired, unknowns: unknownsOf(state) };
}

/** Discovery controllers that stafd may still learn of. */
function unknownsOf(state: FinderState): readonly string[] {
  const { conf, avahi, fleet, lines } = state;
  if (conf === undefined) return ["stafd has not read its configuration yet"];
  const unknowns = fleet.fresh ? [] : ["stafd does not know what the kernel has at the moment"];
  if (conf.zeroconf.value && !avahi.settled) unknowns.push("stafd does not know yet what mDNS announces");
  for (const place of unreadPlaces(conf)) unknowns.push(`${place} is not understood`);
  for (const host of unresolvedHosts(lines)) unknowns.push(`stafd does not know the address of ${host} yet`);
  return unknowns;
}
