/** Turns the sysfs attributes of a controller into a {@link KernelCtrl} (requirements 20). */
import { kernelState } from "./kernel_state.ts";
import type { KernelCtrl, MadeWith } from "./kernel_ctrl.ts";
import { classify } from "./match.ts";
import { parseUeventFile } from "./uevent.ts";

/** The attributes of `/sys/class/nvme/nvmeN` that are read, by file name. */
export const CTRL_ATTRIBUTES = [
  "address",
  "cntlid",
  "cntrltype",
  "dctype",
  "hostid",
  "hostnqn",
  "model",
  "serial",
  "state",
  "subsysnqn",
  "transport",
] as const;

export type CtrlAttribute = (typeof CTRL_ATTRIBUTES)[number];

/**
 * The attributes that show how a connection was made, by file name. Only the beginning of the two secrets is ever
 * read.
 */
export const MADE_ATTRIBUTES = [
  "ctrl_loss_tmo",
  "dhchap_ctrl_secret",
  "dhchap_secret",
  "kato",
  "queue_count",
  "reconnect_delay",
  "sqsize",
  "tls_key",
  "tls_mode",
] as const;

export type MadeAttribute = (typeof MADE_ATTRIBUTES)[number];

export interface SysfsCtrl {
  readonly device: string;
  readonly incarnation: number;
  /** Text of the `uevent` file, empty when unreadable. */
  readonly uevent: string;
  /** Text of an attribute file as read; absent when unreadable. */
  readonly attributes: Readonly<Partial<Record<CtrlAttribute, string>>>;
  /** Likewise; `null` when the file exists but may not be read. */
  readonly made?: Readonly<Partial<Record<MadeAttribute, string | null>>>;
  /** Whether devices hang below it: path and namespace devices. */
  readonly hasChildren: boolean;
  /** Text of `queue_count`, where the type is not reported; absent when unreadable. */
  readonly queueCount?: string | undefined;
  readonly namespaces: readonly string[];
  readonly owner: string;
}

/** Trimmed; `none` in any case and the kernel's `(efault)` and `(null)` are empty. */
export function sysfsText(raw: string | undefined): string {
  const text = (raw ?? "").trim();
  return /^(none|\(efault\)|\(null\))$/i.test(text) ? "" : text;
}

/**
 * One field of the `address` attribute (`traddr=10.0.0.1,trsvcid=8009,src_addr=10.0.0.5`). The key may be given with its
 * `=`. Empty when absent. A part without `=` belongs to the value before it (FC addresses with a comma).
 */
export function addressField(address: string, key: string): string {
  const wanted = key.endsWith("=") ? key.slice(0, -1) : key;
  let value: string | undefined;
  for (const part of address.split(/[,\n]/)) {
    const equals = part.indexOf("=");
    if (equals < 0 && value !== undefined && part.trim() !== "") value += `,${part}`;
    if (equals < 0) continue;
    if (value !== undefined) break;
    if (part.slice(0, equals).trim() === wanted) value = part.slice(equals + 1);
  }
  return sysfsText(value);
}

/** The address fields come from the `uevent` file; fields that it lacks, from the attributes. */
export function kernelCtrlFromSysfs(raw: SysfsCtrl): KernelCtrl {
  const properties = parseUeventFile(raw.uevent);
  const { attributes } = raw;
  const address = attributes.address ?? "";
  const field = (property: string, key: string) =>
    sysfsText(properties.get(property)) || addressField(address, key);
  const subsysnqn = sysfsText(attributes.subsysnqn);
  const cntrltype = sysfsText(attributes.cntrltype);
  const count = sysfsText(raw.queueCount);
  const queues = /^\d+$/.test(count) ? Number(count) : undefined;
  return {
    device: raw.device,
    incarnation: raw.incarnation,
    transport: sysfsText(properties.get("NVME_TRTYPE")) || sysfsText(attributes.transport),
    traddr: field("NVME_TRADDR", "traddr"),
    trsvcid: field("NVME_TRSVCID", "trsvcid"),
    subsysnqn,
    hostNqn: sysfsText(attributes.hostnqn),
    hostId: sysfsText(attributes.hostid),
    hostTraddr: field("NVME_HOST_TRADDR", "host_traddr"),
    hostIface: field("NVME_HOST_IFACE", "host_iface"),
    srcAddr: addressField(address, "src_addr"),
    state: kernelState(sysfsText(attributes.state)),
    cntrltype,
    // `none` is a value of dctype, not the absence of one.
    dctype: (attributes.dctype ?? "").trim() === "none" ? "none" : sysfsText(attributes.dctype),
    cntlid: sysfsText(attributes.cntlid),
    model: sysfsText(attributes.model),
    serial: sysfsText(attributes.serial),
    ...classify({ subsysnqn, cntrltype, hasChildren: raw.hasChildren, queues }),
    owner: raw.owner,
    namespaces: raw.namespaces,
    ...(raw.made === undefined ? {} : { made: madeWith(raw.made) }),
  };
}

function madeWith(raw: NonNullable<SysfsCtrl["made"]>): MadeWith {
  const number = (name: MadeAttribute): number | undefined => {
    const text = (raw[name] ?? "").trim();
    return /^-?\d+$/.test(text) ? Number(text) : undefined;
  };
  // A kernel without this attribute has no such secret.
  const secret = (name: MadeAttribute): boolean | undefined =>
    raw[name] === null ? undefined : !["", "none"].includes((raw[name] ?? "").trim());
  const plus = (value: number | undefined, by: number) => value === undefined ? undefined : value + by;
  return {
    tls: tlsOf(raw),
    dhchap: secret("dhchap_secret"),
    dhchapCtrl: secret("dhchap_ctrl_secret"),
    kato: number("kato"),
    ctrlLossTmo: (raw["ctrl_loss_tmo"] ?? "").trim() === "off" ? -1 : number("ctrl_loss_tmo"),
    reconnectDelay: (raw["reconnect_delay"] ?? "").trim() === "off" ? undefined : number("reconnect_delay"),
    queueSize: plus(number("sqsize"), 1),
    ioQueues: plus(number("queue_count"), -1),
  };
}

/** The kernel shows `tls_key` of connections that were made with TLS only (and `tls_mode` shows the kind, from 7.0). */
function tlsOf(raw: NonNullable<SysfsCtrl["made"]>): MadeWith["tls"] {
  const key = raw["tls_key"];
  if (key === undefined) return "none";
  if (key === null) return "unproven";
  const text = key.trim();
  if (text === "" || text === "none" || /^0+$/.test(text)) return "unproven";
  return (raw["tls_mode"] ?? "").trim() === "concat" ? "concat" : "tls";
}
