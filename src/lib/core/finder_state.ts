/** What stafd knows. */
import type { StafdConf } from "../config/stafd_conf.ts";
import type { Failure } from "../nvme/failure.ts";
import type { Tid } from "../nvme/tid.ts";
import type { Duration, Instant } from "../nvme/time.ts";
import type { MdnsService, PageYouth, RetiredDc } from "../ports.ts";
import type { Op } from "./effects.ts";
import { emptyFleet, type Fleet } from "./fleet.ts";
import type { Lines } from "./lines.ts";
import type { Referrals } from "./referrals.ts";
import { Table } from "./table.ts";

/** mDNS services that are followed (S6). */
export const MAX_SERVICES = 1024;
/** With so many, those that were left out are asked for again. */
export const ROOMY_SERVICES = 900;
/** Addresses on several interfaces that a person was told of. */
export const MAX_DOUBLED = 256;
/** Dropped discovery controllers that stacd is still told about. */
export const MAX_RETIRED = 256;
/** Referrals of referrals of ... are followed this far. */
export const MAX_REFERRAL_DEPTH = 8;

/** A kind of command sent to a discovery controller, as D-Bus shows it (requirements 50). */
export interface Operation {
  readonly failures: number;
  /** Undefined until it was started. */
  readonly completed: boolean | undefined;
  readonly failure: Failure | undefined;
  readonly retryAt: Instant | undefined;
}

/** `generation`: only the header of the log page is read, to see that no notification was lost (L5). */
export type JobKind = "register" | "supported-logs" | "read-log" | "generation";

/** A log page as it was read. */
export interface Page {
  readonly genctr: string;
  /** Milliseconds since 1970. */
  readonly readAt: number;
  /** When the controller's event was heard that made us read it, in milliseconds since 1970; undefined without one. */
  readonly toldAt: number | undefined;
  /** False: from the state file. */
  readonly fresh: boolean;
  readonly young?: PageYouth | undefined;
  /** Entries as texts (requirements 50). */
  readonly entries: readonly Readonly<Record<string, string>>[];
  /** Of the entries as JSON (page_budget.ts). */
  readonly bytes: number;
}

export interface Dc {
  /** The command under way: one at a time for each controller. */
  readonly job: { readonly kind: JobKind; readonly op: Op } | undefined;
  /** After the job: read the log again, or go through the whole sequence again. */
  readonly then: "nothing" | "read-log" | "sync";
  readonly register: Operation | undefined;
  readonly supported: Operation | undefined;
  readonly readLog: Operation | undefined;
  readonly lsp: number;
  readonly page: Page | undefined;
  /** When the first event was heard that no page read since has answered, in milliseconds since 1970. */
  readonly toldAt: number | undefined;
  /** When the connection came up. */
  readonly upAt: Instant | undefined;
  /** The kernel's state at the last look was `live`. */
  readonly live: boolean;
  /** The connection was lost, or was made anew, since the page was read. */
  readonly back: boolean;
  /** It refuses to give the header of its log page alone. */
  readonly noHeader: boolean;
  /** Referrals of its page that found no room in the full table. */
  readonly left: number;
  /** It was reachable once, or a source other than mDNS wants it: the old interface lists it. */
  readonly listed: boolean;
  /** Withdrawn and unreachable (STAF-76): since when, and until when it is kept. */
  readonly lost:
    | { readonly since: number; readonly deadline: Instant; readonly persistence: Duration }
    | undefined;
}

export const newDc: Dc = {
  job: undefined,
  then: "nothing",
  register: undefined,
  supported: undefined,
  readLog: undefined,
  lsp: 0,
  page: undefined,
  toldAt: undefined,
  upAt: undefined,
  live: false,
  back: false,
  noHeader: false,
  left: 0,
  listed: false,
  lost: undefined,
};

export interface Service {
  readonly service: MdnsService;
  /** What it asks for; undefined when its TXT records are no good. */
  readonly tid: Tid | undefined;
  readonly key: string | undefined;
  /** Not heard of since Avahi went away: unknown, not withdrawn. */
  readonly stale: boolean;
}

export interface FinderState {
  readonly fleet: Fleet;
  readonly conf: StafdConf | undefined;
  readonly lines: Lines;
  readonly dcs: Table<Dc>;
  readonly services: Table<Service>;
  readonly avahi: {
    readonly available: boolean | undefined;
    readonly message: string;
    /** It has been there long enough to have said everything: only then does its silence mean anything. */
    readonly settled: boolean;
  };
  /** More services are announced than are followed: they are asked for again when there is room. */
  readonly unheard: boolean;
  /** Addresses reported on several interfaces, already complained of: the last {@link MAX_DOUBLED}. */
  readonly doubled: ReadonlySet<string>;
  readonly retired: readonly RetiredDc[];
  /** What follows from the referrals, as of this count of {@link Fleet.sayings} and under this configuration. */
  readonly referrals:
    | { readonly at: number; readonly conf: StafdConf | undefined; readonly value: Referrals }
    | undefined;
}

export const emptyFinder: FinderState = {
  fleet: emptyFleet,
  conf: undefined,
  lines: new Map(),
  dcs: Table.empty(),
  services: Table.empty(),
  avahi: { available: undefined, message: "", settled: false },
  unheard: false,
  doubled: new Set(),
  retired: [],
  referrals: undefined,
};
