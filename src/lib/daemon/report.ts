import { unreadPlaces } from "../config/daemon_conf.ts";
import { type Ctl, deviceOf } from "../core/controller/ctl.ts";
import { newDc, type Page, type StafdState } from "../core/stafd/stafd_state.ts";
import { unresolvedHosts } from "../core/sources/lines.ts";
import { isCurrent } from "../core/planning/page_evidence.ts";
import { type Tid, tidKey } from "../nvme/tid.ts";
import type { Now } from "../base/time.ts";
import type { ReportedDc, ReportedPage, ReportedPages, StafdReport } from "../ports.ts";
import { authorityOf } from "../core/stafd/stafd_questions.ts";
import { stafdView } from "../core/stafd/stafd_rules.ts";
import type { StafdView } from "../core/stafd/stafd_draft.ts";

/** The record of one discovery controller in {@link pageIndex}: all but its entries. */
export interface IndexedDc extends ReportedPage {
  /** The number of entries on its page, and their length as JSON (a lower estimate). */
  readonly count: number;
  readonly bytes: number;
}

export interface PageIndex extends ReportedPages {
  readonly dcs: readonly IndexedDc[];
}

/**
 * The most bytes of entries in one answer with all pages: pages that do not fit are unknown to the caller
 * (S6).
 */
const MAX_REPORT_TEXT = 4 * 1024 * 1024;

/** The report about the page of one discovery controller; undefined if stacd must not learn of it. */
function pageOf(state: StafdState, view: StafdView, ctl: Ctl): { page: Page | undefined } | undefined {
  const { is } = view.rules.verdict(view, ctl);
  if (is === "excluded" && ctl.link.phase !== "up") return undefined;
  const page = state.dcs.get(ctl.key)?.page;
  // About to be dropped, for instance after a restart with another file: its earlier entries are no reason to
  // connect anything.
  return { page: is === "unwanted" && page?.fresh === false ? undefined : page };
}

function indexed(state: StafdState, view: StafdView, ctl: Ctl, page: Page | undefined): IndexedDc {
  return {
    tid: ctl.tid,
    device: deviceOf(ctl)?.device ?? "",
    page: page === undefined ? "none" : page.fresh ? "read" : "cached",
    genctr: page?.genctr ?? "",
    readAt: page?.readAt ?? 0,
    toldAt: page?.toldAt ?? null,
    current: isCurrent(state.dcs.get(ctl.key) ?? newDc, ctl),
    young: page?.young ?? null,
    authority: authorityOf(view, ctl.key),
    count: page?.entries.length ?? 0,
    bytes: page?.bytes ?? 0,
  };
}

const whole = ({ count: _count, bytes: _bytes, ...dc }: IndexedDc, page: Page | undefined): ReportedDc => ({
  ...dc,
  entries: page?.entries ?? [],
});

/**
 * stafd's report to stacd: every controller that is not excluded, with its page as last read, and those
 * dropped for good. stacd fetches the pages themselves one at a time, so that an overlong page does not
 * affect the others.
 */
export function pageIndex(state: StafdState, now: Now): PageIndex {
  const view = stafdView(state, now);
  const dcs: IndexedDc[] = [];
  for (const ctl of state.fleet.ctls.values()) {
    const known = pageOf(state, view, ctl);
    if (known !== undefined) dcs.push(indexed(state, view, ctl, known.page));
  }
  return { dcs, retired: state.retired, unknowns: unknownsOf(state) };
}

/** One discovery controller with its page; undefined when stafd no longer has the controller. */
export function pageReport(state: StafdState, now: Now, tid: Tid): ReportedDc | undefined {
  const view = stafdView(state, now);
  const ctl = state.fleet.ctls.get(tidKey(tid));
  const known = ctl === undefined ? undefined : pageOf(state, view, ctl);
  return ctl === undefined || known === undefined
    ? undefined
    : whole(indexed(state, view, ctl, known.page), known.page);
}

/** Everything in one answer, for a stacd before 1.0.1. Pages that do not fit are marked as unknown. */
export function stafdReport(state: StafdState, now: Now): StafdReport {
  const view = stafdView(state, now);
  const dcs: ReportedDc[] = [];
  let left = MAX_REPORT_TEXT;
  for (const ctl of state.fleet.ctls.values()) {
    const known = pageOf(state, view, ctl);
    if (known === undefined) continue;
    const fits = (known.page?.bytes ?? 0) <= left;
    const page = fits ? known.page : undefined;
    left -= page?.bytes ?? 0;
    dcs.push(whole(indexed(state, view, ctl, page), page));
  }
  return { dcs, retired: state.retired, unknowns: unknownsOf(state) };
}

/** Discovery controllers that stafd may still learn of. */
function unknownsOf(state: StafdState): readonly string[] {
  const { conf, avahi, fleet, lines } = state;
  if (conf === undefined) return ["stafd has not read its configuration yet"];
  const unknowns = fleet.fresh ? [] : ["stafd has not read the kernel's connections yet"];
  if (conf.zeroconf.value && !avahi.settled) unknowns.push("stafd does not know yet what mDNS announces");
  for (const place of unreadPlaces(conf)) unknowns.push(`${place} is not understood`);
  for (const host of unresolvedHosts(lines)) unknowns.push(`stafd does not know the address of ${host} yet`);
  return unknowns;
}
