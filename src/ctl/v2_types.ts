/**
 * JSON of schema 2: what the tools print with `--schema 2`. One spelling for each thing, that of the kernel and of nvme-cli
 * (`host_iface`, `subsysnqn`); objects where schema 1 has texts that are to be parsed; each document says by `output` what it
 * is. All times are milliseconds since 1970. A member that may be `null` is always there. Members may be added under the same
 * number; none is removed and none changes its meaning.
 */
import type { V2Drain, V2Drained, V2Forgotten, V2History, V2Renewed } from "./v2_acts.ts";
import type { DaemonName, V1Change, V1Finding, V1Phase, V1Source } from "../lib/dbus/v1_types.ts";

/** What every document begins with. */
export interface V2Head {
  readonly schema: 2;
  /** The daemon that was asked. */
  readonly daemon: DaemonName;
  /** When this was said. */
  readonly at: number;
}

/** What identifies a controller. Texts, empty where nothing is given. */
export interface V2Tid {
  readonly transport: "tcp" | "rdma" | "fc" | "loop";
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly host_traddr: string;
  readonly host_iface: string;
  readonly host_nqn: string;
}

/** The discovery controller whose log page lists a controller. */
export interface V2SourceDc {
  /** Its addresses are in canonical form. */
  readonly tid: V2Tid;
  readonly text: string;
  /** Generation counter of the log page, and when it was read. */
  readonly genctr: string;
  readonly read_at: number;
}

/** What asks for a controller. */
export interface V2Source {
  readonly kind: V1Source["kind"];
  /** For people. */
  readonly text: string;
  /** Of `log-page` and `referral`. */
  readonly dc: V2SourceDc | null;
  /** Of `config` and `nbft`. */
  readonly file: string | null;
  /** Of `config`: the line in the file, from 1. */
  readonly line: number | null;
  /** Of `mdns`: name, interface and protocol of the service. */
  readonly service: string | null;
}

/** Why the last attempt failed. */
export interface V2Failure {
  /** `resolve`, `reach`, `connect`, `verify`, `register`, `supported-logs`, `read-log`, `disconnect`. */
  readonly step: string;
  readonly kind: "transient" | "permanent" | "gone";
  /** `ECONNREFUSED`. */
  readonly errno: string | null;
  /** NVMe status field. */
  readonly status: number | null;
  readonly message: string;
  readonly remedy: string | null;
  readonly at: number;
}

/** A lost link that the kernel tries to get back. */
export interface V2Lost {
  readonly at: number;
  /** Milliseconds; null when the kernel does not show it. */
  readonly retry_every: number | null;
  /** When the kernel removes the controller (ctrl-loss-tmo); null: never, or not shown. */
  readonly gives_up_at: number | null;
  /** The kernel never gives up. */
  readonly forever: boolean;
}

export interface V2LogPage {
  readonly genctr: string;
  readonly read_at: number;
  /** How many entries it has. */
  readonly entries: number;
}

export interface V2Controller {
  readonly tid: V2Tid;
  /** `(tcp, 10.0.0.1, 8009, nqn...)`. */
  readonly text: string;
  readonly kind: "discovery" | "io";
  /** `nvme3`, or empty. */
  readonly device: string;
  readonly state: V1Phase;
  /**
   * Since when it is in this state; `waiting`, `connecting`, `failing` and `given-up` count as one, not connected. A restart
   * of the daemon changes nothing of it.
   */
  readonly since: number;
  /** Why it is in this state, one sentence. */
  readonly detail: string;
  /** `state` in sysfs; empty without a device. */
  readonly kernel_state: string;
  readonly sources: readonly V2Source[];
  /** Attempts since the last success. */
  readonly attempts: number;
  readonly last_failure: V2Failure | null;
  readonly next_try: number | null;
  readonly remove_at: number | null;
  /** Block devices: `nvme3n1`. */
  readonly namespaces: readonly string[];
  readonly model: string;
  readonly serial: string;
  /** `none`, `ddc`, `cdc` or empty. */
  readonly dctype: string;
  readonly cntlid: string;
  /** Discovery controllers: the last log page. */
  readonly log_page: V2LogPage | null;
  /** Security that was asked for and that the connection does not have: `TLS`. */
  readonly less_safe: readonly string[];
  /** Other options than those configured that the connection was made with: `kato is 5, not 30`. */
  readonly differs: readonly string[];
  /** Host names that stand for its address in `controller=` lines. */
  readonly hosts: readonly string[];
  readonly lost: V2Lost | null;
  /** The interface of this host by which it goes, bound to it or not; that of before while the link is lost. Empty: not known. */
  readonly iface: string;
  /** Its source address, or that of before the link was lost. Empty: not known. */
  readonly src_addr: string;
  /** ANA states of its namespaces, each once: `optimized`. */
  readonly ana_states: readonly string[];
}

