/** Does a connection of the kernel serve a wanted transport id (requirements 20)? */
import { isDeleting } from "./kernel_state.ts";
import { canonicalFc, canonicalIp, parseIp, sameAddress, scopeOf } from "./address.ts";
import type { InterfaceTable, KernelCtrl } from "./kernel_ctrl.ts";
import {
  canonicalAddress,
  impliedIface,
  isTransport,
  normaliseTid,
  type Tid,
  WELL_KNOWN_DISC_NQN,
} from "./tid.ts";

/** Canonical address to interfaces. Tables are immutable, so each is indexed once. */
const owners = new WeakMap<InterfaceTable, ReadonlyMap<string, readonly string[]>>();
const NONE: readonly string[] = [];

/** The interfaces that have the address, in the kernel's order. */
function ownersOf(address: string, interfaces: InterfaceTable): readonly string[] {
  let index = owners.get(interfaces);
  if (index === undefined) {
    const made = new Map<string, string[]>();
    for (const [name, { v4, v6 }] of interfaces) {
      for (const text of [...v4, ...v6]) {
        const own = canonicalIp(text);
        const names = own === undefined ? [] : made.get(own) ?? [];
        if (own !== undefined && !names.includes(name)) made.set(own, [...names, name]);
      }
    }
    owners.set(interfaces, index = made);
  }
  const canonical = canonicalIp(address);
  return canonical === undefined ? NONE : index.get(canonical) ?? NONE;
}

/** TID-24: the first interface that has the address, or empty. */
export function interfaceOf(address: string, interfaces: InterfaceTable): string {
  return ownersOf(address, interfaces)[0] ?? "";
}

/** TID-25: the first interface with the MAC address; with a VLAN id (not 0), the VLAN interface takes precedence. Else empty. */
export function interfaceOfMac(mac: string, vlan: number, interfaces: InterfaceTable): string {
  const wanted = mac.toLowerCase();
  let first = "";
  for (const [name, entry] of interfaces) {
    if (entry.mac.toLowerCase() !== wanted) continue;
    if (entry.vlan === vlan) return name;
    first ||= name;
  }
  return first;
}

/** The name of an interface that may be given as its index (`fe80::1%2`). */
function nameOfIface(text: string, interfaces: InterfaceTable): string {
  if (!/^\d+$/.test(text) || interfaces.has(text)) return text;
  const index = Number(text);
  for (const [name, entry] of interfaces) if (entry.index === index) return name;
  return text;
}

/**
 * TID-30 and TID-31, from sysfs: the type first, then properties of I/O controllers only (children, and on fabrics
 * more queues than the admin queue), then the NQN. A controller without these properties need not be a discovery
 * controller: an I/O controller without namespaces looks the same where the kernel (before 5.18) or the target does
 * not report the type, and stafd would take it over, and some day disconnect it (S1). Both are false if the kind is
 * unknown.
 */
export function classify(
  ctrl: {
    readonly subsysnqn: string;
    readonly cntrltype: string;
    readonly hasChildren: boolean;
    /** `queue_count`; undefined where sysfs has none. */
    readonly queues?: number | undefined;
  },
): { isDc: boolean; isIoc: boolean } {
  const { subsysnqn, cntrltype, hasChildren, queues = 1 } = ctrl;
  return {
    isDc: cntrltype === "discovery" || (subsysnqn === WELL_KNOWN_DISC_NQN && cntrltype !== "io"),
    isIoc: cntrltype === "io" || hasChildren || (queues > 1 && !isType(cntrltype)),
  };
}

const isType = (cntrltype: string): boolean => cntrltype !== "" && cntrltype !== "reserved";

/** It is unknown whether this fabrics controller is a discovery or an I/O controller: treat it as neither. */
export const isUntold = ({ isDc, isIoc, cntrltype, transport }: KernelCtrl): boolean =>
  !isDc && !isIoc && !isType(cntrltype) && isTransport(transport);

/**
 * Its connect has not been completed: before a controller has been live once, the kernel shows no subsystem, and refuses to
 * delete it.
 */
export const isUnfinished = ({ transport, subsysnqn, state }: KernelCtrl): boolean =>
  isTransport(transport) && subsysnqn === "" && state !== "live" && !isDeleting(state);

/** TID-55 to TID-57. Undefined for PCIe and any other controller that stas must not handle (S1). */
export function kernelTid(ctrl: KernelCtrl, interfaces: InterfaceTable): Tid | undefined {
  if (!isTransport(ctrl.transport)) return undefined;
  const inferred = ctrl.transport === "tcp" && ctrl.hostIface === "" && ctrl.srcAddr !== "";
  return normaliseTid({
    transport: ctrl.transport,
    traddr: ctrl.traddr,
    trsvcid: ctrl.trsvcid,
    subsysnqn: ctrl.subsysnqn,
    hostTraddr: ctrl.hostTraddr,
    hostIface: inferred ? interfaceOf(ctrl.srcAddr, interfaces) : ctrl.hostIface,
    hostNqn: ctrl.hostNqn,
  }, { hostNqn: "", ignoreIface: false });
}

