import { isIp } from "../../nvme/address.ts";
import { impliedIface, isTransport, normaliseTid, scoped, type Tid, tidKey } from "../../nvme/tid.ts";
import type { EntryText } from "./page_diff.ts";

/** NCC, bit 2 of EFLAGS: the CDC has no connection to that subsystem (STAC-50). */
const NCC = 0x4;

/** One controller that a page lists. */
export interface Listed {
  readonly tid: Tid;
  /** The last entry that names the controller. */
  readonly entry: EntryText;
}

/**
 * The controller that a log page entry names (requirements 20); the host's side is that of the discovery
 * controller that delivered it. Undefined for an entry that cannot be connected: another transport (PCIe), no
 * literal address (STAF-17), no NQN.
 */
export function tidOfEntry(entry: EntryText, dc: Tid): Tid | undefined {
  const transport = entry["trtype"] ?? "";
  const traddr = (entry["traddr"] ?? "").trim();
  const subsysnqn = (entry["subnqn"] ?? "").trim();
  if (!isTransport(transport) || subsysnqn === "") return undefined;
  if ((transport === "tcp" || transport === "rdma") && !isIp(traddr)) return undefined;
  const tid = normaliseTid({
    transport,
    traddr,
    trsvcid: (entry["trsvcid"] ?? "").trim(),
    subsysnqn,
    hostTraddr: dc.hostTraddr,
    hostIface: dc.hostIface,
    hostNqn: dc.hostNqn,
  }, { hostNqn: dc.hostNqn, ignoreIface: false });
  // A link-local entry is on the interface that its discovery controller is on.
  return scoped(tid, impliedIface(dc));
}

/** The controllers that a page lists, by key. */
export function listedIn(
  entries: readonly EntryText[],
  dc: Tid,
  subtype: "nvme" | "referral",
): ReadonlyMap<string, Listed> {
  const found = new Map<string, Listed>();
  for (const entry of entries) {
    const tid = entry["subtype"] === subtype ? tidOfEntry(entry, dc) : undefined;
    if (tid === undefined) continue;
    found.set(tidKey(tid), { tid, entry });
  }
  return found;
}

export const eflagsNcc = (entry: EntryText): boolean => (Number(entry["eflags"] ?? "0") & NCC) !== 0;