/** Counters of newer kernels (`diag` in sysfs), by their name there; empty on others. */
export type V2Counters = Readonly<Record<string, number>>;

/** A controller's way to a namespace. */
export interface V2Path {
  /** The controller, `nvme7`. */
  readonly device: string;
  /** The hidden device of the path, `nvme3c7n1`. */
  readonly path: string;
  /** `state` of the controller in sysfs. */
  readonly kernel_state: string;
  /** `optimized`, `non-optimized`, `inaccessible`, `persistent-loss`, `change`; empty without ANA. */
  readonly ana_state: string;
  readonly counters: V2Counters;
}

export interface V2Namespace {
  /** The block device that programs use: `nvme3n1`. */
  readonly device: string;
  /** Native multipath unites its paths; otherwise it belongs to one controller. */
  readonly shared: boolean;
  /** What uses it: `mounted on /srv`. */
  readonly holders: readonly string[];
  /** Why that is not known whole. */
  readonly unknown: string | null;
  readonly paths: readonly V2Path[];
  readonly counters: V2Counters;
}

/** A connected subsystem with all its paths, whoever made them. */
export interface V2Storage {
  readonly subsysnqn: string;
  /** `nvme-subsys3`. */
  readonly device: string;
  readonly model: string;
  /** `numa`, `round-robin`, `queue-depth`; empty where the kernel shows none. */
  readonly io_policy: string;
  /** Paths that something asks for, and those of them that are connected. */
  readonly wanted: number;
  readonly live: number;
  /** By controller. */
  readonly counters: Readonly<Record<string, V2Counters>>;
  readonly namespaces: readonly V2Namespace[];
}

/** An entry of a discovery log page. Numbers without a word are decimal texts: `transport`, `adrfam`, `subtype`, `treq`. */
export interface V2Entry {
  readonly transport: string;
  readonly adrfam: string;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  /** `nvme`, `discovery`, `referral`. */
  readonly subtype: string;
  readonly treq: string;
  /** By transport: `sectype` of tcp, `qptype`, `prtype` and `cms` of rdma; null of others. */
  readonly tsas: Readonly<Record<string, string>> | null;
  readonly portid: number;
  readonly cntlid: number;
  readonly asqsz: number;
  readonly eflags: number;
}

export interface V2Problem {
  /** Stable word for scripts: `controller-failing`, `config-invalid`, `stafd-absent`... */
  readonly id: string;
  /** What is the matter, more closely: `link-lost`, `connect-failed`... The `id` where there is nothing closer. */
  readonly kind: string;
  readonly text: string;
  readonly remedy: string | null;
  /** The subsystem that it is about. */
  readonly subsysnqn: string | null;
  /** Advice does not degrade the health. */
  readonly severity: "problem" | "advice";
}

export interface V2Counts {
  readonly wanted: number;
  readonly connected: number;
  readonly failing: number;
  readonly waiting: number;
}

/** How long something took, each time since the daemon was started. */
export interface V2Latency {
  /** Upper bounds of the classes, in milliseconds, ascending. */
  readonly bounds: readonly number[];
  /** How many fell into each class; one number more than there are bounds, for what took longer. */
  readonly counts: readonly number[];
  /** Milliseconds, of all of them. */
  readonly sum: number;
}

