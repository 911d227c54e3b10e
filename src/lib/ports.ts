/**
 * The interfaces to the outside world that the core's effects need. `linux/` and `sim/` implement them, the shell
 * calls them.
 *
 * A method that takes time returns at once; its outcome arrives once, through `done`, later and never from inside the
 * call. An implementation never throws for an event of the outside world: that is an {@link Outcome}.
 */
import type { KernelState } from "./nvme/kernel_state.ts";
import type { ConnectOptions, DhchapKeys } from "./nvme/connect_options.ts";
import type { DiscoveryLog, PageEntry } from "./nvme/discovery_entry.ts";
import type { Exclusion } from "./nvme/exclusions.ts";
import type { Outcome } from "./base/failure.ts";
import type { InterfaceTable, KernelCtrl } from "./nvme/kernel_ctrl.ts";
import type { NamespaceLook } from "./nvme/namespace_look.ts";
import type { StorageLook } from "./nvme/storage_look.ts";
import type { Tid } from "./nvme/tid.ts";
import { type Duration, type Instant, type Now, seconds } from "./base/time.ts";

export type Done<T> = (outcome: Outcome<T>) => void;

export interface Clock {
  now(): Now;
  /** Milliseconds since an arbitrary start, including time in suspend; absent where nothing suspends the machine. */
  uptime?(): number;
  /** Calls `wake` once, at or after the deadline. The result cancels it. */
  wakeAt(deadline: Instant, wake: () => void): () => void;
}

/** The host as a controller sees it (requirements 10). */
export interface HostIdentity {
  readonly nqn: string;
  /** Host ID, a UUID text. */
  readonly id: string;
  /** Symbolic name, empty when there is none. */
  readonly symname: string;
}

export interface ConnectRequest {
  /** `traddr` is a literal address. The connection uses the host NQN of this tid. */
  readonly tid: Tid;
  readonly hostId: string;
  readonly discovery: boolean;
  readonly options: ConnectOptions;
  readonly keys: DhchapKeys;
}

/** How an address is tested. */
export interface Probe {
  /** Applies to the connection, and again to the answer. */
  readonly timeout: Duration;
  /**
   * After the TCP connection, send an NVMe/TCP request (ICReq) and wait for the answer: a peer that accepts the
   * connection and then stays silent would hold up the kernel. No answer, or a different one, gives the errno
   * {@link NO_NVME_TCP}.
   */
  readonly asks: boolean;
}

/** The peer accepts TCP connections, but does not answer as an NVMe/TCP target. */
export const NO_NVME_TCP = "EPROTO";

/**
 * The result of an address test. Undefined: it answers; `untested`: it could not be tested, and nothing suggests that
 * it is unreachable.
 */
export type Reached = "untested" | undefined;

/** A controller in the kernel, safe against reuse of its number. */
export interface DeviceRef {
  readonly device: string;
  readonly incarnation: number;
}

/** `inUse`: nothing was deleted, because a block device could not be claimed; the text gives the reason. */
export type Deletion = "deleted" | "gone" | { readonly inUse: string };

/**
 * `same`: it has these keys. `both`: nothing was written, because both differ, and the kernel would authenticate with one
 * old and one new key before it can be given the second one.
 */
export type KeysTaken = "taken" | "same" | "both";

export type KernelEvent =
  /** A device is new or has changed; `cause` says how. `ctrl` was read after the event. */
  | {
    readonly type: "device";
    readonly cause: "add" | "connected" | "rediscover" | "change";
    readonly ctrl: KernelCtrl;
  }
  /**
   * A device was removed. `now` is the incarnation that had its name when this event arrived: by then the kernel may
   * have given the number to another controller.
   */
  | { readonly type: "removed"; readonly device: string; readonly now: number | undefined }
  /** Asynchronous event notification: completion dword 0. */
  | { readonly type: "aen"; readonly device: string; readonly value: number }
  /** Events were lost: the view of the kernel is stale until the next scan. */
  | { readonly type: "overflow" }
  /** Links, addresses or routes of this host changed (also sent once at the start). */
  | { readonly type: "network"; readonly interfaces: InterfaceTable };

