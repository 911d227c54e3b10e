/** What is not to be connected: `exclude=` (CFG-45 to CFG-49, DEC-20) and nvme-cli's host-wide list. */
import type { Exclusion } from "../../../src/lib/nvme/exclusions.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { comparable, isAddress, isInBlock, scopeOf } from "./address.ts";
import { ifaceOf } from "./identity.ts";
import { pairsOf } from "./ini.ts";

/** One `exclude=` line: all of it must agree. */
export interface Exclude {
  readonly text: string;
  readonly wanted: ReadonlyMap<string, string>;
}

const KEYS = ["transport", "traddr", "trsvcid", "subsysnqn", "host-iface", "host-nqn"];

/** Undefined: it excludes nothing, for it says nothing, or something that no controller has. */
export function excludeOf(text: string): Exclude | undefined {
  const { pairs, broken } = pairsOf(text);
  const wanted = new Map(pairs);
  wanted.delete("host-traddr");
  const nqn = wanted.get("nqn");
  if (nqn !== undefined) wanted.set("subsysnqn", nqn);
  wanted.delete("nqn");
  if (wanted.size === 0 || [...wanted.keys()].some((key) => !KEYS.includes(key))) return undefined;
  // What got lost may have been what narrows it (S1).
  if (broken > 0 && !wanted.has("traddr") && !wanted.has("subsysnqn")) return undefined;
  return { text, wanted };
}

function sameWords(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}

function agrees(key: string, value: string, tid: Tid): boolean {
  switch (key) {
    case "transport":
      return value === tid.transport;
    case "traddr": {
      if (value === tid.traddr) return true;
      const isIp = tid.transport === "tcp" || tid.transport === "rdma";
      if (isIp && isInBlock(tid.traddr, value) === true) return true;
      if (comparable(tid.transport, value) !== comparable(tid.transport, tid.traddr)) return false;
      const scope = isIp ? scopeOf(value) : "";
      return scope === "" || scope === ifaceOf(tid);
    }
    case "trsvcid":
      return value === tid.trsvcid;
    case "subsysnqn":
      return sameWords(value, tid.subsysnqn);
    case "host-iface":
      return value === tid.hostIface || value === ifaceOf(tid);
    default:
      return value === tid.hostNqn;
  }
}

export const excludes = (exclude: Exclude, tid: Tid): boolean =>
  [...exclude.wanted].every(([key, value]) => agrees(key, value, tid));

/** The host-wide list names the fields of a connection; addresses as addresses, identifiers without case. */
export function excludesHostWide({ fields }: Exclusion, tid: Tid, hostId: string): boolean {
  const { transport } = tid;
  return [...fields].every(([key, value]) => {
    switch (key) {
      case "transport":
        return value === transport;
      case "traddr":
        return comparable(transport, value) === comparable(transport, tid.traddr);
      case "trsvcid":
        return value === tid.trsvcid;
      case "nqn":
        return value === tid.subsysnqn;
      case "host-traddr":
        return comparable(transport, value) === comparable(transport, tid.hostTraddr);
      case "host-iface":
        return value === ifaceOf(tid);
      case "hostnqn":
        return value === tid.hostNqn;
      case "hostid":
        return value.toLowerCase() === hostId.toLowerCase();
    }
  });
}

/** A host name before it is resolved, or an address: what an exclusion may name (CFG-47). */
export const isHostName = (tid: Tid): boolean =>
  (tid.transport === "tcp" || tid.transport === "rdma") && !isAddress(tid.traddr);
