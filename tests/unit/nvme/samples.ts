import type { ExtendedEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import type { IdentifyCtrl } from "../../../src/lib/nvme/identify.ts";
import type { InterfaceTable, KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";

/** A live I/O connection of the kernel; what a test is about is given. */
export function kernelCtrl(fields: Partial<KernelCtrl> = {}): KernelCtrl {
  return {
    device: "nvme0",
    incarnation: 1,
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: "8009",
    subsysnqn: "nqn.s",
    hostNqn: "nqn.host",
    hostId: "",
    hostTraddr: "",
    hostIface: "",
    srcAddr: "",
    state: "live",
    cntrltype: "io",
    dctype: "",
    cntlid: "",
    model: "",
    serial: "",
    isDc: false,
    isIoc: true,
    owner: "",
    namespaces: [],
    ...fields,
  };
}

export function interfaceTable(
  rows: Readonly<
    Record<string, { v4?: readonly string[]; v6?: readonly string[]; mac?: string; vlan?: number }>
  >,
): InterfaceTable {
  return new Map(
    Object.entries(rows).map(([name, row], i) => [name, {
      index: i + 1,
      mac: row.mac ?? "",
      up: true,
      ...(row.vlan === undefined ? {} : { vlan: row.vlan }),
      v4: row.v4 ?? [],
      v6: row.v6 ?? [],
    }]),
  );
}

/** An NVM subsystem on TCP. */
export function discoveryEntry(fields: Partial<ExtendedEntry> = {}): ExtendedEntry {
  return {
    trtype: 3,
    adrfam: 1,
    subtype: 2,
    treq: 0,
    portid: 1,
    cntlid: 65_535,
    asqsz: 32,
    eflags: 0,
    traddr: "10.0.0.1",
    trsvcid: "4420",
    subnqn: "nqn.s",
    tsas: { kind: "tcp", sectype: "none" },
    ...fields,
  };
}

/** {@link discoveryEntry} as 1.0.0 publishes it, and saves it. */
export const ENTRY_TEXTS = {
  trtype: "tcp",
  adrfam: "ipv4",
  traddr: "10.0.0.1",
  trsvcid: "4420",
  subnqn: "nqn.s",
  subtype: "nvme",
  treq: "not specified",
  tsas: "{'sectype': 'none'}",
  portid: "1",
  cntlid: "65535",
  asqsz: "32",
  eflags: "0",
};

/** A discovery controller of a CDC. */
export function identifyCtrl(fields: Partial<IdentifyCtrl> = {}): IdentifyCtrl {
  return {
    vid: 0x1b36,
    serial: "SN 1",
    model: "A model",
    firmware: "1.0",
    mdts: 5,
    cntlid: 1,
    ver: 0x20000,
    oaes: 0x8000_0000,
    cntrltype: 2,
    aerl: 3,
    lpa: 4,
    kas: 1,
    maxcmd: 64,
    sgls: 0x10_0005,
    subnqn: "nqn.dc",
    ioccsz: 516,
    ofcs: 0,
    dctype: 2,
    ...fields,
  };
}