/** `status`. */
export interface V2Status extends V2Head {
  readonly output: "status";
  readonly version: string;
  readonly started: number;
  readonly host: { readonly nqn: string; readonly id: string; readonly symname: string };
  readonly config: {
    readonly file: string;
    readonly loaded_at: number;
    /** False: the last reload was refused, the configuration before it is in force. */
    readonly valid: boolean;
    readonly findings: readonly V1Finding[];
  };
  /** stafd: Avahi, null when `zeroconf` is off. */
  readonly avahi: { readonly available: boolean; readonly services: number } | null;
  /** stacd: is stafd there, when did it last report, and how long did connections take from the event that led to them? */
  readonly stafd: {
    readonly present: boolean;
    readonly reported_at: number | null;
    readonly aen_to_connect: V2Latency | null;
  } | null;
  /** Counted since the daemon was started; null from a daemon that does not count them. */
  readonly links: { readonly lost: number; readonly returned: number } | null;
  /** What happened last, the newest at the end; null from a daemon that does not keep it. */
  readonly events: readonly V2Event[] | null;
  readonly health: {
    readonly status: "good" | "degraded";
    readonly counts: V2Counts;
    readonly problems: readonly V2Problem[];
  };
  readonly controllers: readonly V2Controller[];
  /** stacd; null when sysfs could not be looked at. */
  readonly subsystems: readonly V2Storage[] | null;
  /** stacd: `absent` is a kernel that was built without. */
  readonly native_multipath: "on" | "off" | "absent" | "unknown";
  /** stacd. */
  readonly drains: readonly V2Drain[];
}

/** `ls`. */
export interface V2List extends V2Head {
  readonly output: "ls";
  readonly controllers: readonly V2Controller[];
}

/** A line of `ls -o jsonl`. */
export interface V2ListLine extends V2Head {
  readonly output: "ls-line";
  readonly controller: V2Controller;
}

/** `tree` of stacctl. */
export interface V2Subsystems extends V2Head {
  readonly output: "tree";
  readonly subsystems: readonly {
    readonly subsysnqn: string;
    readonly paths: readonly V2Controller[];
    /** What the kernel has of it; null without a connection. */
    readonly storage: V2Storage | null;
  }[];
}

/** `tree` of stafctl. */
export interface V2Tree extends V2Head {
  readonly output: "tree-dcs";
  readonly dcs: readonly { readonly controller: V2Controller; readonly entries: readonly V2Entry[] }[];
}

/** `dlp`. */
export interface V2Page extends V2Head {
  readonly output: "dlp";
  /** The discovery controller that was asked for. */
  readonly tid: V2Tid;
  /** Empty, too, when stafd does not know the discovery controller. */
  readonly entries: readonly V2Entry[];
}

/** A line of `dlp -o jsonl`. */
export interface V2PageLine extends V2Head {
  readonly output: "dlp-line";
  readonly tid: V2Tid;
  readonly entry: V2Entry;
}

/** `adlp`. */
export interface V2Pages extends V2Head {
  readonly output: "adlp";
  readonly dcs: readonly V2PageOfDc[];
}

/** A line of `adlp -o jsonl`. */
export interface V2PagesLine extends V2Head {
  readonly output: "adlp-line";
  readonly dc: V2PageOfDc;
}

export interface V2PageOfDc {
  readonly tid: V2Tid;
  readonly device: string;
  readonly entries: readonly V2Entry[];
}

/** One link of the chain from cause to effect. */
export interface V2Link {
  readonly kind: "source" | "decision" | "event" | "state" | "next" | "remedy";
  readonly at: number | null;
  readonly text: string;
}

/** `explain`. */
export interface V2Explanation extends V2Head {
  readonly output: "explain";
  readonly query: string;
  readonly matches: readonly {
    readonly tid: V2Tid;
    readonly text: string;
    readonly device: string;
    readonly state: V1Phase | "gone";
    /** The answer in one sentence. */
    readonly headline: string;
    readonly chain: readonly V2Link[];
  }[];
}

export interface V2Change {
  readonly action: V1Change["action"];
  readonly tid: V2Tid;
  readonly text: string;
  readonly kind: "discovery" | "io";
  readonly device: string;
  /** When; null: at once. */
  readonly at: number | null;
  /** Why, most important first: sources for a connection, evidence for a disconnection. */
  readonly reasons: readonly string[];
  /** A connection that failed before and is only tried again: nothing changes by it. */
  readonly retry: boolean;
}

