import { canonicalFc, canonicalIp, scopeOf, withScope } from "./address.ts";

/** The transports that stas handles. PCIe is never ours (S1). */
export type Transport = "tcp" | "rdma" | "fc" | "loop";

/** The well-known NQN of discovery controllers. */
export const WELL_KNOWN_DISC_NQN = "nqn.2014-08.org.nvmexpress.discovery";

/**
 * Transport id: what identifies a controller (requirements 20). All seven fields are texts, empty when not given;
 * they are kept as written. Identity is {@link tidKey}, which compares addresses in canonical form.
 */
export interface Tid {
  readonly transport: Transport;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  readonly hostNqn: string;
}

/** The parts of a transport id; missing ones take the defaults of TID-1 to TID-4. */
export interface TidParts {
  readonly transport: Transport;
  readonly traddr?: string | undefined;
  readonly trsvcid?: string | undefined;
  readonly subsysnqn?: string | undefined;
  readonly hostTraddr?: string | undefined;
  readonly hostIface?: string | undefined;
  readonly hostNqn?: string | undefined;
}

export interface TidDefaults {
  /** Host NQN of the system, for when none is given. */
  readonly hostNqn: string;
  /** TID-3: leave the interface out. */
  readonly ignoreIface: boolean;
}

export function isTransport(text: string): text is Transport {
  return text === "tcp" || text === "rdma" || text === "fc" || text === "loop";
}

/** TID-2: port of a transport when none is given; fc and loop have no ports. */
export function defaultTrsvcid(transport: Transport): string {
  return transport === "tcp" ? "8009" : transport === "rdma" ? "4420" : "";
}

/** TID-1 to TID-4. Texts are not changed, only completed. */
export function normaliseTid(parts: TidParts, defaults: TidDefaults): Tid {
  const { transport } = parts;
  const hasPorts = transport === "tcp" || transport === "rdma";
  return {
    transport,
    traddr: parts.traddr ?? "",
    trsvcid: hasPorts ? parts.trsvcid || defaultTrsvcid(transport) : "",
    subsysnqn: parts.subsysnqn ?? "",
    hostTraddr: parts.hostTraddr ?? "",
    hostIface: defaults.ignoreIface ? "" : parts.hostIface ?? "",
    hostNqn: parts.hostNqn ?? defaults.hostNqn,
  };
}

/** The canonical form of an address. On tcp or rdma, a text that is not an IP address (a host name) stays as it is. */
export function canonicalAddress(transport: string, address: string): string {
  if (transport === "tcp" || transport === "rdma") return canonicalIp(address) ?? address;
  return transport === "fc" ? canonicalFc(address) : address.toLowerCase();
}

/** The interface a tid names: `host-iface`, or else the scope of an address (TID-18). */
export function impliedIface(tid: Tid): string {
  return tid.hostIface || scopeOf(tid.traddr) || scopeOf(tid.hostTraddr);
}

/**
 * A link-local address with its interface as scope, where nothing else gives the kernel the interface: RDMA accepts
 * no interface option, and on tcp the interface may be known from another address only. It stays the same controller.
 */
export function scoped(tid: Tid, iface: string = impliedIface(tid)): Tid {
  const isTold = tid.transport === "tcp" && tid.hostIface !== "";
  const hasIp = tid.transport === "tcp" || tid.transport === "rdma";
  if (!hasIp || isTold || iface === "") return tid;
  const traddr = withScope(tid.traddr, iface);
  return traddr === tid.traddr ? tid : { ...tid, traddr };
}

/**
 * Identity of a controller (TID-7 with DEC-11): equal for all spellings of one transport id,
 * different for different ones. It is opaque: only {@link tidOfKey} parses it.
 */
export function tidKey(tid: Tid): string {
  // JSON, so that no text from outside can imitate a field boundary.
  return JSON.stringify([
    tid.transport,
    canonicalAddress(tid.transport, tid.traddr),
    tid.trsvcid,
    tid.subsysnqn,
    canonicalAddress(tid.transport, tid.hostTraddr),
    impliedIface(tid),
    tid.hostNqn,
  ]);
}

/** A transport id that has this key, its addresses in canonical form; undefined for a text that is not a key. */
export function tidOfKey(key: string): Tid | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(key);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length !== 7) return undefined;
  const texts = parsed.filter((part) => typeof part === "string");
  return texts.length === parsed.length ? tidOfTexts(texts) : undefined;
}

/** TID-11: `(tcp, 10.10.10.10, 8009, nqn.x, eth0, 1.2.3.4)`. */
export function tidText(tid: Tid): string {
  const parts: string[] = [tid.transport, tid.traddr, tid.trsvcid];
  for (const part of [tid.subsysnqn, tid.hostIface, tid.hostTraddr]) if (part !== "") parts.push(part);
  return `(${parts.join(", ")})`;
}

/** The seven parts as texts, in the order of calls on the versioned bus interfaces. */
export function tidTexts(tid: Tid): readonly string[] {
  const { transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn } = tid;
  return [transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn];
}

/** The reverse of {@link tidTexts}; undefined when they name no controller that stas handles. */
export function tidOfTexts(texts: readonly string[]): Tid | undefined {
  const [
    transport = "",
    traddr = "",
    trsvcid = "",
    subsysnqn = "",
    hostTraddr = "",
    hostIface = "",
    hostNqn = "",
  ] = texts;
  if (texts.length < 7 || !isTransport(transport)) return undefined;
  return { transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn };
}

/** TID-12 without the connection configuration: keys as in configuration files and on D-Bus. */
export function tidFields(tid: Tid): Record<string, string> {
  return {
    traddr: tid.traddr,
    trsvcid: tid.trsvcid,
    transport: tid.transport,
    subsysnqn: tid.subsysnqn,
    "host-iface": tid.hostIface,
    "host-traddr": tid.hostTraddr,
    "host-nqn": tid.hostNqn,
  };
}

/**
 * The reverse of {@link tidFields}; other keys are ignored. Undefined when stas does not handle the transport. A
 * missing `host-nqn` takes the default, empty when there is none.
 */
export function tidFromFields(
  record: Readonly<Record<string, string | undefined>>,
  defaults: TidDefaults = { hostNqn: "", ignoreIface: false },
): Tid | undefined {
  const transport = record["transport"] ?? "";
  if (!isTransport(transport)) return undefined;
  return normaliseTid({
    transport,
    traddr: record["traddr"],
    trsvcid: record["trsvcid"],
    subsysnqn: record["subsysnqn"],
    hostTraddr: record["host-traddr"],
    hostIface: record["host-iface"],
    hostNqn: record["host-nqn"],
  }, defaults);
}
