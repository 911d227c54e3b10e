import { isIp } from "../../nvme/address.ts";
import { type PageEntry, type SUBTYPE, TRTYPE } from "../../nvme/discovery_entry.ts";
import { impliedIface, normaliseTid, scoped, type Tid, tidKey, type Transport } from "../../nvme/tid.ts";

/** NCC, bit 2 of EFLAGS: the CDC has no connection to that subsystem (STAC-50). */
const NCC = 0x4;

/** One controller that a page lists. */
export interface Listed {
  readonly tid: Tid;
  /** The last entry that names the controller. */
  readonly entry: PageEntry;
}

/**
 * The controller that a log page entry names (requirements 20); the host's side is that of the discovery
 * controller that delivered it. Undefined for an entry that cannot be connected: another transport (PCIe), no
 * literal address (STAF-17), no NQN.
 */
export function tidOfEntry(entry: PageEntry, dc: Tid): Tid | undefined {
  const transport = TRANSPORTS.get(entry.trtype);
  const traddr = entry.traddr.trim();
  const subsysnqn = entry.subnqn.trim();
  if (transport === undefined || subsysnqn === "") return undefined;
  if ((transport === "tcp" || transport === "rdma") && !isIp(traddr)) return undefined;
  const tid = normaliseTid({
    transport,
    traddr,
    trsvcid: entry.trsvcid.trim(),
    subsysnqn,
    hostTraddr: dc.hostTraddr,
    hostIface: dc.hostIface,
    hostNqn: dc.hostNqn,
  }, { hostNqn: dc.hostNqn, ignoreIface: false });
  // A link-local entry is on the interface that its discovery controller is on.
  return scoped(tid, impliedIface(dc));
}

const TRANSPORTS: ReadonlyMap<number | undefined, Transport> = new Map([
  [TRTYPE.tcp, "tcp"],
  [TRTYPE.rdma, "rdma"],
  [TRTYPE.fc, "fc"],
  [TRTYPE.loop, "loop"],
]);

/** The controllers that a page lists, by key. */
export function listedIn(
  entries: readonly PageEntry[],
  dc: Tid,
  subtype: typeof SUBTYPE[keyof typeof SUBTYPE],
): ReadonlyMap<string, Listed> {
  const found = new Map<string, Listed>();
  for (const entry of entries) {
    const tid = entry.subtype === subtype ? tidOfEntry(entry, dc) : undefined;
    if (tid === undefined) continue;
    found.set(tidKey(tid), { tid, entry });
  }
  return found;
}

export const eflagsNcc = ({ eflags }: PageEntry): boolean => (eflags & NCC) !== 0;
