/**
 * The state that both daemons share: the wanted controllers, the kernel's connections, and the work under
 * way.
 */
import type { EventType } from "../../base/messages.ts";
import type { IpFamilies } from "../../config/controller_line.ts";
import type { Exclusion } from "../../nvme/exclusions.ts";
import type { InterfaceTable, KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { matchIndexKey } from "../../nvme/match.ts";
import type { Tid, Transport } from "../../nvme/tid.ts";
import type { Instant } from "../../base/time.ts";
import type { TlsHost } from "../../nvme/tls_host.ts";
import { type Agenda, emptyAgenda, forgetController } from "./agenda.ts";
import type { Authority, Ctl } from "../controller/ctl.ts";
import type { Op } from "../effects.ts";
import type { Evidence } from "../planning/evidence.ts";
import {
  counted,
  ctlIndexKey,
  deviceIndexKeys,
  listed,
  type Said,
  uncounted,
  unlisted,
  withSaid,
} from "./fleet_index.ts";
import { type ToldBySource, toldNothing } from "./log_limit.ts";
import { type HostConf, type NbftTargets, noNbft } from "../request/host.ts";
import type { Standing } from "../controller/standing.ts";
import { isAboutTls, securedKey } from "../request/tls_targets.ts";
import { Table } from "../../base/table.ts";
import { freeLock, type KernelLock } from "./kernel_lock.ts";
import { emptyQueue, left, type Queue } from "./waiting.ts";

/**
 * Controllers that one daemon manages; more are refused with an error (S6). With names as long as a hostile page makes
 * them each takes about 4 KB, its text in the state file included.
 */
export const MAX_CTLS = 12_288;
/** Reachability probes in flight. */
export const MAX_PROBES = 32;
/** Targets that are remembered to have been connected by TLS: each needed a key of this host. The first one goes (S6). */
export const MAX_SECURED = 16_384;
/** Former controllers that `explain` still describes. */
export const MAX_PAST = 64;

/** A controller that is no longer in the table. */
export interface Past {
  readonly key: string;
  readonly tid: Tid;
  readonly text: string;
  readonly device: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly what: "disconnected" | "released" | "forgotten";
  readonly why: string;
  readonly evidence: readonly Evidence[];
}

/** Newest events that are kept to be shown (S6). */
export const MAX_RECENT = 20;

/** An event, as it was published. */
export interface Happening {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly type: EventType;
  /** Null for one of the daemon itself. */
  readonly tid: Tid | null;
  readonly text: string;
  readonly device: string;
  readonly message: string;
  readonly evidence?: string;
  /** Of an act of a person. */
  readonly uid?: number;
}

/** A number: a device with this name was removed, and this incarnation has the name; its record is still to come. */
export type DeviceNews = ReadonlyMap<string, "seen" | "gone" | number>;

/** The links of connections, as last seen (links.ts). */
export interface Links {
  /** A look is due. */
  readonly looking: boolean;
  /** Counted since the daemon was started. */
  readonly lost: number;
  readonly returned: number;
}

export interface Fleet {
  readonly ctls: Table<Ctl>;
  /** Keys of controllers by {@link ctlIndexKey}. */
  readonly ctlsAt: Table<readonly string[]>;
  /** Keys of the controllers that an authority claims or has withdrawn. */
  readonly said: Said;
  /**
   * Increases with each change of an authority's statement, so that results that depend on the statements are
   * computed once.
   */
  readonly sayings: number;
  /** Keys of the controllers whose removal soaks, or is being looked into. */
  readonly leaving: Table<true>;
  readonly devices: Table<KernelCtrl>;
  /**
   * Patterns of exclude= lines at the first start of a version that understands them: until a reload they
   * prevent new connections but remove none (DEC-20). Undefined before the first start.
   */
  readonly patternsOnTrial: ReadonlySet<string> | undefined;
  /** When each of them was read, by the monotonic clock. */
  readonly readAt: Table<number>;
  /** Devices by {@link deviceIndexKeys}. */
  readonly devicesAt: Table<readonly string[]>;
  /** The number of live devices at an address: there a target answers. */
  readonly liveAt: Table<number>;
  /** Keys of the controllers that use a device. */
  readonly users: Table<readonly string[]>;
  readonly fresh: boolean;
  readonly scan: Op | undefined;
  /** Events were lost while the scan was under way: its result may be older than they are. */
  readonly scanAgain: boolean;
  /**
   * The last event about each device since the scan began: the answer may be older than the events, so events take
   * precedence (otherwise a device that is gone would come back for good). For connects see kernel_lock.ts.
   */
  readonly sinceScan: DeviceNews;
  readonly interfaces: InterfaceTable;
  readonly agenda: Agenda;
  /** A controller found no room in the table, and there may be some again (table_room.ts). */
  readonly leftOut: boolean;
  readonly reaching: number;
  /** Controllers that wait for a probe, and for the kernel (queues.ts). */
  readonly toReach: Queue;
  readonly ready: Queue;
  /** Whose connect the kernel makes, and what happens between two of them. */
  readonly lock: KernelLock;
  readonly nextOp: Op;
  /**
   * nvme-cli's host-wide exclusion list; undefined until it has been read, and nothing is connected before
   * that (S7).
   */
  readonly exclusions: readonly Exclusion[] | undefined;
  /** The transports that this host can use; undefined: not reported yet. */
  readonly transports: ReadonlySet<Transport> | undefined;
  /** What this host has for TLS; undefined: not told. */
  readonly tls: TlsHost | undefined;
  /** Keys of the controllers of which a page says something about TLS, by {@link securedKey}. */
  readonly aboutTls: Table<readonly string[]>;
  /** What was connected by TLS, by {@link securedKey}: no page brings it back to clear (S15). */
  readonly secured: Table<true>;
  readonly host: HostConf | undefined;
  readonly nbft: NbftTargets;
  /**
   * Address families that were allowed when a changed file was last loaded, or before the restart:
   * connections that they allow and the present ones do not stay (S13).
   */
  readonly families: IpFamilies | undefined;
  readonly saves: {
    readonly wanted: number;
    /** The last change that the file may not be without; later ones wait for others (SAVE_DELAY). */
    readonly due: number;
    readonly done: number;
    readonly running: { readonly op: Op; readonly upTo: number } | undefined;
    readonly failed: boolean;
  };
  readonly links: Links;
  /**
   * Milliseconds since 1970 at the start of the machine's uptime, by the clock of the times in this state; undefined: the
   * state file is of a version that did not record it. It tells at the next start how the clock was set meanwhile.
   */
  readonly lead: number | undefined;
  /** Recent log lines by source (log_limit.ts). */
  readonly told: ToldBySource;
  readonly past: readonly Past[];
  /** The newest last. */
  readonly recent: readonly Happening[];
  /** Records of the state file that were left out: a source that claims one again soon continues it. */
  readonly stood: Table<{ readonly standing: Standing; readonly until: Instant }>;
  readonly stopping: boolean;
}

export const emptyFleet: Fleet = {
  ctls: Table.empty(),
  ctlsAt: Table.empty(),
  said: Table.empty(),
  sayings: 0,
  leaving: Table.empty(),
  devices: Table.empty(),
  patternsOnTrial: undefined,
  readAt: Table.empty(),
  devicesAt: Table.empty(),
  liveAt: Table.empty(),
  users: Table.empty(),
  fresh: false,
  scan: undefined,
  scanAgain: false,
  sinceScan: new Map(),
  interfaces: new Map(),
  agenda: emptyAgenda,
  leftOut: false,
  reaching: 0,
  toReach: emptyQueue,
  ready: emptyQueue,
  lock: freeLock,
  nextOp: 1,
  exclusions: undefined,
  transports: undefined,
  tls: undefined,
  aboutTls: Table.empty(),
  secured: Table.empty(),
  host: undefined,
  nbft: noNbft,
  families: undefined,
  saves: { wanted: 0, due: 0, done: 0, running: undefined, failed: false },
  links: { looking: false, lost: 0, returned: 0 },
  lead: undefined,
  told: toldNothing,
  past: [],
  recent: [],
  stood: Table.empty(),
  stopping: false,
};

const NOBODY: ReadonlyMap<Authority, unknown> = new Map();

/** The fleet with this controller in place of its previous state. */
export function withCtl(fleet: Fleet, ctl: Ctl): Fleet {
  const old = fleet.ctls.get(ctl.key);
  const ctls = fleet.ctls.with(ctl.key, ctl);
  const isSame = old?.claims === ctl.claims && old.released === ctl.released;
  const said = isSame ? fleet.said : withSaid(fleet.said, ctl.key, old, ctl);
  const sayings = isSame ? fleet.sayings : fleet.sayings + 1;
  const ctlsAt = old === undefined ? listed(fleet.ctlsAt, ctlIndexKey(ctl.tid), ctl.key) : fleet.ctlsAt;
  const aboutTls = isSame ? fleet.aboutTls : withAbout(fleet.aboutTls, old, ctl);
  const leaving = withLeaving(fleet.leaving, ctl);
  const waits = waitsFor(ctl);
  const toReach = waits === "probe" ? fleet.toReach : left(fleet.toReach, ctl.key);
  const ready = waits === "kernel" ? fleet.ready : left(fleet.ready, ctl.key);
  return { ...fleet, ctls, said, sayings, ctlsAt, aboutTls, leaving, toReach, ready };
}

/** What the controller waits for a turn for, if it does. */
export function waitsFor({ link }: Ctl): "probe" | "kernel" | undefined {
  if (link.phase === "ready") return "kernel";
  return link.phase === "reaching" && link.op === undefined ? "probe" : undefined;
}

function withLeaving(leaving: Fleet["leaving"], { key, removeAt, guard }: Ctl): Fleet["leaving"] {
  const isLeaving = removeAt !== undefined || guard !== undefined;
  if (leaving.has(key) === isLeaving) return leaving;
  return isLeaving ? leaving.with(key, true) : leaving.without(key);
}

function withAbout(about: Fleet["aboutTls"], old: Ctl | undefined, now: Ctl | undefined): Fleet["aboutTls"] {
  const was = old !== undefined && isAboutTls(old) ? old : undefined;
  const is = now !== undefined && isAboutTls(now) ? now : undefined;
  if (is !== undefined) return listed(about, securedKey(is.tid), is.key);
  return was === undefined ? about : unlisted(about, securedKey(was.tid), was.key);
}

export function withoutCtl(fleet: Fleet, { key, tid }: Ctl): Fleet {
  const old = fleet.ctls.get(key);
  if (old === undefined) return fleet;
  return {
    ...fleet,
    agenda: forgetController(fleet.agenda, key),
    ctls: fleet.ctls.without(key),
    said: withSaid(fleet.said, key, old, { claims: NOBODY, released: NOBODY }),
    sayings: old.claims.size === 0 ? fleet.sayings : fleet.sayings + 1,
    ctlsAt: unlisted(fleet.ctlsAt, ctlIndexKey(tid), key),
    aboutTls: withAbout(fleet.aboutTls, old, undefined),
    leaving: fleet.leaving.without(key),
    toReach: left(fleet.toReach, key),
    ready: left(fleet.ready, key),
  };
}

export function withDevice(fleet: Fleet, ctrl: KernelCtrl, readAt: number): Fleet {
  const gone = withoutDevice(fleet, ctrl.device);
  let { devicesAt } = gone;
  for (const key of deviceIndexKeys(ctrl)) devicesAt = listed(devicesAt, key, ctrl.device);
  return {
    ...gone,
    devices: gone.devices.with(ctrl.device, ctrl),
    readAt: gone.readAt.with(ctrl.device, readAt),
    devicesAt,
    liveAt: isLive(ctrl) ? counted(gone.liveAt, matchIndexKey(ctrl)) : gone.liveAt,
  };
}

const isLive = ({ state }: KernelCtrl): boolean => state === "live";

export function withoutDevice(fleet: Fleet, device: string): Fleet {
  const old = fleet.devices.get(device);
  if (old === undefined) return fleet;
  let { devicesAt } = fleet;
  for (const key of deviceIndexKeys(old)) devicesAt = unlisted(devicesAt, key, device);
  return {
    ...fleet,
    devices: fleet.devices.without(device),
    readAt: fleet.readAt.without(device),
    devicesAt,
    liveAt: isLive(old) ? uncounted(fleet.liveAt, matchIndexKey(old)) : fleet.liveAt,
  };
}
