/**
 * The JSON of the versioned interfaces `org.nvmexpress.staf.v1` and `org.nvmexpress.stac.v1`.
 *
 * All times are milliseconds since 1970. A member that may be `null` is always present. New members may be added
 * under the same schema number; members are never removed and never change their meaning under it.
 */
import type { Tid } from "../nvme/tid.ts";

export const SCHEMA = 1;

export type DaemonName = "stafd" | "stacd";

/** A source of a controller: the reason for its connection. */
export interface V1Source {
  readonly kind: "config" | "mdns" | "referral" | "log-page" | "nbft" | "cache" | "kernel";
  /** For people: `/etc/stas/stafd.conf:12`, `mDNS service "B" on eth0`, `referral of (tcp, 10.0.0.1, 8009)`. */
  readonly text: string;
  /** Of `log-page` and `referral`. */
  readonly dc?: V1SourceDc;
  /** Of `config` and `nbft`: the file. */
  readonly file?: string;
  /** Of `config`: the line in the file, from 1. */
  readonly line?: number;
  /** Of `mdns`: name, interface and protocol of the service. */
  readonly service?: string;
}

/** The discovery controller whose log page lists a controller. */
export interface V1SourceDc {
  /** Its addresses are in canonical form, whatever their spelling in the source. */
  readonly tid: Tid;
  readonly text: string;
  /** Generation counter of the log page, and when it was read. */
  readonly genctr: string;
  readonly readAt: number;
}

export interface V1Failure {
  /** Step that failed: `resolve`, `reach`, `connect`, `verify`, `register`, `supported-logs`, `read-log`, `disconnect`. */
  readonly phase: string;
  readonly kind: "transient" | "permanent" | "gone";
  /** `ECONNREFUSED`, or null. */
  readonly errno: string | null;
  /** NVMe status field, or null. */
  readonly status: number | null;
  readonly message: string;
  readonly remedy: string | null;
  readonly at: number;
}

/** Every {@link V1Phase}, in the order of a life. */
export const PHASES = [
  "waiting",
  "connecting",
  "connected",
  "reconnecting",
  "failing",
  "given-up",
  "leaving",
  "disconnecting",
  "excluded",
  "foreign",
] as const;

/**
 * Where a controller is in its life.
 * `waiting`: not tried yet, or held back until something happens (`detail` says what);
 * `connecting`: an attempt is being made; `connected`: the kernel's connection is live;
 * `reconnecting`: the kernel itself is trying to get the link back; `failing`: the last attempt failed, `nextTry` says when
 * the next one is made; `given-up`: no more attempts (NCC, CFG-42); `disconnecting`: being removed;
 * `leaving`: connected and no longer wanted, removed at `removeAt` unless wanted again;
 * `excluded`: wanted by a source, excluded by the configuration; `foreign`: in the kernel, not ours.
 */
export type V1Phase = typeof PHASES[number];

export interface V1Controller {
  readonly tid: Tid;
  /** TID-11: `(tcp, 10.0.0.1, 8009, nqn...)`. */
  readonly text: string;
  readonly kind: "discovery" | "io";
  /** `nvme3`, or empty. */
  readonly device: string;
  readonly phase: V1Phase;
  /**
   * Since when it has been in this phase; `waiting`, `connecting`, `failing` and `given-up` count as one, not
   * connected. A restart of the daemon does not change it.
   */
  readonly since: number;
  /** Why it is in this phase, one sentence. */
  readonly detail: string;
  /** `state` in sysfs: `live`, `connecting`, ...; empty without a device. */
  readonly kernelState: string;
  readonly sources: readonly V1Source[];
  /** Attempts since the last success. */
  readonly attempts: number;
  readonly lastFailure: V1Failure | null;
  readonly nextTry: number | null;
  readonly removeAt: number | null;
  /** Block devices: `nvme3n1`. */
  readonly namespaces: readonly string[];
  readonly model: string;
  readonly serial: string;
  /** `none`, `ddc`, `cdc` or empty. */
  readonly dctype: string;
  readonly cntlid: string;
  /** Discovery controllers: the last log page, null when none was read. */
  readonly logPage: { readonly genctr: string; readonly readAt: number; readonly entries: number } | null;
  /** Configured or required security that the connection lacks: `TLS`. Absent when it lacks none. */
  readonly lessSafe?: readonly string[];
  /** Options of the connection that differ from the configured ones: `kato is 5, not 30`. Absent when there are none. */
  readonly differs?: readonly string[];
  /** Host names that stand for its address in `controller=` lines. Absent when there are none. */
  readonly hosts?: readonly string[];
  /**
   * The interface of this host that the connection uses, bound to it or not; while the link is lost, the last one.
   * Absent when not known.
   */
  readonly iface?: string;
  /** ANA states of its namespaces, each once, with commas between: `optimized`. Absent without ANA. */
  readonly anaState?: string;
  /**
   * The source address of the connection; while the link is lost, the last one (tcp, Linux 6.1). Absent when not
   * known.
   */
  readonly srcAddr?: string;
  /** Present only while its link is lost and the kernel reconnects. */
  readonly lost?: {
    readonly at: number;
    /** Milliseconds; null when the kernel does not show it. */
    readonly retryEvery: number | null;
    /** When the kernel removes the controller (ctrl-loss-tmo); null: never, or not shown. */
    readonly givesUpAt: number | null;
    /** The kernel never gives up. */
    readonly forever: boolean;
  };
}

