/**
 * Effects, the core's requests to the shell, and events, the shell's reports to the core. An effect that
 * takes time carries an operation number; its outcome comes back as one event with the same number, and the
 * core ignores an outcome that it no longer waits for.
 */
import type { KernelState } from "../nvme/kernel_state.ts";
import type { StacdConf } from "../config/stacd_conf.ts";
import type { StafdConf } from "../config/stafd_conf.ts";
import type { DhchapKeys } from "../nvme/connect_options.ts";
import type { DiscoveryLog } from "../nvme/discovery_entry.ts";
import type { Exclusion } from "../nvme/exclusions.ts";
import type { Outcome } from "../base/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import type { NamespaceLook } from "../nvme/namespace_look.ts";
import type { Tid, Transport } from "../nvme/tid.ts";
import type { TlsHost } from "../nvme/tls_host.ts";
import type {
  ConnectRequest,
  Deletion,
  DeviceRef,
  FetchedReport,
  KernelEvent,
  KeysTaken,
  LogEntry,
  MdnsEvent,
  Probe,
  Reached,
  Signal,
  StafdNews,
} from "../ports.ts";
import type { DrainAnswer, DrainEvent } from "./stacd/drain.ts";
import type { RenewAnswer, RenewEvent } from "./stacd/renew.ts";
import type { ForgetAnswer, ForgetEvent } from "./stafd/forget.ts";
import type { Proof } from "./planning/evidence.ts";
import type { HostConf, NbftTargets } from "./request/host.ts";

export type Op = number;

/** A person's act, as received from the bus. */
export interface Act {
  /** The call to answer. */
  readonly call: Op;
  readonly uid: number;
  readonly what: string;
  /** Controllers that it names now. */
  readonly keys: readonly string[];
}

/** An answer to send once the state file holds the change that it reports (S9). */
export interface WaitingAnswer<Answer> {
  readonly call: Op;
  readonly answer: Answer;
  readonly upTo: number;
}

/** Effects of both daemons. */
export type Effect =
  | { readonly do: "scan"; readonly op: Op }
  | {
    readonly do: "reach";
    readonly op: Op;
    readonly key: string;
    readonly tid: Tid;
    readonly probe: Probe;
  }
  | { readonly do: "connect"; readonly op: Op; readonly key: string; readonly request: ConnectRequest }
  | {
    readonly do: "disconnect";
    readonly op: Op;
    readonly key: string;
    readonly target: DeviceRef;
    readonly tid: Tid;
    readonly evidence: Proof;
    /** Block devices to be claimed first, and held until the controller is deleted. */
    readonly devicesToClaim: readonly string[];
  }
  | { readonly do: "look-at-use"; readonly op: Op; readonly key: string; readonly target: DeviceRef }
  | { readonly do: "resolve"; readonly op: Op; readonly host: string }
  | { readonly do: "own"; readonly device: string; readonly owned: boolean }
  /** Look at the state of these devices: the loss of a link causes no event. */
  | { readonly do: "states"; readonly op: Op; readonly devices: readonly string[] }
  /** Look at what this host has for TLS. */
  | { readonly do: "look-at-tls" }
  /** Read nvme-cli's host-wide exclusion list again. */
  | { readonly do: "exclusions" }
  | { readonly do: "save"; readonly op: Op; readonly state: string }
  | { readonly do: "signal"; readonly signal: Signal }
  | { readonly do: "log"; readonly entry: LogEntry }
  /** Everything that must happen before the daemon ends is done. */
  | { readonly do: "exit" };

/** Effects of stafd only. */
export type StafdEffect =
  | Effect
  | {
    readonly do: "register";
    readonly op: Op;
    readonly key: string;
    readonly target: DeviceRef;
    readonly tid: Tid;
  }
  | { readonly do: "supported-logs"; readonly op: Op; readonly key: string; readonly target: DeviceRef }
  | {
    readonly do: "read-log";
    readonly op: Op;
    readonly key: string;
    readonly target: DeviceRef;
    readonly lsp: number;
  }
  /** Read only the generation of the log page (L5). */
  | { readonly do: "generation"; readonly op: Op; readonly key: string; readonly target: DeviceRef }
  | { readonly do: "browse"; readonly enabled: boolean }
  /** Services were left out, and now there is room: report all announcements again. */
  | { readonly do: "browse-again" }
  | { readonly do: "restart-unit"; readonly template: string; readonly args: readonly string[] }
  /** Of a person's act: `call` is the number that it came with. */
  | { readonly do: "answer"; readonly call: Op; readonly answer: ForgetAnswer };

