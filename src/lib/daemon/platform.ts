/** The platform below the wiring of the daemons: this machine (`linux/`), or a simulated one (`sim/`). */
import type { Transport } from "../nvme/tid.ts";
import type { TlsHost } from "../nvme/tls_host.ts";
import type { Bus, BusError } from "../dbus/bus.ts";
import type { InterfaceTable } from "../nvme/kernel_ctrl.ts";
import type { Nbft } from "../nvme/nbft.ts";
import type { Exclusions, Kernel, Mdns, Resolver, StateFile, Storage, Units } from "../ports.ts";
import type { ReadDevice } from "./devices_now.ts";
import type { RunPlatform } from "./run_daemon.ts";

/** The kernel's side, opened after all checks that can refuse a start. */
export interface OpenKernel {
  readonly kernel: Kernel;
  /** The connect options that the kernel supports. */
  readonly fabrics: { support(): Promise<{ has(option: string): boolean }> };
  readonly close: () => Promise<void>;
}

export interface Platform extends RunPlatform {
  readonly stateFile: StateFile;
  readonly resolver: Resolver;
  readonly exclusions: Exclusions;
  readonly transports: () => ReadonlySet<Transport>;
  readonly tls: () => TlsHost;
  /** The boot firmware's tables. */
  readonly nbft: () => readonly { readonly file: string; readonly nbft: Nbft }[];
  readonly interfaces: () => InterfaceTable;
  readonly readDevice: ReadDevice;
  readonly storage: Storage;
  readonly openKernel: () => OpenKernel;
}

/** mDNS by a daemon on the bus. */
export interface BusMdns extends Mdns {
  attach(bus: Bus): Promise<BusError | undefined>;
  lost(): void;
}

/** Parts that only stafd needs. */
export interface StafdPlatform extends Platform {
  readonly mdns: BusMdns;
  readonly units: Units;
  readonly udevRule: { install(): Promise<void>; remove(): Promise<void> };
}

/** Facts about the kernel that are needed before anything is built. */
export async function openedKernel(
  platform: Platform,
  facts: { supportsDiscovery: boolean; supportsHostIface: boolean },
): Promise<OpenKernel> {
  const opened = platform.openKernel();
  const support = await opened.fabrics.support();
  facts.supportsDiscovery = support.has("discovery");
  facts.supportsHostIface = support.has("host_iface");
  return opened;
}