/** A connection that is no longer wanted and stays all the same. */
export interface V2Held {
  readonly tid: V2Tid;
  readonly text: string;
  readonly device: string;
  /** What holds it: `nvme0n1 is in use: mounted on /srv`. */
  readonly why: string;
  /** The evidence for the disconnection that waits. */
  readonly reasons: readonly string[];
}

/** `plan`. */
export interface V2Plan extends V2Head {
  readonly output: "plan";
  /** False: the given configuration is invalid and would change nothing; `findings` says why. */
  readonly valid: boolean;
  readonly findings: readonly V1Finding[];
  readonly changes: readonly V2Change[];
  readonly held: readonly V2Held[];
  /** Controllers that stay as they are. */
  readonly unchanged: number;
  /** What is not known, so that nothing can be planned from it. */
  readonly unknowns: readonly string[];
  /** Lines that do nothing at the moment. */
  readonly notes: readonly string[];
  /** What follows for I/O paths; of stafd's plan, what stacd will then do. Null when nothing does, or it is not known. */
  readonly effects: V2Effects | null;
}

export interface V2Effects {
  /** I/O paths that go, unless what is behind them is in use. */
  readonly paths: readonly { readonly device: string; readonly subsysnqn: string; readonly text: string }[];
  /** NQNs of subsystems that lose their last path; one whose path is held keeps it. */
  readonly last_paths: readonly string[];
  /** Namespaces that no other path serves then, and that something uses; `by` are the controllers that are held for it. */
  readonly in_use: readonly {
    readonly device: string;
    readonly holders: readonly string[];
    readonly by: readonly string[];
  }[];
  /** Why nothing of that happens, or more than usual. */
  readonly policy: string | null;
}

/** A line of `plan -o jsonl`. */
export interface V2PlanLine extends V2Head {
  readonly output: "plan-line";
  readonly change: V2Change;
}

/** `check`. */
export interface V2Check extends V2Head {
  readonly output: "check";
  readonly files: readonly {
    readonly file: string;
    readonly present: boolean;
    /** False: the daemon would not use it. */
    readonly valid: boolean;
    readonly findings: readonly V1Finding[];
    /** The values in effect. */
    readonly values: readonly {
      readonly section: string;
      readonly option: string;
      /** Null: no value. */
      readonly value: string | null;
      /** `default`, or the place in a file. */
      readonly origin: string;
    }[];
  }[];
}

/** `health`. */
export interface V2Health extends V2Head {
  readonly output: "health";
  readonly status: "good" | "degraded" | "unreachable";
  /** The line that is printed without `-o`. */
  readonly line: string;
  /** Null when unreachable. */
  readonly counts: V2Counts | null;
  readonly problems: readonly V2Problem[];
}

/** `doctor`. */
export interface V2Doctor extends V2Head {
  readonly output: "doctor";
  readonly findings: readonly {
    /** `stacd`, `kernel`, `host identity`, `network`, `other programs`. */
    readonly area: string;
    readonly verdict: "good" | "notice" | "warning" | "error";
    readonly text: string;
    readonly remedy: string | null;
  }[];
}

/** A line of `monitor`. */
export interface V2Event extends V2Head {
  readonly output: "event";
  /** Stable word: `connected`, `failed`, `link-lost`... */
  readonly type: string;
  /** The controller, null for an event of the daemon itself. */
  readonly tid: V2Tid | null;
  readonly text: string;
  readonly device: string;
  /** For people, one sentence with the reason. */
  readonly message: string;
  /** Why no source wants the controller any more, or the act of a person; null: none. */
  readonly evidence: string | null;
  /** Of an act by hand, the user. */
  readonly uid: number | null;
}

/** Every document. */
export type V2Output =
  | V2Status
  | V2List
  | V2ListLine
  | V2Subsystems
  | V2Tree
  | V2Page
  | V2PageLine
  | V2Pages
  | V2PagesLine
  | V2Explanation
  | V2Plan
  | V2PlanLine
  | V2Check
  | V2Health
  | V2Doctor
  | V2Drained
  | V2Forgotten
  | V2Renewed
  | V2History
  | V2Event;