/** Effects of stacd only. */
export type StacdEffect =
  | Effect
  /** Ask stafd for its report, or for one page. */
  | { readonly do: "fetch"; readonly op: Op; readonly page?: Tid }
  /** Hands new keys for authentication to the kernel, which authenticates again. */
  | {
    readonly do: "write-keys";
    readonly op: Op;
    readonly key: string;
    readonly target: DeviceRef;
    readonly keys: DhchapKeys;
    readonly dry: boolean;
  }
  | { readonly do: "answer-renew"; readonly call: Op; readonly answer: RenewAnswer }
  /** Of a person's act: `call` is the number that it came with. */
  | { readonly do: "answer"; readonly call: Op; readonly answer: DrainAnswer };

/** Events of both daemons. */
export type Event =
  /** The deadline given by `wakeAt` is reached. */
  | { readonly type: "tick" }
  /** The wall clock was set, forwards or backwards, by this many milliseconds. */
  | { readonly type: "clock-set"; readonly ms: number }
  | { readonly type: "host"; readonly host: HostConf }
  | { readonly type: "nbft"; readonly targets: NbftTargets }
  /** The transports that this host can use. */
  | { readonly type: "transports"; readonly transports: ReadonlySet<Transport> }
  | { readonly type: "tls-host"; readonly tls: TlsHost }
  | { readonly type: "exclusions"; readonly exclusions: readonly Exclusion[] }
  | { readonly type: "scanned"; readonly op: Op; readonly outcome: Outcome<readonly KernelCtrl[]> }
  | { readonly type: "reached"; readonly op: Op; readonly key: string; readonly outcome: Outcome<Reached> }
  /**
   * The kernel has made a connection, which is being read back, and can make the next one. `connected`
   * follows.
   */
  | { readonly type: "kernel-free"; readonly op: Op }
  | {
    readonly type: "connected";
    readonly op: Op;
    readonly key: string;
    readonly outcome: Outcome<KernelCtrl>;
  }
  | {
    readonly type: "disconnected";
    readonly op: Op;
    readonly key: string;
    readonly outcome: Outcome<Deletion>;
  }
  | {
    readonly type: "use-seen";
    readonly op: Op;
    readonly key: string;
    readonly outcome: Outcome<readonly NamespaceLook[]>;
  }
  | {
    readonly type: "resolved";
    readonly op: Op;
    readonly host: string;
    readonly outcome: Outcome<readonly string[]>;
  }
  | { readonly type: "states"; readonly op: Op; readonly states: ReadonlyMap<string, KernelState> }
  | { readonly type: "saved"; readonly op: Op; readonly outcome: Outcome<void> }
  /** SIGTERM or SIGINT: end. */
  | { readonly type: "stop" }
  | KernelEvent;

export type StafdEvent =
  | Event
  /** A valid configuration, at the start or by a reload. An invalid one never becomes an event (S10). */
  | { readonly type: "config"; readonly conf: StafdConf; readonly reload: boolean }
  | { readonly type: "registered"; readonly op: Op; readonly key: string; readonly outcome: Outcome<void> }
  | {
    readonly type: "supported-logs";
    readonly op: Op;
    readonly key: string;
    readonly outcome: Outcome<number>;
  }
  | {
    readonly type: "log-read";
    readonly op: Op;
    readonly key: string;
    readonly outcome: Outcome<DiscoveryLog>;
  }
  | {
    readonly type: "generation";
    readonly op: Op;
    readonly key: string;
    readonly outcome: Outcome<bigint>;
  }
  | ForgetEvent
  | MdnsEvent;

export type StacdEvent =
  | Event
  | { readonly type: "config"; readonly conf: StacdConf; readonly reload: boolean }
  | { readonly type: "fetched"; readonly op: Op; readonly outcome: Outcome<FetchedReport> }
  | {
    readonly type: "keys-written";
    readonly op: Op;
    readonly key: string;
    readonly outcome: Outcome<KeysTaken>;
  }
  | DrainEvent
  | RenewEvent
  | StafdNews;

/** The result of a step. */
export interface Step<State, E> {
  readonly state: State;
  readonly effects: readonly E[];
  /** The counted work of the step: objects looked at and decisions (S11). */
  readonly work?: number;
}
