/** Does a connection of the kernel serve what is asked for? (requirements 20; DEC-13) */
import type { InterfaceTable } from "../../../src/lib/nvme/kernel_ctrl.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { canonical, comparable, familyOf, sameAddress, scopeOf } from "./address.ts";
import { ifaceOf, WELL_KNOWN } from "./identity.ts";

/** What the kernel says of a connection. */
export interface KernelWords {
  readonly transport: string;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly hostNqn: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  readonly srcAddr: string;
}

/** `unsure`: the kernel's words contradict each other, or one address belongs to several interfaces. */
export type Serves = "yes" | "no" | "unsure";

/** An interface may be named by its number. */
function byName(iface: string, interfaces: InterfaceTable): string {
  if (interfaces.has(iface)) return iface;
  for (const [name, { index }] of interfaces) if (String(index) === iface) return name;
  return iface;
}

const ownersOf = (address: string, interfaces: InterfaceTable): string[] =>
  [...interfaces].filter(([, { v4, v6 }]) => [...v4, ...v6].some((one) => sameAddress(one, address)))
    .map(([name]) => name);

function owned(address: string, iface: string, interfaces: InterfaceTable): Serves {
  const owners = ownersOf(address, interfaces);
  if (!owners.includes(iface)) return "no";
  return owners.length === 1 ? "yes" : "unsure";
}

/** TID-43 to TID-45, the interface. */
function ifaceServes(tid: Tid, words: KernelWords, interfaces: InterfaceTable): Serves {
  const wanted = byName(ifaceOf(tid), interfaces);
  if (wanted === "") return "yes";
  const kernels = words.hostIface === "" ? scopeOf(words.traddr) : words.hostIface;
  const iface = byName(kernels, interfaces);
  // DEC-13: the kernel's own word, before the source address is asked.
  if (wanted === iface) return "yes";
  const source = canonical(words.srcAddr) === undefined
    ? undefined
    : owned(words.srcAddr, wanted, interfaces);
  if (iface !== "") return source === undefined || source === "no" ? "no" : "unsure";
  if (source !== undefined) return source;
  return words.hostTraddr === "" ? "yes" : owned(words.hostTraddr, wanted, interfaces);
}

/** TID-43 to TID-45, the source address. */
function sourceServes(tid: Tid, words: KernelWords, interfaces: InterfaceTable): Serves {
  const { hostTraddr: wanted } = tid;
  if (wanted === "") return "yes";
  const family = familyOf(wanted);
  if (family === undefined) return "no"; // TID-49
  if (sameAddress(wanted, words.hostTraddr)) return "yes";
  if (canonical(words.srcAddr) !== undefined) {
    if (!sameAddress(wanted, words.srcAddr)) return "no";
    return words.hostTraddr === "" ? "yes" : "unsure";
  }
  if (words.hostTraddr !== "") return "no";
  const kernels = words.hostIface === "" ? scopeOf(words.traddr) : words.hostIface;
  const entry = interfaces.get(byName(kernels, interfaces));
  const isFour = canonical(wanted)?.startsWith("4") ?? false;
  const primary = (isFour ? entry?.v4 : entry?.v6)?.[0];
  return primary === undefined || sameAddress(primary, wanted) ? "yes" : "no";
}

const worst = (all: readonly Serves[]): Serves =>
  all.includes("no") ? "no" : all.includes("unsure") ? "unsure" : "yes";

/** Whether it is of the right kind (discovery or I/O) is for others to say. */
export function serves(tid: Tid, words: KernelWords, interfaces: InterfaceTable): Serves {
  const { transport } = tid;
  if (transport !== words.transport || tid.trsvcid !== words.trsvcid || tid.hostNqn !== words.hostNqn) {
    return "no";
  }
  // TID-41: a TID with the well-known name may get one with a name of its own.
  if (tid.subsysnqn !== words.subsysnqn && tid.subsysnqn !== WELL_KNOWN) return "no";
  const ends = (wanted: string, actual: string): boolean =>
    comparable(transport, wanted) === comparable(transport, actual);
  switch (transport) {
    case "tcp":
      if (!sameAddress(tid.traddr, words.traddr)) return "no";
      return worst([ifaceServes(tid, words, interfaces), sourceServes(tid, words, interfaces)]);
    case "rdma": {
      const source = tid.hostTraddr === "" || sameAddress(tid.hostTraddr, words.hostTraddr);
      return source && sameAddress(tid.traddr, words.traddr) ? "yes" : "no";
    }
    case "fc":
      return ends(tid.traddr, words.traddr) && ends(tid.hostTraddr, words.hostTraddr) ? "yes" : "no";
    case "loop":
      return ends(tid.traddr, words.traddr) ? "yes" : "no";
  }
}
