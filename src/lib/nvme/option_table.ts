/**
 * The options of a connection, each once: the single source for parser, encoder, `check` and the manual. Transports
 * and versions are those of Linux up to 7.3 (an option that a transport does not list is answered with EINVAL).
 */
import type { ConnectOptions } from "./connect_options.ts";
import type { Transport } from "./tid.ts";

/** Keys of an object type whose values are of type V. */
type KeysOf<T, V> = { [K in keyof T]-?: Required<T>[K] extends V ? K : never }[keyof T];
export type BooleanKey = KeysOf<ConnectOptions, boolean>;
export type IntegerKey = KeysOf<ConnectOptions, number>;
export type TextKey = KeysOf<ConnectOptions, string>;

/** The range of the kernel's option parser (a C int). */
export const INT_MIN = -2_147_483_648;
export const INT_MAX = 2_147_483_647;

export interface OptionFacts {
  /** In the files. */
  readonly name: string;
  /** For `/dev/nvme-fabrics`. */
  readonly kernel: string;
  /** The transports that accept it; others refuse it. */
  readonly transports: readonly Transport[];
  /** First kernel that has it; undefined: every supported kernel has it. */
  readonly since?: string;
  /** A kernel can be built without it, so that its version proves nothing. */
  readonly isBuildOption?: true;
  /** Without it a connection is less secure than configured: it is never left out. */
  readonly security?: true;
  /** A discovery controller has no use for it (KRN-32). */
  readonly ioOnly?: true;
  /** Section 3 lists it for stacd only; stafd honours it nevertheless (CFG-20). */
  readonly documentedForStacdOnly?: true;
}

export type IntegerOption = OptionFacts & {
  readonly kind: "integer";
  readonly key: IntegerKey;
  /** The least value that a file may set. */
  readonly min: number;
  readonly max: number;
  /** Smaller values are not passed, and the kernel's default applies (CFG-22, CFG-28, KRN-31). */
  readonly least: number;
  /** For findings: `seconds`, or empty. */
  readonly unit: string;
};

/** Options that a person sets in `[Global]` or for one controller. */
export type ConnectOption =
  | OptionFacts & { readonly kind: "boolean"; readonly key: BooleanKey }
  | IntegerOption
  | OptionFacts & { readonly kind: "text"; readonly key: TextKey };

const ALL: readonly Transport[] = ["tcp", "rdma", "fc", "loop"];
const REMOTE: readonly Transport[] = ["tcp", "rdma", "fc"];
const IP: readonly Transport[] = ["tcp", "rdma"];
const TCP: readonly Transport[] = ["tcp"];

const anyInt = { min: INT_MIN, max: INT_MAX } as const;
const tls = { transports: TCP, isBuildOption: true, security: true } as const;
const queues = {
  kind: "integer",
  ...anyInt,
  least: 1,
  unit: "",
  ioOnly: true,
  documentedForStacdOnly: true,
} as const;

/** In the order of the manual and of `check`. */
export const CONNECT_OPTIONS: readonly ConnectOption[] = [
  { kind: "boolean", name: "hdr-digest", key: "hdrDigest", kernel: "hdr_digest", transports: TCP },
  { kind: "boolean", name: "data-digest", key: "dataDigest", kernel: "data_digest", transports: TCP },
  {
    kind: "integer",
    name: "kato",
    key: "kato",
    kernel: "keep_alive_tmo",
    transports: ALL,
    ...anyInt,
    least: 1,
    unit: "seconds",
  },
  {
    kind: "integer",
    name: "queue-size",
    key: "queueSize",
    kernel: "queue_size",
    transports: ALL,
    min: 16,
    max: 1024,
    least: 16,
    unit: "",
    ioOnly: true,
  },
  {
    kind: "integer",
    name: "reconnect-delay",
    key: "reconnectDelay",
    kernel: "reconnect_delay",
    transports: REMOTE,
    ...anyInt,
    least: 1,
    unit: "seconds",
  },
  {
    kind: "integer",
    name: "ctrl-loss-tmo",
    key: "ctrlLossTmo",
    kernel: "ctrl_loss_tmo",
    transports: REMOTE,
    ...anyInt,
    least: -1,
    unit: "seconds",
  },
  {
    kind: "boolean",
    name: "disable-sqflow",
    key: "disableSqflow",
    kernel: "disable_sqflow",
    transports: ALL,
  },
  { ...queues, name: "nr-io-queues", key: "nrIoQueues", kernel: "nr_io_queues", transports: ALL },
  { ...queues, name: "nr-write-queues", key: "nrWriteQueues", kernel: "nr_write_queues", transports: IP },
  { ...queues, name: "nr-poll-queues", key: "nrPollQueues", kernel: "nr_poll_queues", transports: IP },
  { kind: "boolean", name: "tls", key: "tls", kernel: "tls", since: "6.7", ...tls },
  { kind: "boolean", name: "concat", key: "concat", kernel: "concat", since: "6.15", ...tls },
  { kind: "text", name: "keyring", key: "keyring", kernel: "keyring", since: "6.7", ...tls },
  { kind: "text", name: "tls-key", key: "tlsKey", kernel: "tls_key", since: "6.7", ...tls },
];

/**
 * Options that belong to one controller and are not {@link ConnectOptions}. Without the first five it is another
 * connection.
 */
export const LINE_OPTIONS: readonly OptionFacts[] = [
  { name: "transport", kernel: "transport", transports: ALL },
  { name: "traddr", kernel: "traddr", transports: ALL },
  { name: "nqn", kernel: "nqn", transports: ALL },
  { name: "host-nqn", kernel: "hostnqn", transports: ALL },
  { name: "host-id", kernel: "hostid", transports: ALL },
  { name: "trsvcid", kernel: "trsvcid", transports: IP },
  { name: "host-traddr", kernel: "host_traddr", transports: REMOTE },
  { name: "host-iface", kernel: "host_iface", transports: TCP, since: "5.14" },
  {
    name: "dhchap-secret",
    kernel: "dhchap_secret",
    transports: ALL,
    since: "5.20",
    security: true,
  },
  {
    name: "dhchap-ctrl-secret",
    kernel: "dhchap_ctrl_secret",
    transports: ALL,
    since: "5.20",
    security: true,
  },
];

/** By the kernel's name. */
const byKernelName: ReadonlyMap<string, OptionFacts> = new Map(
  [...LINE_OPTIONS, ...CONNECT_OPTIONS].map((option) => [option.kernel, option]),
);

export const ofKernelName = (kernel: string): OptionFacts | undefined => byKernelName.get(kernel);

/** Whether a number of a file is passed to the kernel at all. */
export const isPassed = (option: IntegerOption, value: number): boolean => value >= option.least;

/** Does the transport accept the option? Options outside the tables are not set by people. */
export const takes = (transport: Transport, kernel: string): boolean =>
  byKernelName.get(kernel)?.transports.includes(transport) ?? true;
