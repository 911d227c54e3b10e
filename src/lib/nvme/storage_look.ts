/**
 * All NVMe subsystems of the system at one moment: which controllers serve which namespace and in which ANA state,
 * how I/O is spread over them, and what uses the namespaces.
 */

/**
 * Native multipath (`nvme_core.multipath`). `off`: every path is a device of its own; `absent`: this kernel was built
 * without it, which is the same; `unknown`: the module is not loaded or does not report it.
 */
export type NativeMultipath = "on" | "off" | "absent" | "unknown";

/** Counters of newer kernels (`diag/` in sysfs), by the name of their file; empty where there are none. */
export type Counters = Readonly<Record<string, number>>;

/** The counters that are read, by their subject. */
export const DIAG_COUNTERS = {
  controller: ["reconnect_count", "reset_count", "command_error_count"],
  path: ["multipath_failover_count", "command_retry_count", "command_error_count"],
  namespace: ["io_requeue_no_usable_path_count", "io_fail_no_available_path_count"],
} as const;

export interface StorageLook {
  readonly nativeMultipath: NativeMultipath;
  /** `6.12.90`, as uname(2) has it; empty when it cannot be read. */
  readonly kernel: string;
  readonly subsystems: readonly SubsystemLook[];
  /** Interfaces that outlive the loss of one link: bonds and teams of several, and VLANs on them. */
  readonly sturdyInterfaces: ReadonlySet<string>;
}

export interface SubsystemLook {
  /** `nvme-subsys3`. */
  readonly device: string;
  readonly nqn: string;
  readonly model: string;
  /** `numa`, `round-robin`, `queue-depth`; empty where the kernel shows none. */
  readonly ioPolicy: string;
  readonly controllers: readonly { readonly device: string; readonly counters: Counters }[];
  readonly namespaces: readonly ServedNamespace[];
}

export interface ServedNamespace {
  /** The block device that programs use: `nvme3n1`. */
  readonly device: string;
  /** It is the head of native multipath; otherwise it belongs to one controller. */
  readonly isShared: boolean;
  /** Its holders, in words for people: `mounted on /srv`. */
  readonly holders: readonly string[];
  /** Why its use is not fully known. */
  readonly unknown: string | undefined;
  /** The map of dm-multipath that has it as a path. */
  readonly dmMultipath: string | undefined;
  readonly paths: readonly ServedPath[];
  readonly counters: Counters;
}

export interface ServedPath {
  /** The controller, `nvme7`. */
  readonly controller: string;
  /** The hidden device of this path, `nvme3c7n1`; that of the namespace itself without native multipath. */
  readonly device: string;
  /** Of the controller: `live`, `connecting`...; empty when unreadable. */
  readonly state: string;
  /** `optimized`, `non-optimized`, `inaccessible`, `persistent-loss`, `change`; empty without ANA. */
  readonly anaState: string;
  readonly counters: Counters;
}
