/** NVMe Boot Firmware Table (NVM Express Boot Specification; TP8012): the firmware's connections to the boot storage. */
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import { uuidText } from "./host_nqn.ts";
import { nbftIp, type NbftListName, type NbftTable, openNbft } from "./nbft_table.ts";
import { WELL_KNOWN_DISC_NQN } from "./tid.ts";

export interface NbftHost {
  /** UUID text; counts only when {@link idConfigured}. */
  readonly hostId: string;
  readonly nqn: string;
  readonly idConfigured: boolean;
  readonly nqnConfigured: boolean;
  /** Primary administrative host descriptor: 0 not indicated, 1 unselected, 2 selected. */
  readonly primary: number;
}

/** Host fabric interface; only those of TCP are decoded. */
export interface NbftHfi {
  readonly index: number;
  /** PCI segment 31:16, bus 15:8, device 7:3, function 2:0. */
  readonly pciSbdf: number;
  /** `aa:bb:cc:dd:ee:ff`. */
  readonly mac: string;
  /** 0 is none. */
  readonly vlan: number;
  readonly ipOrigin: number;
  readonly ip: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly routeMetric: number;
  readonly dns1: string;
  readonly dns2: string;
  /** Empty unless DHCP gave something. */
  readonly dhcpServer: string;
  readonly hostName: string;
  readonly defaultRoute: boolean;
  readonly dhcpOverride: boolean;
  readonly pcieSegment: number;
  /** DHCPv6 identifiers. */
  readonly dhcp?: { readonly iaid: number; readonly duid: Uint8Array };
}

/** A namespace of a subsystem (SSNS). */
export interface NbftSubsystem {
  readonly index: number;
  /** As in discovery log entries; 3 is TCP, others are not decoded. */
  readonly trtype: number;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly nqn: string;
  readonly portId: number;
  readonly nsid: number;
  /** 1 EUI-64, 2 NGUID, 3 UUID. */
  readonly nidType: number;
  readonly nid: Uint8Array;
  readonly hdrDigest: boolean;
  readonly dataDigest: boolean;
  /** Indexes of the discovery and security descriptors; 0 is none. */
  readonly discoveryIndex: number;
  readonly securityIndex: number;
  /** Indexes of the interfaces, the primary one first, each once. */
  readonly hfiIndexes: readonly number[];
  readonly discovered: boolean;
  /** The firmware could not reach it. */
  readonly unavailable: boolean;
  readonly controllerId: number;
  /** 0 when not given. */
  readonly asqsz: number;
  readonly dhcpRootPath: string;
}

export interface NbftSecurity {
  readonly index: number;
  readonly flags: number;
  readonly secretType: number;
  readonly keyPath: string;
}

export interface NbftDiscovery {
  readonly index: number;
  readonly hfiIndex: number;
  readonly securityIndex: number;
  readonly uri: string;
  readonly nqn: string;
}

/** Lists are ordered by the indexes in the table (KRN-60), and referred to by them. */
export interface Nbft {
  readonly host: NbftHost | undefined;
  readonly hfis: readonly NbftHfi[];
  readonly subsystems: readonly NbftSubsystem[];
  readonly security: readonly NbftSecurity[];
  readonly discovery: readonly NbftDiscovery[];
  /** Descriptors that were left out, and why. */
  readonly warnings: readonly string[];
}

const TCP = 3;
const VALID = 1;
const EMPTY: Nbft = { host: undefined, hfis: [], subsystems: [], security: [], discovery: [], warnings: [] };

/** Offsets of valid descriptors with the right id; the others are left out, wrong ids with a warning. */
function descriptors(table: NbftTable, name: NbftListName, id: number, flagsAt: number): number[] {
  const { offset, stride, count } = table.lists[name];
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const at = offset + i * stride;
    const actual = table.view.getUint8(at);
    if (actual !== id) table.warn(at, `${name} descriptor ${i + 1} has id ${actual} instead of ${id}`);
    else if ((table.view.getUint8(at + flagsAt) & VALID) !== 0) found.push(at);
  }
  return found;
}

function decodeHost(table: NbftTable): NbftHost | undefined {
  const at = table.host.offset;
  if (table.host.length === 0) return table.warn(at, "there is no host descriptor");
  if (table.view.getUint8(at) !== 2) return table.warn(at, "the host descriptor has a wrong id");
  const flags = table.view.getUint8(at + 1);
  const nqn = table.text(at + 18, "host NQN");
  if ((flags & VALID) === 0 || nqn === undefined) return table.warn(at, "the host descriptor is not valid");
  return {
    hostId: uuidText(table.bytes.subarray(at + 2, at + 18)),
    nqn,
    idConfigured: (flags & 2) !== 0,
    nqnConfigured: (flags & 4) !== 0,
    primary: (flags >>> 3) & 3,
  };
}

