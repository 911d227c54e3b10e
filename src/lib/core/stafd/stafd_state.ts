/** stafd's state. */
import type { StafdConf } from "../../config/stafd_conf.ts";
import type { Failure } from "../../base/failure.ts";
import type { PageEntry } from "../../nvme/discovery_entry.ts";
import type { Tid } from "../../nvme/tid.ts";
import type { Duration, Instant } from "../../base/time.ts";
import type { MdnsService, PageYouth, RetiredDc } from "../../ports.ts";
import type { Op } from "../effects.ts";
import type { WaitingAnswer } from "../effects.ts";
import type { ForgetAnswer } from "./forget.ts";
import { emptyFleet, type Fleet } from "../fleet/fleet.ts";
import type { Lines } from "../sources/lines.ts";
import type { Referrals } from "./referrals.ts";
import { Table } from "../../base/table.ts";

/** mDNS services that are followed (S6). */
export const MAX_SERVICES = 1024;
/** When the number falls to this, services that were left out are browsed for again. */
export const ROOMY_SERVICES = 900;
/** Addresses on several interfaces that have been reported. */
export const MAX_DOUBLED = 256;
/** Dropped discovery controllers that stacd is still told about. */
export const MAX_RETIRED = 256;
/** The depth to which referrals of referrals are followed. */
export const MAX_REFERRAL_DEPTH = 8;

/** A kind of command sent to a discovery controller, as D-Bus shows it (requirements 50). */
export interface CommandState {
  readonly failures: number;
  /** Undefined until the command was started. */
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
  /**
   * When stafd received the event that made it read the page, in milliseconds since 1970; undefined without
   * an event.
   */
  readonly toldAt: number | undefined;
  /** False: the page comes from the state file. */
  readonly fresh: boolean;
  readonly young?: PageYouth | undefined;
  readonly entries: readonly PageEntry[];
  /** Size of the entries as published (page_budget.ts). */
  readonly bytes: number;
}

export interface Dc {
  /** The command under way: one at a time for each controller. */
  readonly job: { readonly kind: JobKind; readonly op: Op } | undefined;
  /** After the job: read the log again, or go through the whole sequence again. */
  readonly then: "nothing" | "read-log" | "sync";
  readonly register: CommandState | undefined;
  readonly supported: CommandState | undefined;
  readonly readLog: CommandState | undefined;
  readonly lsp: number;
  readonly page: Page | undefined;
  /** When the first event came that no page read since then covers, in milliseconds since 1970. */
  readonly toldAt: number | undefined;
  /** When the connection came up. */
  readonly upAt: Instant | undefined;
  /** The kernel's state at the last look was `live`. */
  readonly live: boolean;
  /** The connection was lost, or made again, after the page was read. */
  readonly back: boolean;
  /** It refuses to give the header of its log page alone. */
  readonly noHeader: boolean;
  /** Number of referrals of its page for which the table had no room. */
  readonly left: number;
  /**
   * It was reachable before, or a source other than mDNS wants it: only then does the original's D-Bus
   * interface list it.
   */
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
  /** The controller that it announces; undefined when its TXT records are invalid. */
  readonly tid: Tid | undefined;
  readonly key: string | undefined;
  /** Not announced again since Avahi stopped: unknown, not withdrawn. */
  readonly stale: boolean;
}

export interface StafdState {
  readonly fleet: Fleet;
  readonly conf: StafdConf | undefined;
  readonly lines: Lines;
  readonly dcs: Table<Dc>;
  readonly services: Table<Service>;
  readonly avahi: {
    readonly available: boolean | undefined;
    readonly message: string;
    /**
     * Avahi has been running long enough to have reported everything: only then does its silence mean
     * anything.
     */
    readonly settled: boolean;
  };
  /** More services are announced than stafd follows: it browses for the others again when there is room. */
  readonly unheard: boolean;
  /** Addresses on several interfaces that have been reported: the last {@link MAX_DOUBLED}. */
  readonly doubled: ReadonlySet<string>;
  readonly retired: readonly RetiredDc[];
  /** Answers to persons that wait for the state file. */
  readonly answers: readonly WaitingAnswer<ForgetAnswer>[];
  /**
   * The result of the pass over all referrals, for this count of {@link Fleet.sayings} and this
   * configuration.
   */
  readonly referrals:
    | { readonly at: number; readonly conf: StafdConf | undefined; readonly value: Referrals }
    | undefined;
  /** What the places in the queues were worked out from, beside the controllers themselves. */
  readonly placedBy: { readonly sayings: number; readonly conf: StafdConf | undefined };
}

export const emptyStafd: StafdState = {
  fleet: emptyFleet,
  conf: undefined,
  lines: new Map(),
  dcs: Table.empty(),
  services: Table.empty(),
  avahi: { available: undefined, message: "", settled: false },
  unheard: false,
  doubled: new Set(),
  retired: [],
  answers: [],
  referrals: undefined,
  placedBy: { sayings: 0, conf: undefined },
};

/** The state without what is worked out from the rest of it, for a recording. */
export const withoutMemo = (state: StafdState): StafdState => ({ ...state, referrals: undefined });