/** stacd: a subsystem that this host is connected to, with all its paths, whoever made them. */
export interface V1Subsystem {
  readonly nqn: string;
  /** `nvme-subsys3`. */
  readonly device: string;
  readonly model: string;
  /** `numa`, `round-robin`, `queue-depth`; empty where the kernel shows none. */
  readonly ioPolicy: string;
  /** Wanted paths, and those of them that are up. */
  readonly wanted: number;
  readonly live: number;
  /**
   * `reconnect_count` and others of each controller (`diag/` in sysfs of newer kernels); controllers without counters
   * are left out.
   */
  readonly counters?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly namespaces: readonly V1Namespace[];
}

export interface V1Namespace {
  /** The block device that programs use: `nvme3n1`. */
  readonly device: string;
  /** Native multipath unites its paths; otherwise it belongs to one controller. */
  readonly shared: boolean;
  /** What uses it: `mounted on /srv`, `held by dm-2 (vg-data): mounted on /data`. */
  readonly holders: readonly string[];
  /** Why its use is not fully known; null when it is. */
  readonly unknown: string | null;
  readonly paths: readonly {
    /** The controller, `nvme7`. */
    readonly device: string;
    /** `nvme3c7n1`. */
    readonly path: string;
    /** The controller's state, as the kernel reports it. */
    readonly state: string;
    /** `optimized`, `non-optimized`, `inaccessible`, `persistent-loss`, `change`; empty without ANA. */
    readonly anaState: string;
    readonly counters?: Readonly<Record<string, number>>;
  }[];
  readonly counters?: Readonly<Record<string, number>>;
}

