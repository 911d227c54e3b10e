/** The boot table's controllers, for the daemons (requirements 20; STAC-47). */
import { isTransport, normaliseTid, type Tid, type Transport } from "./tid.ts";
import type { InterfaceTable } from "./kernel_ctrl.ts";
import { interfaceOfMac } from "./match.ts";
import type { Nbft, NbftHfi } from "./nbft.ts";
import { quoted } from "../base/plain_text.ts";

export interface NbftTarget {
  readonly tid: Tid;
  /** TID-8: the table's Host ID when its host NQN is used; empty stands for the system's. */
  readonly hostId: string;
}

export interface NbftBootTarget extends NbftTarget {
  readonly hdrDigest: boolean;
  readonly dataDigest: boolean;
  /** The firmware could not reach it. */
  readonly unavailable: boolean;
}

export interface NbftTargets {
  /** Discovery controllers to connect to (STAF-12). */
  readonly discovery: readonly NbftTarget[];
  /** Connections that the host may have booted from: never disconnected, never made by us for this reason (STAC-47). */
  readonly boot: readonly NbftBootTarget[];
  /** Entries that were skipped, and why. */
  readonly warnings: readonly string[];
}

/** Where a discovery URI points to. */
export interface DiscoveryUri {
  readonly transport: Transport;
  /** Lower case, without brackets; an address or a name. */
  readonly host: string;
  /** Empty when not given. */
  readonly port: string;
}

const URI =
  /^nvme\+([a-z]+):\/\/(\[[0-9a-f:.]+(?:%[^\]\s/@[]+)?\]|[^\s:/?#@%[\]]+)(?::([0-9]{0,5}))?(?:[/?#]\S*)?$/i;

/** `nvme+tcp://host[:port]/...`; undefined when it is not of that form. */
export function parseDiscoveryUri(uri: string): DiscoveryUri | undefined {
  const [, scheme, host, port] = URI.exec(uri) ?? [];
  const transport = scheme?.toLowerCase() ?? "";
  if (host === undefined || !isTransport(transport)) return undefined;
  if (port !== undefined && port !== "" && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  // RFC 6874: the percent sign before a scope is written as %25.
  return {
    transport,
    host: host.replace(/^\[|\]$/g, "").replace(/%25/, "%").toLowerCase(),
    port: port ?? "",
  };
}

/** The interface of this host that the firmware used; empty when it cannot be told. */
function ifaceOf(hfi: NbftHfi | undefined, interfaces: InterfaceTable): string {
  // A MAC address of zeros means that none is given; as an address it would be that of the loopback interface.
  if (hfi === undefined || /^[0:]*$/.test(hfi.mac)) return "";
  return interfaceOfMac(hfi.mac, hfi.vlan, interfaces);
}

/** `hostNqn` is the system's, used when the table has none of its own. */
export function nbftTargets(nbft: Nbft, interfaces: InterfaceTable, hostNqn: string): NbftTargets {
  const warnings: string[] = [...nbft.warnings];
  const { host } = nbft;
  const ours = host?.nqnConfigured === true && host.nqn !== "";
  const defaults = { hostNqn: ours ? host.nqn : hostNqn, ignoreIface: false };
  const hostId = ours && host.idConfigured ? host.hostId : "";
  const iface = (index: number | undefined) =>
    ifaceOf(nbft.hfis.find((hfi) => hfi.index === index), interfaces);
  const discovery: NbftTarget[] = [];
  for (const entry of nbft.discovery) {
    const uri = parseDiscoveryUri(entry.uri);
    if (uri === undefined) {
      warnings.push(
        `NBFT: discovery entry ${entry.index} is skipped: ${quoted(entry.uri)} is no nvme+tcp:// URI`,
      );
      continue;
    }
    const tid = normaliseTid({
      transport: uri.transport,
      traddr: uri.host,
      trsvcid: uri.port,
      subsysnqn: entry.nqn,
      hostIface: iface(entry.hfiIndex),
    }, defaults);
    discovery.push({ tid, hostId });
  }
  const boot = nbft.subsystems.map((entry): NbftBootTarget => {
    const tid = normaliseTid({
      transport: "tcp",
      traddr: entry.traddr,
      trsvcid: entry.trsvcid,
      subsysnqn: entry.nqn,
      hostIface: iface(entry.hfiIndexes[0]),
    }, defaults);
    const { hdrDigest, dataDigest, unavailable } = entry;
    return { tid, hostId, hdrDigest, dataDigest, unavailable };
  });
  return { discovery, boot, warnings };
}
