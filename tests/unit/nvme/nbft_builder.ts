/** Makes boot tables, for tests: real ones are not in this tree (their licence is another). */
import { parseIp } from "../../../src/lib/nvme/address.ts";
import { uuidBytes } from "../../../src/lib/nvme/host_nqn.ts";

export interface TableHfi {
  readonly index: number;
  readonly mac: readonly number[];
  readonly ip: string;
  readonly vlan?: number;
  readonly flags?: number;
  readonly hostName?: string;
  readonly gateway?: string;
  readonly dns1?: string;
  readonly dhcpServer?: string;
}

export interface TableSubsystem {
  readonly index: number;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly nqn: string;
  readonly hfi: number;
  readonly moreHfis?: readonly number[];
  readonly discovery?: number;
  readonly flags?: number;
  readonly trflags?: number;
  readonly controllerId?: number;
  readonly asqsz?: number;
  readonly nsid?: number;
}

export interface TableDiscovery {
  readonly index: number;
  readonly hfi: number;
  readonly uri: string;
  readonly nqn?: string;
}

export interface TableParts {
  readonly hostId: string;
  readonly hostNqn: string;
  readonly hostFlags?: number;
  readonly hfis?: readonly TableHfi[];
  readonly subsystems?: readonly TableSubsystem[];
  readonly discovery?: readonly TableDiscovery[];
  readonly keyPath?: string;
}

/** A table like the one of TST-120. */
export const SAMPLE: TableParts = {
  hostId: "44454c4c-3400-1036-8038-b2c04f313233",
  hostNqn: "nqn.1988-11.com.example:PowerEdge.1234567",
  hfis: [{
    index: 1,
    mac: [0xb0, 0x26, 0x28, 0xe8, 0x7c, 0x0e],
    ip: "100.71.245.232",
    gateway: "100.71.245.254",
    dns1: "100.64.0.5",
    dhcpServer: "100.71.245.254",
    flags: 7,
  }],
  subsystems: ["100.71.103.48", "100.71.103.49"].map((traddr, i) => ({
    index: i + 1,
    traddr,
    trsvcid: "4420",
    nqn: "nqn.1988-11.com.example:powerstore:00:2a64abf1c5b8",
    hfi: 1,
    discovery: 1,
    flags: 0x51,
    trflags: 3,
    controllerId: i === 0 ? 5 : 4166,
    nsid: 148,
  })),
  discovery: [{ index: 1, hfi: 1, uri: "nvme+tcp://100.71.103.50:8009/" }],
  keyPath: "redfish://bmc.example/keys",
};

function ip16(text: string): Uint8Array {
  const bytes = parseIp(text)?.bytes ?? new Uint8Array(16);
  return bytes.length === 16 ? bytes : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);
}

/** Makes the bytes sum up to 0, as firmware does, after a change. */
export function sealed(table: Uint8Array): Uint8Array {
  table[9] = 0;
  table[9] = 256 - table.reduce((sum, byte) => (sum + byte) % 256, 0);
  return table;
}

export function buildNbft(parts: TableParts): Uint8Array {
  const { hfis = [], subsystems = [], discovery = [] } = parts;
  const security = parts.keyPath === undefined ? [] : [parts.keyPath];
  const hfiAt = 160;
  const subsystemAt = hfiAt + 32 * hfis.length;
  const securityAt = subsystemAt + 128 * subsystems.length;
  const discoveryAt = securityAt + 64 * security.length;
  const heapAt = discoveryAt + 32 * discovery.length;
  const bytes = new Uint8Array(heapAt + 65_536);
  const view = new DataView(bytes.buffer);
  let end = heapAt;
  const heap = (place: number, object: Uint8Array | string | undefined) => {
    if (object === undefined || object.length === 0) return 0;
    const encoded = typeof object === "string" ? new TextEncoder().encode(object) : object;
    view.setUint32(place, end, true);
    view.setUint16(place + 4, encoded.length, true);
    bytes.set(encoded, end);
    const start = end;
    end += encoded.length + (typeof object === "string" ? 1 : 0);
    return start;
  };
  const list = (place: number, offset: number, stride: number, count: number) => {
    view.setUint32(place, offset, true);
    view.setUint16(place + 4, stride, true);
    bytes.set([1, count], place + 6);
  };
  bytes.set(new TextEncoder().encode("NBFT"));
  view.setUint8(8, 1);
  bytes.set([1, 1, 0, 0, 64, 0, 1], 64);
  view.setUint32(72, 128, true);
  view.setUint16(76, 32, true);
  list(80, hfiAt, 32, hfis.length);
  list(88, subsystemAt, 128, subsystems.length);
  list(96, securityAt, 64, security.length);
  list(104, discoveryAt, 32, discovery.length);
  bytes.set([2, parts.hostFlags ?? 7, ...uuidBytes(parts.hostId) ?? []], 128);
  heap(146, parts.hostNqn);
  hfis.forEach((hfi, i) => {
    const at = hfiAt + 32 * i;
    bytes.set([3, hfi.index, 1, 3], at);
    const info = new Uint8Array(128);
    info.set([7, 1, 3, 1, hfi.index, 0, hfi.flags ?? 1]);
    info.set(hfi.mac, 11);
    info.set([(hfi.vlan ?? 0) & 0xff, (hfi.vlan ?? 0) >> 8, 1], 17);
    info.set(ip16(hfi.ip), 20);
    info[36] = 24;
    info.set(ip16(hfi.gateway ?? ""), 37);
    info.set(ip16(hfi.dns1 ?? ""), 56);
    info.set(ip16(hfi.dhcpServer ?? ""), 88);
    const start = heap(at + 16, info);
    heap(start + 104, hfi.hostName);
  });
  subsystems.forEach((subsystem, i) => {
    const at = subsystemAt + 128 * i;
    view.setUint8(at, 4);
    view.setUint16(at + 1, subsystem.index, true);
    view.setUint16(at + 3, subsystem.flags ?? 0x11, true);
    bytes.set([3, subsystem.trflags ?? 1, 0, subsystem.discovery ?? 0], at + 5);
    heap(at + 10, ip16(subsystem.traddr));
    heap(at + 16, subsystem.trsvcid);
    view.setUint32(at + 24, subsystem.nsid ?? 1, true);
    bytes.set([3, ...new Uint8Array(16).fill(0xab)], at + 28);
    bytes[at + 46] = subsystem.hfi;
    heap(at + 48, Uint8Array.from([subsystem.hfi, ...subsystem.moreHfis ?? []]));
    heap(at + 54, subsystem.nqn);
    const extension = new Uint8Array(18);
    extension.set([9, 1, subsystem.index, 0, subsystem.asqsz === undefined ? 1 : 3]);
    new DataView(extension.buffer).setUint16(8, subsystem.controllerId ?? 0, true);
    new DataView(extension.buffer).setUint16(10, subsystem.asqsz ?? 32, true);
    heap(at + 60, extension);
  });
  security.forEach((keyPath, i) => {
    bytes.set([5, i + 1, 1, 0, 2], securityAt + 64 * i);
    heap(securityAt + 64 * i + 36, keyPath);
  });
  discovery.forEach((entry, i) => {
    bytes.set([6, 1, entry.index, entry.hfi], discoveryAt + 32 * i);
    heap(discoveryAt + 32 * i + 6, entry.uri);
    heap(discoveryAt + 32 * i + 12, entry.nqn);
  });
  view.setUint32(4, end, true);
  view.setUint32(36, heapAt, true);
  view.setUint32(40, end - heapAt, true);
  return sealed(bytes.slice(0, end));
}
