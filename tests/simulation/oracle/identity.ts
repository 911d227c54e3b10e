/** What makes two transport ids one controller (requirements 20; DEC-11). */
import type { Tid, Transport } from "../../../src/lib/nvme/tid.ts";
import { comparable, scopeOf } from "./address.ts";
import { keptFor } from "./memo.ts";

export const WELL_KNOWN = "nqn.2014-08.org.nvmexpress.discovery";

export function isTransport(text: string): text is Transport {
  return ["tcp", "rdma", "fc", "loop"].includes(text);
}

/** What a controller line, an entry or a service says; what is missing is empty. */
export interface Named {
  readonly transport: Transport;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  readonly hostNqn: string;
}

/** TID-2: only tcp and rdma have ports, and each its own when none is given. */
export function completed(named: Named): Tid {
  const port = { tcp: "8009", rdma: "4420", fc: "", loop: "" }[named.transport];
  return { ...named, trsvcid: port === "" ? "" : named.trsvcid === "" ? port : named.trsvcid };
}

/** TID-18: without `host-iface`, the scope of an address says by which interface it is reached. */
export function ifaceOf(tid: Tid): string {
  if (tid.hostIface !== "") return tid.hostIface;
  const scope = scopeOf(tid.traddr);
  return scope === "" ? scopeOf(tid.hostTraddr) : scope;
}

/** One text for one controller. */
export const identity = keptFor((tid: Tid): string => {
  const { transport } = tid;
  return [
    transport,
    comparable(transport, tid.traddr),
    tid.trsvcid,
    tid.subsysnqn,
    comparable(transport, tid.hostTraddr),
    ifaceOf(tid),
    tid.hostNqn,
  ].map((part) => `${part.length}:${part}`).join("|");
});

export const sameController = (a: Tid, b: Tid): boolean => identity(a) === identity(b);

/** TID-11. */
export function named(tid: Tid): string {
  const first = [tid.transport, tid.traddr, tid.trsvcid];
  const rest = [tid.subsysnqn, tid.hostIface, tid.hostTraddr].filter((part) => part !== "");
  return `(${[...first, ...rest].join(", ")})`;
}
