import type { KernelState } from "./kernel_state.ts";

/**
 * One NVMe controller as the kernel shows it in `/sys/class/nvme` (requirements 20). Texts are trimmed; `none` is
 * empty.
 */
export interface KernelCtrl {
  /** `nvme3`. Numbers are used again: {@link incarnation} tells two owners of one number apart. */
  readonly device: string;
  /** Changes whenever the number is given to another controller (inode of the sysfs directory). */
  readonly incarnation: number;
  /** `tcp`, `rdma`, `fc`, `loop`, `pcie`, as the kernel writes it. */
  readonly transport: string;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly hostNqn: string;
  readonly hostId: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  /** The connection's actual source address; kernel 6.1 and later, and only while it is live. */
  readonly srcAddr: string;
  /** The last source address seen, if none is shown now. For people: matching does not use it. */
  readonly lastSrcAddr?: string;
  readonly state: KernelState;
  /** `io`, `discovery`, `admin`; empty before kernel 5.18. */
  readonly cntrltype: string;
  /** `none`, `ddc`, `cdc`; empty before kernel 5.18. */
  readonly dctype: string;
  readonly cntlid: string;
  readonly model: string;
  readonly serial: string;
  /** TID-30. */
  readonly isDc: boolean;
  /** TID-31. */
  readonly isIoc: boolean;
  /** Owner in nvme-cli's registry (`/run/nvme/registry`), or empty. */
  readonly owner: string;
  /** Block devices of its namespaces as far as sysfs shows them (`nvme0n1`). */
  readonly namespaces: readonly string[];
  /** The options in effect on the connection; undefined where they were not read. */
  readonly made?: MadeWith;
}

/** The options with which a connection was made, as far as sysfs shows them. It does not show digests. */
export interface MadeWith {
  /** `unproven`: made with TLS, but the key is not shown, as while the link is down. */
  readonly tls: "none" | "tls" | "concat" | "unproven";
  /** Authentication of the host and of the controller; undefined when it cannot be read. */
  readonly dhchap: boolean | undefined;
  readonly dhchapCtrl: boolean | undefined;
  /** Seconds; -1 is for ever. Undefined where the kernel does not show it. */
  readonly kato: number | undefined;
  readonly ctrlLossTmo: number | undefined;
  readonly reconnectDelay: number | undefined;
  readonly queueSize: number | undefined;
  /** Queues for I/O, of all kinds. */
  readonly ioQueues: number | undefined;
}

/** Interface addresses of this host: name to addresses in kernel order, the first of a family being its primary one (TID-22). */
export type InterfaceTable = ReadonlyMap<string, {
  readonly index: number;
  readonly mac: string;
  readonly up: boolean;
  /** VLAN id of a VLAN interface. */
  readonly vlan?: number;
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}>;
