/** stacd's state. */
import type { StacdConf } from "../../config/stacd_conf.ts";
import { type AenLatency, emptyLatency } from "./aen_latency.ts";
import type { Instant, Now } from "../../base/time.ts";
import type { PageYouth } from "../../ports.ts";
import type { Authority, PageVersion } from "../controller/ctl.ts";
import type { PageEntry } from "../../nvme/discovery_entry.ts";
import { type Drains, noDrains } from "./drain.ts";
import { noRenewals, type Renewals } from "./renew.ts";
import type { Op } from "../effects.ts";
import { emptyFleet, type Fleet } from "../fleet/fleet.ts";
import type { Lines } from "../sources/lines.ts";

/** One entry of a page that was taken in. */
export interface TakenEntry {
  readonly entry: PageEntry;
  /** The key of the controller that it names; undefined if it names none that stacd may connect. */
  readonly key: string | undefined;
}

/** One discovery controller's page, as stafd reported it. */
export interface KnownPage {
  readonly dcText: string;
  readonly page: "none" | "cached" | "read";
  readonly genctr: string;
  /** Milliseconds since 1970. */
  readonly readAt: number;
  /** stafd says that the page is up to date (S14). */
  readonly current: boolean;
  readonly young: PageYouth | undefined;
  /**
   * Number of listed controllers for which there was no room; while it is not 0 the page withdraws nothing
   * (S16).
   */
  readonly left: number;
  /** The authority that the page counts for (origin_of.ts). */
  readonly authority: string;
  /** A stafd has reported the page to this process; until then it comes from the state file. */
  readonly told: boolean;
  /** The page that this process has taken in last, and its entries; undefined: none yet. */
  readonly taken: (PageVersion & { readonly entries: readonly TakenEntry[] }) | undefined;
}

export interface KnownStafd {
  readonly present: boolean;
  /** The query under way. */
  readonly op: Op | undefined;
  /** Something has changed since the query was sent. */
  readonly again: boolean;
  /** The clock was set since the query was sent: the times in its answer may be of the old clock. */
  readonly isLate: boolean;
  /** When the query was sent. */
  readonly askedAt: Instant | undefined;
  /** When the query for the last report was sent; undefined: no report from the present stafd. */
  readonly knownAt: Instant | undefined;
  readonly failures: number;
  /** Wall clock of the last valid report; undefined: none from the present stafd. */
  readonly reportedAt: number | undefined;
  /** Wall clock of the last report of any stafd, for display. */
  readonly heardAt: number | undefined;
  /** Information that stafd itself lacked, as of that report. */
  readonly unknowns: readonly string[];
  /** Number of successive reports for which stafd lacked information. */
  readonly reportsWithGaps: number;
  /** Pages have come that were not taken in, and no whole report since: what they list is unknown. */
  readonly awaitsReport: boolean;
}

export interface StacdState {
  readonly fleet: Fleet;
  readonly conf: StacdConf | undefined;
  readonly lines: Lines;
  readonly stafd: KnownStafd;
  readonly pages: ReadonlyMap<Authority, KnownPage>;
  readonly latency: AenLatency;
  /** What persons have taken out for maintenance (drain.ts). */
  readonly drains: Drains;
  /** The connections that a person has renewed now (renew.ts). */
  readonly renewals: Renewals;
  /** What the places in the queues were worked out from, beside the controllers themselves. */
  readonly placedBy: {
    readonly pages: ReadonlyMap<Authority, KnownPage>;
    readonly replaced: string | undefined;
  };
}

export const noStafd: KnownStafd = {
  present: false,
  op: undefined,
  again: false,
  isLate: false,
  askedAt: undefined,
  knownAt: undefined,
  failures: 0,
  reportedAt: undefined,
  heardAt: undefined,
  unknowns: [],
  reportsWithGaps: 0,
  awaitsReport: false,
};

export const heard = ({ wall }: Now): Pick<KnownStafd, "reportedAt" | "heardAt"> => ({
  reportedAt: wall,
  heardAt: wall,
});

export const emptyStacd: StacdState = {
  fleet: emptyFleet,
  conf: undefined,
  lines: new Map(),
  stafd: noStafd,
  pages: new Map(),
  latency: emptyLatency,
  drains: noDrains,
  renewals: noRenewals,
  placedBy: { pages: new Map(), replaced: undefined },
};