export interface Kernel {
  watch(sink: (event: KernelEvent) => void): void;
  /** All controllers, PCIe included. */
  scan(done: Done<readonly KernelCtrl[]>): void;
  /** The `state` attribute of each device that still exists. */
  states(devices: readonly string[], done: (states: ReadonlyMap<string, KernelState>) => void): void;
  /**
   * Can the address be reached from this host, from the interface and source address in the tid? TCP addresses are
   * tried. RDMA shows only a route and a neighbour, FC only the state of the remote port: if these show no obstacle,
   * the address is `untested`.
   */
  reach(tid: Tid, probe: Probe, done: Done<Reached>): void;
  /**
   * Makes the connection, one at a time (the kernel serialises them anyway). On success, `free` is called first, as
   * soon as the kernel can take the next connect: naming and reading back the new controller needs no turn, but may
   * have to wait for that next connect.
   */
  connect(request: ConnectRequest, free: () => void, done: Done<KernelCtrl>): void;
  /** Reads the uses of the controller's namespaces, and the controllers that serve them. Disturbs nothing. */
  lookAtUse(target: DeviceRef, done: Done<readonly NamespaceLook[]>): void;
  /**
   * Deletes exactly this controller; another one with its number is left alone and counts as `gone`. First it claims each
   * block device in `claims`, which must have a live path, and keeps the claims until the controller is deleted; one that
   * cannot be claimed is in use, and nothing is deleted (S12).
   */
  disconnect(target: DeviceRef, claims: readonly string[], done: Done<Deletion>): void;
  /**
   * Hands the key that differs to exactly this controller, which has one already; the kernel then authenticates again by
   * itself, and a target that does not know the key ends the connection. `dry`: only compares.
   */
  writeKeys(target: DeviceRef, keys: DhchapKeys, dry: boolean, done: Done<KeysTaken>): void;
  /** Registers the host by a DIM command (TP8010). */
  register(target: DeviceRef, tid: Tid, host: HostIdentity, done: Done<void>): void;
  /** The 32-bit entry of the discovery log in the Supported Log Pages log. */
  supportedLogs(target: DeviceRef, done: Done<number>): void;
  /** Reads the whole discovery log (S3) and re-arms its notification. */
  discoveryLog(target: DeviceRef, lsp: number, done: Done<DiscoveryLog>): void;
  /** Reads the generation counter of the discovery log, and leaves its notification as it is. */
  generation(target: DeviceRef, done: Done<bigint>): void;
  /** Writes or removes our name in nvme-cli's registry of owners. */
  own(device: string, owned: boolean): void;
}

/** Reads all subsystems of this host, to judge redundancy. Disturbs nothing. */
export interface Storage {
  look(done: Done<StorageLook>): void;
}

/** One service instance as Avahi reports it on one interface and protocol, resolved. */
export interface MdnsService {
  /** Interface, protocol, name, type and domain in one text: unique among the services present. */
  readonly key: string;
  readonly hostIface: string;
  readonly protocol: "IPv4" | "IPv6";
  readonly name: string;
  readonly stype: string;
  readonly domain: string;
  readonly traddr: string;
  readonly port: number;
  readonly txt: readonly Uint8Array[];
}

export type MdnsEvent =
  | { readonly type: "avahi"; readonly available: boolean; readonly message: string }
  | { readonly type: "service"; readonly service: MdnsService }
  | { readonly type: "service-gone"; readonly key: string }
  /** A problem to report to a person, once. */
  | { readonly type: "mdns-problem"; readonly message: string };

export interface Mdns {
  watch(sink: (event: MdnsEvent) => void): void;
  /** Turns browsing on or off. Turning it on again, or a reload, also retries at once. */
  browse(enabled: boolean): void;
  /** Reports all current announcements again. */
  again(): void;
}

export interface Resolver {
  /** All addresses of a host name, in the resolver's order. */
  resolve(host: string, done: Done<readonly string[]>): void;
}

/** A daemon that has run this long with the state it loaded was not killed by that state. */
export const PROVEN_AFTER: Duration = seconds(60);

/** The daemon's own state over a restart (STAF-120, STAF-122). */
export interface StateFile {
  /** The parsed JSON of the last save; undefined when there is none or it is damaged. */
  load(): unknown;
  /** Replaces the file atomically; `state` is JSON. */
  save(state: string, done: Done<void>): void;
  /** The loaded state has done no harm: the daemon still runs, or ends normally. */
  proven(): void;
}