/** The descriptor in the heap that `at` refers to, when it has that size, id and index. */
function extension(
  table: NbftTable,
  at: number,
  what: string,
  size: number,
  id: number,
): DataView | undefined {
  const object = table.object(at, what);
  if (object === undefined || object.length === 0) return undefined;
  if (object.length < size || object[0] !== id) {
    return table.warn(
      at,
      `${what}: ${object.length} bytes with id ${object[0]}, expected ${size} with id ${id}`,
    );
  }
  return new DataView(object.buffer, object.byteOffset, object.length);
}

function decodeDhcp(table: NbftTable, at: number): NbftHfi["dhcp"] {
  const view = extension(table, at, "HFI information extension", 20, 0x0a);
  if (view === undefined || (view.getUint32(4, true) & 3) !== 3) return undefined;
  // References in the heap are offsets in the table as well.
  const base = view.byteOffset - table.bytes.byteOffset;
  const iaid = table.object(base + 8, "DHCP IAID");
  const duid = table.object(base + 14, "DHCP DUID");
  if (iaid === undefined || duid === undefined || iaid.length !== 4) return undefined;
  return { iaid: new DataView(iaid.buffer, iaid.byteOffset).getUint32(0, true), duid: duid.slice() };
}

function decodeHfi(table: NbftTable, at: number): NbftHfi | undefined {
  const index = table.view.getUint8(at + 1);
  const trtype = table.view.getUint8(at + 3);
  if (trtype !== TCP) return table.warn(at, `HFI ${index} has transport ${trtype}, only TCP is known`);
  const info = extension(table, at + 16, `HFI ${index} information`, 128, 7);
  if (info === undefined) return table.warn(at, `HFI ${index} has no information`);
  const start = info.byteOffset - table.bytes.byteOffset;
  if (info.getUint16(4, true) !== index || (info.getUint8(6) & VALID) === 0) {
    return table.warn(start, `information of HFI ${index} is not valid, or of another HFI`);
  }
  const hostName = table.text(start + 104, `host name of HFI ${index}`);
  if (hostName === undefined) return undefined;
  const flags = info.getUint8(6);
  const second = info.getUint8(3) >= 2;
  const dhcp = second ? decodeDhcp(table, start + 110) : undefined;
  const mac = [...table.bytes.subarray(start + 11, start + 17)];
  return {
    index,
    pciSbdf: info.getUint32(7, true),
    mac: mac.map((byte) => byte.toString(16).padStart(2, "0")).join(":"),
    vlan: info.getUint16(17, true),
    ipOrigin: info.getUint8(19),
    ip: table.ip(start + 20),
    prefix: info.getUint8(36),
    gateway: table.ip(start + 37),
    routeMetric: info.getUint16(54, true),
    dns1: table.ip(start + 56),
    dns2: table.ip(start + 72),
    dhcpServer: (flags & 4) !== 0 ? table.ip(start + 88) : "",
    hostName,
    defaultRoute: (flags & 2) !== 0,
    dhcpOverride: (flags & 4) !== 0,
    pcieSegment: second ? info.getUint8(116) : 0,
    ...(dhcp === undefined ? {} : { dhcp }),
  };
}

/** Primary and secondary interfaces; those that are not in the table are left out. */
function hfiIndexesOf(table: NbftTable, at: number, index: number, known: ReadonlySet<number>): number[] {
  const secondary = table.object(at + 48, `interfaces of subsystem ${index}`) ?? new Uint8Array(0);
  const wanted = new Set([table.view.getUint8(at + 46), ...secondary]);
  wanted.delete(0);
  return [...wanted].filter((hfi) => {
    if (!known.has(hfi)) table.warn(at, `subsystem ${index} refers to HFI ${hfi}, which does not exist`);
    return known.has(hfi);
  });
}