/** A finding in a configuration file. */
export interface V1Finding {
  readonly severity: "error" | "warning" | "notice";
  readonly file: string;
  /** From 1; 0 when the finding is about the whole file. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** How long something took, each time since the daemon was started. */
export interface V1Latency {
  /** Upper bounds of the classes, in milliseconds, ascending. */
  readonly bounds: readonly number[];
  /** The count of each class, with one more number than there are bounds: the count above the last bound. */
  readonly counts: readonly number[];
  /** The sum of all, in milliseconds. */
  readonly sum: number;
}

export interface V1State {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly version: string;
  /** When this report was made. */
  readonly at: number;
  readonly started: number;
  readonly host: { readonly nqn: string; readonly id: string; readonly symname: string };
  readonly config: {
    readonly file: string;
    readonly loadedAt: number;
    /** False: the last reload was refused, and the previous configuration is in force. */
    readonly valid: boolean;
    readonly findings: readonly V1Finding[];
  };
  /** stafd: Avahi, null when `zeroconf` is off. */
  readonly avahi: { readonly available: boolean; readonly services: number } | null;
  /**
   * stacd: whether stafd is running, when it last reported, and how long connections took from the event that led to
   * them.
   */
  readonly stafd: {
    readonly present: boolean;
    readonly reportedAt: number | null;
    readonly aenToConnect: V1Latency | null;
  } | null;
  readonly controllers: readonly V1Controller[];
  /** Links that were lost and that came back, counted since the daemon was started. */
  readonly links?: { readonly lost: number; readonly returned: number };
  /** The latest events, the newest at the end; a restart of the daemon clears them. */
  readonly events?: readonly V1Event[];
  /** stacd: absent when sysfs could not be read. */
  readonly subsystems?: readonly V1Subsystem[];
  /** stacd: `on`, `off`, `absent` (the kernel was built without), `unknown`. */
  readonly nativeMultipath?: "on" | "off" | "absent" | "unknown";
  /** stacd: absent when there are none. */
  readonly drains?: readonly V1Drain[];
}

/** Controllers that a person took out for maintenance (`stacctl drain`). */
export interface V1Drain {
  /** Its name, as the person wrote it. */
  readonly what: string;
  readonly uid: number;
  /** When it began. */
  readonly at: number;
  /** When it ends; null: with undrain or a reboot. */
  readonly until: number | null;
  /** Controllers are disconnected even when in use. */
  readonly forced: boolean;
  /** The number of controllers that it covers now. */
  readonly controllers: number;
}

export interface V1Change {
  readonly action: "connect" | "adopt" | "disconnect" | "let-go";
  readonly tid: Tid;
  readonly text: string;
  readonly kind: "discovery" | "io";
  readonly device: string;
  /** When; null: at once. */
  readonly at: number | null;
  /** Why, most important first: sources for a connection, evidence for a disconnection. */
  readonly reasons: readonly string[];
  /** A connection that failed before and is only tried again, so that it is no change. Absent otherwise. */
  readonly retry?: true;
}

/**
 * A connection that is no longer wanted, but stays because a namespace behind it is in use, or because it is the last
 * path.
 */
export interface V1Held {
  readonly tid: Tid;
  readonly text: string;
  readonly device: string;
  /** What holds it: `nvme0n1 is in use: mounted on /srv`. */
  readonly why: string;
  /** The evidence for the disconnection that waits. */
  readonly reasons: readonly string[];
}

export interface V1Plan {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly at: number;
  /** False: the given configuration is invalid and would change nothing; `findings` says why. */
  readonly valid: boolean;
  readonly findings: readonly V1Finding[];
  readonly changes: readonly V1Change[];
  readonly held: readonly V1Held[];
  /** The number of controllers that stay as they are. */
  readonly unchanged: number;
  /** Unknown facts, from which nothing can be planned: `stafd is not running`. */
  readonly unknowns: readonly string[];
  /**
   * A renewal that is under way, and lines without effect at the moment: an exclude that matches nothing, a controller that is excluded. Absent when
   * there are none.
   */
  readonly notes?: readonly string[];
}

/** One link of the chain from cause to effect. */
export interface V1Step {
  readonly step: "source" | "decision" | "attempt" | "state" | "next" | "remedy";
  readonly at: number | null;
  readonly text: string;
}

export interface V1Explanation {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly at: number;
  readonly query: string;
  readonly matches: readonly {
    readonly tid: Tid;
    readonly text: string;
    readonly device: string;
    readonly phase: V1Phase | "gone";
    /** The answer in one sentence. */
    readonly headline: string;
    readonly chain: readonly V1Step[];
  }[];
}

export interface V1Health {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly at: number;
  readonly status: "good" | "degraded";
  readonly counts: {
    readonly wanted: number;
    readonly connected: number;
    readonly failing: number;
    readonly waiting: number;
  };
  readonly problems: readonly {
    /**
     * Stable word for scripts: `controller-failing`, `config-invalid`, `stafd-absent`, `avahi-absent`,
     * `host-identity-changed`, `less-safe-than-asked`, `security-unreadable`, `call-hung`, `removal-held`, `no-room`, `drained`; of
     * redundancy: `no-usable-path`, `one-path`, `no-optimized-path`, `native-multipath-off`, `dm-multipath`, `fewer-paths`,
     * `one-interface`, `one-array-address`, `io-policy`, `ctrl-loss-tmo`.
     */
    readonly id: string;
    /**
     * The problem, more precisely than in `id`: for `controller-failing` it is `link-lost`, `given-up`, or the step
     * that failed: `resolve-failed`, `reach-failed`, `connect-failed`, `verify-failed`, `disconnect-failed`... Absent
     * when it equals the `id`.
     */
    readonly kind?: string;
    readonly text: string;
    readonly remedy: string | null;
    /** NQN of the subsystem concerned. Absent when the problem is about something else. */
    readonly subsystem?: string;
    /** Advice does not degrade the health. Absent otherwise. */
    readonly severity?: "advice";
  }[];
}

/** A controller that an act of a person names. */
export interface V1Named {
  readonly tid: Tid;
  readonly text: string;
  /** The present one; empty if it is not connected. */
  readonly device: string;
}

export const DRAIN_RESULTS = ["possible", "drained", "undrained", "refused", "watching", "unknown"] as const;
export const DRAINED_STATES = ["not-connected", "disconnected", "kept", "held", "watched"] as const;

export interface V1Drained extends V1Named {
  /**
   * `held`: it would be disconnected, but must not be; `watched`: whether it may be is not known yet; `kept`: stacd
   * may not disconnect it.
   */
  readonly becomes: typeof DRAINED_STATES[number];
  /** The reason, for the last three; empty otherwise. */
  readonly why: string;
}

/** `drain` and `undrain` of stacd. */
export interface V1DrainAnswer {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly at: number;
  /**
   * `possible`: in the mode `ask`, the drain would be done; `watching`: it is not known yet whether a program reads
   * or writes namespaces that the drain would disconnect, call again after `again`; `unknown`: nothing has that name.
   */
  readonly result: typeof DRAIN_RESULTS[number];
  /** Why it was refused. */
  readonly reasons: readonly string[];
  /** The outcome for each named controller. */
  readonly controllers: readonly V1Drained[];
  /** Milliseconds. */
  readonly again: number | null;
  /** The drains that began or ended; with `unknown`, the drains in force. */
  readonly drains: readonly V1Drain[];
}

export const FORGET_RESULTS = ["possible", "forgotten", "refused", "unknown"] as const;
export const FORGOTTEN_STATES = ["not-connected", "disconnected", "kept", "refused"] as const;

export interface V1Forgotten extends V1Named {
  /**
   * `disconnected`: its connection, whose link is lost, goes, too; `kept`: stafd may not disconnect it; `refused`:
   * nothing changes.
   */
  readonly becomes: typeof FORGOTTEN_STATES[number];
  /** The reason, for the last two; empty otherwise. */
  readonly why: string;
  /** The number of I/O controllers that its log page listed last. */
  readonly listed: number;
  /** Those of them that no other log page lists. */
  readonly only: number;
}

/** `forget` of stafd. */
export interface V1ForgetAnswer {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly at: number;
  /** `possible`: in the mode `ask`, it would be done; `unknown`: nothing has that name. */
  readonly result: typeof FORGET_RESULTS[number];
  /** Why it was refused, each with the way out. */
  readonly reasons: readonly string[];
  /** The controllers that are named, then those to which only they referred. */
  readonly controllers: readonly V1Forgotten[];
}

/** `report_begin`. The text that `report_piece` gives has a schema of its own: that of reports. */
export interface V1ReportBegun {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly at: number;
  /** The number for `report_piece`. */
  readonly report: number;
}

export const RENEW_RESULTS = ["possible", "running", "renewed", "stopped", "refused", "unknown"] as const;
export const RENEW_MEANS = ["keys", "reconnect", "same", "not-connected"] as const;
export const RENEWED_STATES = ["waiting", "under-way", "done", "failed", "left"] as const;

export interface V1Renewed extends V1Named {
  /**
   * `keys`: new keys are handed to the kernel, which authenticates again; `reconnect`: disconnected and connected again;
   * `same`: nothing that the kernel shows differs from the file; `not-connected`: its next connection has the options.
   */
  readonly means: typeof RENEW_MEANS[number];
  /** `left`: not begun. */
  readonly is: typeof RENEWED_STATES[number];
  /** The differences; of `failed`, the reason. */
  readonly why: string;
}

/** `renew` of stacd. */
export interface V1RenewAnswer {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly at: number;
  /**
   * `possible`: in the mode `ask`, it would be begun; `running`: call again with the mode `watch` after `again`; `stopped`:
   * at the first failure, or by a person; `unknown`: nothing has that name, or there is nothing to watch.
   */
  readonly result: typeof RENEW_RESULTS[number];
  /** Why it was refused, or stopped. */
  readonly reasons: readonly string[];
  /** What the array has to be ready for: it sees another host. */
  readonly warnings: readonly string[];
  readonly controllers: readonly V1Renewed[];
  /** Milliseconds. */
  readonly again: number | null;
}

/** The `event` signal. */
export interface V1Event {
  readonly schema: typeof SCHEMA;
  readonly daemon: DaemonName;
  readonly at: number;
  /**
   * Stable word: `connected`, `failed`, `link-lost`, `link-returned`, `removed` (by the kernel or by others),
   * `disconnecting`, `disconnected`, `disconnect-failed`, `held`, `let-go`, `less-safe`, `log-page`, `reload`, `drained`,
   * `undrained`, `forgotten`, `renewing`, `renewed`, `renewal-stopped`, `stafd-gone`, `stafd-back`.
   */
  readonly type: string;
  /** The controller, null for an event of the daemon itself. */
  readonly tid: Tid | null;
  /** TID-11 text, or empty. */
  readonly text: string;
  readonly device: string;
  /** For people, one sentence with the reason. */
  readonly message: string;
  /** Why no source wants the controller any more, or the act of a person. Absent: none. */
  readonly evidence?: string;
  /** The user, for an act of a person. Absent otherwise. */
  readonly uid?: number;
}
