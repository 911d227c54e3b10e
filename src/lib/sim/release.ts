/** Releases of the simulated kernel: each has the attributes, events and connect options that it had, and no others. */
import { isAtLeast, kernelSupport } from "../nvme/kernel_version.ts";

/** Releases that present distributions run, the newest last. */
export const RELEASES = ["5.14.0", "5.15.0", "5.18.0", "6.1.0", "6.12.0", "7.2.0"] as const;
export const NEWEST = "7.2.0";

/** The first release with each of these (requirements 80). */
const SINCE = {
  /** A discovery controller that is connected by the well-known NQN shows its subsystem's own NQN. */
  uniqueNqn: "5.16",
  optionList: "5.17",
  /** Attributes `cntrltype` and `dctype`. */
  types: "5.18",
  /** `NVME_EVENT=connected`. */
  connected: "5.18",
  /** `src_addr` in the attribute `address`. */
  srcAddr: "6.1",
  /** `NVME_EVENT=rediscover`. */
  rediscover: "6.1",
  /** `host_iface` counts when connections are compared. */
  comparesIface: "6.1",
  /** A host ID that is used with one host NQN is refused with another. */
  oneIdentity: "6.5",
} as const;

const OPTIONS: readonly (readonly [name: string, since: string])[] = [
  ...("instance=%d,cntlid=%d,transport=%s,traddr=%s,trsvcid=%s,nqn=%s,queue_size=%d,nr_io_queues=%d," +
    "reconnect_delay=%d,ctrl_loss_tmo=%d,keep_alive_tmo=%d,hostnqn=%s,host_traddr=%s,host_iface=%s,hostid=%s," +
    "duplicate_connect,disable_sqflow,hdr_digest,data_digest,nr_write_queues=%d,nr_poll_queues=%d,tos=%d," +
    "fast_io_fail_tmo=%d,discovery").split(",").map((name) => [name, "5.17"] as const),
  ["dhchap_secret=%s", "6.0"],
  ["dhchap_ctrl_secret=%s", "6.0"],
  ["keyring=%d", "6.7"],
  ["tls_key=%d", "6.7"],
  ["tls", "6.7"],
  ["concat", "6.15"],
];

export class Release {
  readonly text: string;
  readonly #has = new Map<string, boolean>();
  #support: ReadonlySet<string> | undefined;

  /** `without`: a kernel that was built without some of it. */
  constructor(text: string, without: readonly (keyof typeof SINCE)[] = []) {
    this.text = text;
    for (const [what, since] of Object.entries(SINCE)) this.#has.set(what, isAtLeast(text, since));
    for (const what of without) this.#has.set(what, false);
  }

  has(what: keyof typeof SINCE): boolean {
    return this.#has.get(what) === true;
  }

  /** The text read from `/dev/nvme-fabrics`; undefined where reading fails. */
  get optionList(): string | undefined {
    if (!this.has("optionList")) return undefined;
    return OPTIONS.filter(([, since]) => isAtLeast(this.text, since)).map(([name]) => name).join(",") + "\n";
  }

  /** The options that the product derives from release and list. */
  get support(): ReadonlySet<string> {
    return this.#support ??= kernelSupport(this.text, this.optionList);
  }
}
