/** What stacd knows. */
import type { StacdConf } from "../config/stacd_conf.ts";
import { type AenLatency, emptyLatency } from "./aen_latency.ts";
import type { Instant, Now } from "../nvme/time.ts";
import type { PageYouth } from "../ports.ts";
import type { Authority } from "./ctl.ts";
import type { Op } from "./effects.ts";
import { emptyFleet, type Fleet } from "./fleet.ts";
import type { Lines } from "./lines.ts";

/** One discovery controller's page, as stafd reported it. */
export interface KnownPage {
  readonly dcText: string;
  readonly page: "none" | "cached" | "read";
  readonly genctr: string;
  /** Milliseconds since 1970. */
  readonly readAt: number;
  /** stafd vouches for it: nothing speaks against it (S14). */
  readonly current: boolean;
  readonly young: PageYouth | undefined;
  /** Controllers that it lists and for which there was no room: it takes nothing away then (S16). */
  readonly left: number;
  /** Whose word it is (origin_of.ts). */
  readonly authority: string;
  /** A stafd has told it to this process; before that it is from the state file. */
  readonly told: boolean;
}

export interface StafdView {
  readonly present: boolean;
  /** The question under way. */
  readonly op: Op | undefined;
  /** Something changed since it was asked. */
  readonly again: boolean;
  /** When it was asked. */
  readonly askedAt: Instant | undefined;
  /** When the question was asked that the last report answers; undefined: none from the present stafd. */
  readonly knownAt: Instant | undefined;
  readonly failures: number;
  /** Wall clock of the last report that was understood; undefined: none from the present stafd. */
  readonly reportedAt: number | undefined;
  /** Wall clock of the last report of any stafd, for people. */
  readonly heardAt: number | undefined;
  /** What stafd itself does not know, as of that report. */
  readonly unknowns: readonly string[];
  /** Reports in a row with something that stafd did not know. */
  readonly unsure: number;
}

export interface ConnectorState {
  readonly fleet: Fleet;
  readonly conf: StacdConf | undefined;
  readonly lines: Lines;
  readonly stafd: StafdView;
  readonly pages: ReadonlyMap<Authority, KnownPage>;
  readonly latency: AenLatency;
}

export const noStafd: StafdView = {
  present: false,
  op: undefined,
  again: false,
  askedAt: undefined,
  knownAt: undefined,
  failures: 0,
  reportedAt: undefined,
  heardAt: undefined,
  unknowns: [],
  unsure: 0,
};

export const heard = ({ wall }: Now): Pick<StafdView, "reportedAt" | "heardAt"> => ({
  reportedAt: wall,
  heardAt: wall,
});

export const emptyConnector: ConnectorState = {
  fleet: emptyFleet,
  conf: undefined,
  lines: new Map(),
  stafd: noStafd,
  pages: new Map(),
  latency: emptyLatency,
};
