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