/**
 * A coarse key for an index of connections: a candidate and a connection that {@link matches} have the same key (the
 * reverse does not hold). Takes a tid or a kernel controller.
 */
export function matchIndexKey(
  end: { readonly transport: string; readonly traddr: string; readonly trsvcid: string },
): string {
  return `${end.transport}|${canonicalAddress(end.transport, end.traddr)}|${end.trsvcid}`;
}

/** TID-45, address column. */
function legacyAddress(
  candidate: Tid,
  existing: KernelCtrl,
  iface: string,
  interfaces: InterfaceTable,
): boolean {
  if (candidate.hostTraddr === "") return true;
  const address = canonicalIp(candidate.hostTraddr);
  if (address === undefined) return false; // TID-49
  if (existing.hostTraddr !== "") return sameAddress(address, existing.hostTraddr);
  if (iface === "") return true;
  const entry = interfaces.get(iface);
  const primary = (parseIp(address)?.family === 4 ? entry?.v4 : entry?.v6)?.[0];
  return primary === undefined || sameAddress(address, primary);
}

/** TID-45, interface column. */
function legacyIface(
  wanted: string,
  existing: KernelCtrl,
  iface: string,
  interfaces: InterfaceTable,
): boolean {
  if (wanted === "") return true;
  if (iface !== "") return wanted === iface;
  return existing.hostTraddr === "" || interfaceOf(existing.hostTraddr, interfaces) === wanted;
}

/**
 * TID-44: the source address of a connection and the wanted interface. An address may be on several interfaces (VLANs
 * with one fe80:: address): if the interface given to the kernel is among them, it is that one and no other.
 */
function sourceIface(wanted: string, told: string, source: string, interfaces: InterfaceTable): boolean {
  const names = ownersOf(source, interfaces);
  return names.includes(told) ? wanted === told : wanted === (names[0] ?? "");
}

/**
 * TID-43 to TID-45, with the scope of an address as its interface (TID-18). The interface given to the kernel takes
 * precedence over the source address, unlike in TID-44: an interface may be given by another of its names (altname),
 * be a VRF, or send from an address of `lo`; its source address then belongs to another name.
 */
function tcpSourceMatches(candidate: Tid, existing: KernelCtrl, interfaces: InterfaceTable): boolean {
  const wanted = nameOfIface(impliedIface(candidate), interfaces);
  const told = nameOfIface(existing.hostIface || scopeOf(existing.traddr), interfaces);
  const hasSource = canonicalIp(existing.srcAddr) !== undefined;
  const isAddress = candidate.hostTraddr === "" || sameAddress(candidate.hostTraddr, existing.hostTraddr) ||
    (hasSource
      ? sameAddress(candidate.hostTraddr, existing.srcAddr)
      : legacyAddress(candidate, existing, told, interfaces));
  const isIface = wanted === "" || wanted === told ||
    (hasSource
      ? sourceIface(wanted, told, existing.srcAddr, interfaces)
      : legacyIface(wanted, existing, told, interfaces));
  return isAddress && isIface;
}

/**
 * TID-40 to TID-49. Whether `existing` is a discovery or an I/O controller is the caller's to check ({@link
 * classify}). `interfaces` is this host's table; on tcp and rdma, a text that is not an address matches nothing.
 */
export function matches(candidate: Tid, existing: KernelCtrl, interfaces: InterfaceTable): boolean {
  if (
    candidate.transport !== existing.transport || candidate.trsvcid !== existing.trsvcid ||
    candidate.hostNqn !== existing.hostNqn
  ) return false;
  if (candidate.subsysnqn !== existing.subsysnqn && candidate.subsysnqn !== WELL_KNOWN_DISC_NQN) return false;
  switch (candidate.transport) {
    case "tcp":
      return sameAddress(candidate.traddr, existing.traddr) &&
        tcpSourceMatches(candidate, existing, interfaces);
    case "rdma":
      return sameAddress(candidate.traddr, existing.traddr) &&
        (candidate.hostTraddr === "" || sameAddress(candidate.hostTraddr, existing.hostTraddr));
    case "fc":
      return canonicalFc(candidate.traddr) === canonicalFc(existing.traddr) &&
        canonicalFc(candidate.hostTraddr) === canonicalFc(existing.hostTraddr);
    case "loop":
      return candidate.traddr.toLowerCase() === existing.traddr.toLowerCase();
  }
}