function decodeSubsystem(table: NbftTable, at: number, hfis: ReadonlySet<number>): NbftSubsystem | undefined {
  const { view } = table;
  const index = view.getUint16(at + 1, true);
  const flags = view.getUint16(at + 3, true);
  const trtype = view.getUint8(at + 5);
  const trflags = view.getUint16(at + 6, true);
  if (trtype !== TCP) return table.warn(at, `subsystem ${index} has transport ${trtype}, only TCP is known`);
  const address = table.object(at + 10, `address of subsystem ${index}`);
  const trsvcid = table.text(at + 16, `port of subsystem ${index}`);
  const nqn = table.text(at + 54, `NQN of subsystem ${index}`);
  if (address === undefined || trsvcid === undefined || nqn === undefined) return undefined;
  if (address.length !== 16) {
    return table.warn(at, `address of subsystem ${index} has ${address.length} bytes, not 16`);
  }
  const more = (flags & 0x10) === 0
    ? undefined
    : extension(table, at + 60, `extension of subsystem ${index}`, 18, 9);
  const start = more === undefined ? 0 : more.byteOffset - table.bytes.byteOffset;
  const ours = more?.getUint16(2, true) === index && (more.getUint32(4, true) & VALID) !== 0
    ? more
    : undefined;
  return {
    index,
    trtype,
    traddr: nbftIp(address),
    trsvcid,
    nqn,
    portId: view.getUint16(at + 22, true),
    nsid: view.getUint32(at + 24, true),
    nidType: view.getUint8(at + 28),
    nid: table.bytes.slice(at + 29, at + 45),
    hdrDigest: (trflags & 3) === 3,
    dataDigest: (trflags & 5) === 5,
    discoveryIndex: view.getUint8(at + 8),
    securityIndex: view.getUint8(at + 45),
    hfiIndexes: hfiIndexesOf(table, at, index, hfis),
    discovered: (flags & 0x40) !== 0,
    unavailable: ((flags >>> 7) & 3) === 2,
    controllerId: ours?.getUint16(8, true) ?? 0,
    asqsz: ours !== undefined && (ours.getUint32(4, true) & 2) !== 0 ? ours.getUint16(10, true) : 0,
    dhcpRootPath: ours === undefined ? "" : table.text(start + 12, `root path of subsystem ${index}`) ?? "",
  };
}

function decodeSecurity(table: NbftTable, at: number): NbftSecurity | undefined {
  const index = table.view.getUint8(at + 1);
  const keyPath = table.text(at + 36, `key path of security descriptor ${index}`);
  return keyPath === undefined ? undefined : {
    index,
    flags: table.view.getUint16(at + 2, true),
    secretType: table.view.getUint8(at + 4),
    keyPath,
  };
}

function decodeDiscovery(table: NbftTable, at: number): NbftDiscovery | undefined {
  const index = table.view.getUint8(at + 2);
  const uri = table.text(at + 6, `URI of discovery descriptor ${index}`);
  const nqn = table.text(at + 12, `NQN of discovery descriptor ${index}`);
  if (uri === undefined || nqn === undefined) return undefined;
  return {
    index,
    hfiIndex: table.view.getUint8(at + 3),
    securityIndex: table.view.getUint8(at + 4),
    uri,
    nqn: nqn === "" ? WELL_KNOWN_DISC_NQN : nqn,
  };
}

/** The readable ones, by index. Repeated indexes stay: each may be the storage that the host runs from. */
function ordered<T extends { readonly index: number }>(
  table: NbftTable,
  places: readonly number[],
  decode: (at: number) => T | undefined,
): T[] {
  const found: T[] = [];
  for (const at of places) {
    const one = decode(at);
    if (one === undefined) continue;
    if (found.some(({ index }) => index === one.index)) table.warn(at, `index ${one.index} occurs twice`);
    found.push(one);
  }
  return found.sort((a, b) => a.index - b.index);
}

/**
 * The table of one file in `/sys/firmware/acpi/tables/NBFT*`. An inconsistent frame makes the whole table invalid; a
 * single invalid descriptor is left out with a warning.
 */
export function decodeNbft(bytes: Uint8Array): Decoded<Nbft> {
  const opened = openNbft(bytes);
  if (!opened.ok) return malformed(opened.at, opened.problem);
  const table = opened.value;
  if (table === undefined) return decoded({ ...EMPTY, warnings: ["NBFT: the table marks itself as void"] });
  const host = decodeHost(table);
  const hfis = ordered(table, descriptors(table, "hfi", 3, 2), (at) => decodeHfi(table, at));
  const known = new Set(hfis.map(({ index }) => index));
  const subsystems = ordered(
    table,
    descriptors(table, "subsystem", 4, 3),
    (at) => decodeSubsystem(table, at, known),
  );
  const security = ordered(table, descriptors(table, "security", 5, 2), (at) => decodeSecurity(table, at));
  const discovery = ordered(table, descriptors(table, "discovery", 6, 1), (at) => decodeDiscovery(table, at));
  return decoded({ host, hfis, subsystems, security, discovery, warnings: table.warnings });
}
