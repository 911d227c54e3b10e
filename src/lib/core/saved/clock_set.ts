/**
 * The wall clock was set, while the daemon ran or between two runs. Deadlines do not depend on it; but past times in the
 * state are converted to the new clock, so that "since", ages and the order of events stay true. A state file keeps its
 * times together with the clock that they are of: so their ages are right after a restart, also if the file could not be
 * saved after the clock was set (S14).
 */
import type { Claim, Ctl } from "../controller/ctl.ts";
import type { StacdState } from "../stacd/stacd_state.ts";
import type { Evidence, Proof } from "../planning/evidence.ts";
import type { Dc, StafdState } from "../stafd/stafd_state.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { PageYouth } from "../../ports.ts";
import type { Standing } from "../controller/standing.ts";
import { Table } from "../../base/table.ts";

/** Converts milliseconds since 1970 from the old clock to the new one. */
type Shift = (wall: number) => number;

function shiftedTable<V>(table: Table<V>, shifted: (value: V) => V): Table<V> {
  let next = Table.empty<V>();
  for (const [key, value] of table) next = next.with(key, shifted(value));
  return next;
}

const shiftedMap = <K, V>(map: ReadonlyMap<K, V>, shifted: (value: V) => V): ReadonlyMap<K, V> =>
  new Map([...map].map(([key, value]) => [key, shifted(value)]));

function shiftedEvidence(evidence: Evidence, shift: Shift): Evidence {
  switch (evidence.kind) {
    case "log-page":
      return { ...evidence, readAt: shift(evidence.readAt) };
    case "dc-retired":
    case "resolved":
    case "forgotten":
    case "renewed":
      return { ...evidence, at: shift(evidence.at) };
    case "unresponsive":
      return { ...evidence, since: shift(evidence.since) };
    case "drain":
      return {
        ...evidence,
        at: shift(evidence.at),
        ...(evidence.until === undefined ? {} : { until: shift(evidence.until) }),
      };
    case "config":
    case "audit":
    case "stop":
      return evidence;
  }
}

function shiftedProof([first, ...rest]: Proof, shift: Shift): Proof {
  return [shiftedEvidence(first, shift), ...rest.map((evidence) => shiftedEvidence(evidence, shift))];
}

const shiftedClaim = (claim: Claim, shift: Shift): Claim =>
  "readAt" in claim ? { ...claim, readAt: shift(claim.readAt) } : claim;

function shiftedLink(link: Ctl["link"], shift: Shift): Ctl["link"] {
  switch (link.phase) {
    case "up":
      return {
        ...link,
        ...(link.lost === undefined ? {} : { lost: shift(link.lost) }),
      };
    case "forming":
      return { ...link, since: shift(link.since) };
    case "deleting":
      return { ...link, evidence: shiftedProof(link.evidence, shift) };
    case "idle":
    case "waiting":
    case "reaching":
    case "ready":
    case "connecting":
      return link;
  }
}

const shiftedStanding = (standing: Standing, shift: Shift): Standing => ({
  ...standing,
  since: shift(standing.since),
});

function shiftedCtl(ctl: Ctl, shift: Shift): Ctl {
  const { lastFailure } = ctl;
  return {
    ...ctl,
    claims: shiftedMap(ctl.claims, (claim) => shiftedClaim(claim, shift)),
    released: shiftedMap(ctl.released, (evidence) => shiftedEvidence(evidence, shift)),
    link: shiftedLink(ctl.link, shift),
    lastFailure: lastFailure === undefined ? undefined : { ...lastFailure, at: shift(lastFailure.at) },
    history: ctl.history.map((entry) => ({ ...entry, at: shift(entry.at) })),
    standing: ctl.standing === undefined ? undefined : shiftedStanding(ctl.standing, shift),
  };
}

function shiftedFleet(fleet: Fleet, shift: Shift): Fleet {
  return {
    ...fleet,
    lead: fleet.lead === undefined ? undefined : shift(fleet.lead),
    ctls: shiftedTable(fleet.ctls, (ctl) => shiftedCtl(ctl, shift)),
    stood: shiftedTable(
      fleet.stood,
      (stood) => ({ ...stood, standing: shiftedStanding(stood.standing, shift) }),
    ),
    recent: fleet.recent.map((happening) => ({ ...happening, at: shift(happening.at) })),
    past: fleet.past.map((past) => ({
      ...past,
      at: shift(past.at),
      evidence: past.evidence.map((evidence) => shiftedEvidence(evidence, shift)),
    })),
  };
}