/** A page of a controller that has just come back, or that lists only part of its earlier entries (S14). */
export interface PageYouth {
  /** When it became young, or last changed since then, in milliseconds since 1970. */
  readonly since: number;
  /** The reason, for people, to follow "because". */
  readonly why: string;
  /** It is young only because it is the first page of its controller that this stafd has read. */
  readonly isFirst: boolean;
}

/** What stafd reports to stacd about one discovery controller, but the entries of its page. */
export interface ReportedPage {
  readonly tid: Tid;
  readonly device: string;
  /**
   * `none`: it has no log page yet, so nothing follows from the empty list (S2).
   * `cached`: read by an earlier stafd: good for additions, no evidence for a removal.
   * `read`: read by this stafd; `genctr` and `readAt` say which page it is.
   */
  readonly page: "none" | "cached" | "read";
  readonly genctr: string;
  /** Milliseconds since 1970. */
  readonly readAt: number;
  /**
   * When stafd received the controller's event that led to this reading, in milliseconds since 1970; null without
   * one.
   */
  readonly toldAt: number | null;
  /**
   * For a page that was read: the link is up, no event has arrived since, and the last reading succeeded. Only then
   * is the page evidence for a removal (S14). A stafd before 1.0.1 does not report this.
   */
  readonly current?: boolean;
  /** When the page became young, and why; null when it is not young (S14). */
  readonly young?: PageYouth | null;
  /** The authority that it derives from (S16), for quotas. Missing from a stafd before 1.0.1. */
  readonly authority?: string;
}

/** With the entries, decoded: by stafd, or from the texts of a stafd that gives no other form. */
export interface ReportedDc extends ReportedPage {
  readonly entries: readonly PageEntry[];
}

/** A discovery controller that stafd dropped for good, and why: evidence that its entries no longer count. */
export interface RetiredDc {
  readonly tid: Tid;
  readonly why: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What stafd reports besides its discovery controllers. */
export interface ReportedPages {
  readonly retired: readonly RetiredDc[];
  /** Reasons why discovery controllers may be missing from the list: then absence from it is no evidence (S2). */
  readonly unknowns: readonly string[];
  /** Some pages could not be fetched this time: fetch again. */
  readonly partial?: true;
}

export interface StafdReport extends ReportedPages {
  readonly dcs: readonly ReportedDc[];
}

/** The answer to a fetch. */
export interface FetchedReport extends StafdReport {
  /** One page was asked for: what stafd says besides is not in here, and `dcs` is empty if it could not be had. */
  readonly only?: true;
  /** The page comes ahead of the report that was asked for: one page at a time is work for one step (S11). */
  readonly ahead?: true;
}

export type StafdNews =
  | { readonly type: "stafd"; readonly present: boolean }
  /** A log page or the set of discovery controllers changed: time to fetch. `page`: only the page of this one did. */
  | { readonly type: "stafd-changed"; readonly page?: Tid };

export interface Stafd {
  watch(sink: (event: StafdNews) => void): void;
  /**
   * `page`: only the page of this discovery controller; from a stafd that has no single pages, all of them. `ahead`
   * receives pages that have changed as they come; the report has them, too.
   */
  fetch(done: Done<FetchedReport>, page?: Tid, ahead?: (page: FetchedReport) => void): void;
}

/** Signals that the daemon sends. */
export type Signal =
  | { readonly type: "log-pages-changed"; readonly tid: Tid; readonly device: string }
  | { readonly type: "dc-removed" }
  /** Versioned interface: something happened to a controller; plain JSON. */
  | { readonly type: "event"; readonly event: Readonly<Record<string, unknown>> };

export interface Publisher {
  emit(signal: Signal): void;
}

/** nvme-cli's host-wide list of exclusions. */
export interface Exclusions {
  read(done: (list: readonly Exclusion[]) => void): void;
}

export interface Units {
  /** `systemctl restart` of an instance of a template, without waiting; the arguments become its escaped name (STAF-112). */
  restart(template: string, args: readonly string[]): void;
}

export type LogLevel = "error" | "warning" | "notice" | "info" | "debug";

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  /** Journal fields, upper case (`NVME_DEVICE`). */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface Log {
  write(entry: LogEntry): void;
}