const shiftedYouth = (young: PageYouth | undefined, shift: Shift): PageYouth | undefined =>
  young === undefined ? undefined : { ...young, since: shift(young.since) };

function shiftedDc(dc: Dc, shift: Shift): Dc {
  const { page, lost } = dc;
  const told = (at: number | undefined): number | undefined => at === undefined ? undefined : shift(at);
  return {
    ...dc,
    page: page === undefined ? undefined : {
      ...page,
      readAt: shift(page.readAt),
      toldAt: told(page.toldAt),
      young: shiftedYouth(page.young, shift),
    },
    toldAt: told(dc.toldAt),
    lost: lost === undefined ? undefined : { ...lost, since: shift(lost.since) },
  };
}

const by = (ms: number): Shift => (wall) => wall + ms;

export const fleetAfterClockSet = (fleet: Fleet, ms: number): Fleet => shiftedFleet(fleet, by(ms));

/** Past times that only stafd has. */
export function stafdAfterClockSet(state: StafdState, ms: number): StafdState {
  const shift = by(ms);
  return {
    ...state,
    dcs: shiftedTable(state.dcs, (dc) => shiftedDc(dc, shift)),
    retired: state.retired.map((dc) => ({ ...dc, at: shift(dc.at) })),
  };
}

/** Past times that only stacd has. */
export function stacdAfterClockSet(state: StacdState, ms: number): StacdState {
  const shift = by(ms);
  const { reportedAt, heardAt } = state.stafd;
  const maybe = (at: number | undefined): number | undefined => at === undefined ? undefined : shift(at);
  return {
    ...state,
    stafd: { ...state.stafd, reportedAt: maybe(reportedAt), heardAt: maybe(heardAt) },
    pages: shiftedMap(state.pages, (page) => ({
      ...page,
      readAt: shift(page.readAt),
      young: shiftedYouth(page.young, shift),
      taken: page.taken === undefined ? undefined : { ...page.taken, readAt: shift(page.taken.readAt) },
    })),
    drains: {
      ...state.drains,
      list: state.drains.list.map((drain) => ({ ...drain, at: shift(drain.at), until: maybe(drain.until) })),
    },
    renewals: state.renewals.run === undefined ? state.renewals : {
      ...state.renewals,
      run: { ...state.renewals.run, at: shift(state.renewals.run.at) },
    },
    latency: { ...state.latency, awaited: shiftedMap(state.latency.awaited, shift) },
  };
}

/** The clocks at the start of a daemon. */
export interface StartClocks {
  /** Milliseconds since 1970. */
  readonly wall: number;
  /** As {@link Fleet.lead}. */
  readonly lead: number;
}

/** A smaller difference is no change of the clock: two clocks are read one after the other. */
export const LEAST_SET_MS = 1_000;

/** By how much the clock was set since the state was saved; 0 if the file does not say of which clock its times are. */
function setSince({ lead }: Fleet, clocks: StartClocks): number {
  const ms = lead === undefined ? 0 : Math.round(clocks.lead - lead);
  return Math.abs(ms) < LEAST_SET_MS ? 0 : ms;
}

function atStart(fleet: Fleet, ms: number, { lead }: StartClocks): Fleet {
  // A difference that is too small to count stays with the times that have it.
  return ms === 0 ? { ...fleet, lead: fleet.lead ?? lead } : fleetAfterClockSet(fleet, ms);
}

/**
 * A restored state in the times of the present clock. Where the file does not say of which clock its times are, it is
 * unknown how long a page has been young: it counts as young from now on (S14).
 */
export function stafdAtStart(state: StafdState, clocks: StartClocks): StafdState {
  const { lead } = state.fleet;
  const ms = setSince(state.fleet, clocks);
  const now = ms === 0 ? state : stafdAfterClockSet(state, ms);
  const since = (at: number): number => lead === undefined ? clocks.wall : Math.min(at, clocks.wall);
  const dated = (dc: Dc): Dc => {
    const { page } = dc;
    return page?.young === undefined
      ? dc
      : { ...dc, page: { ...page, young: shiftedYouth(page.young, since) } };
  };
  return { ...now, fleet: atStart(state.fleet, ms, clocks), dcs: shiftedTable(now.dcs, dated) };
}

/** A restored state in the times of the present clock. */
export function stacdAtStart(state: StacdState, clocks: StartClocks): StacdState {
  const ms = setSince(state.fleet, clocks);
  return {
    ...(ms === 0 ? state : stacdAfterClockSet(state, ms)),
    fleet: atStart(state.fleet, ms, clocks),
  };
}
