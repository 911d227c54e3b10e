/** The network and its controllers: their addresses, and their behaviour towards this host. */
import { canonicalIp, parseIp, scopeOf } from "../nvme/address.ts";
import type { InterfaceTable } from "../nvme/kernel_ctrl.ts";
import type { TlsDemand } from "../nvme/entry_tls.ts";
import type { Transport } from "../nvme/tid.ts";
import type { Discovery } from "./discovery.ts";

/**
 * How a controller reacts to a connection: it works; nothing answers; the port is closed; the peer accepts and stays
 * silent (10 s); it answers all but the last command (61 s); or it refuses this host permanently.
 */
export type Manner = "up" | "silent" | "closed" | "mute" | "stuck" | "forbidding";

export interface Address {
  readonly transport: Transport;
  readonly traddr: string;
  readonly trsvcid: string;
}

export interface Interface {
  readonly name: string;
  readonly index: number;
  readonly mac: string;
  /** First of a family: the address that connections come from. */
  readonly v4: readonly string[];
  readonly v6: readonly string[];
  /** Prefixes of the addresses that are reached through it. */
  readonly nets: readonly string[];
  /** Other names that the kernel accepts for it; the table of interfaces does not show them. */
  readonly altnames?: readonly string[];
  /** An interface without an address of its own sends from this one, which is on another. */
  readonly borrowed?: string;
}

/** One controller that can be connected to: an NQN at an address. */
export class Target {
  readonly address: Address;
  readonly nqn: string;
  manner: Manner = "up";
  /** The discovery service behind it; undefined for a subsystem with namespaces. */
  discovery: Discovery | undefined;
  /** A subsystem that has no namespaces (yet). */
  isEmpty = false;
  /** A connection with TLS can be made; without it, one that wants TLS fails. */
  offersTls = true;
  /** The TLS demand for it in log pages. */
  listsTls: TlsDemand = "none";
  /** A connection without TLS is refused. */
  refusesClear = false;
  /** Its key differs from this host's. */
  hasOtherKey = false;
  /** The host has to authenticate with this key; undefined: it need not. */
  secret: string | undefined;
  /** Like Identify before NVMe 1.4: it does not report its type. */
  tellsNoType = false;
  /** The ANA state of its namespaces: `optimized`, `inaccessible`...; empty without ANA. */
  anaState = "";

  constructor(address: Address, nqn: string) {
    this.address = address;
    this.nqn = nqn;
  }

  /** Its name in `explain` and in the stories. */
  get text(): string {
    return `${this.address.traddr}:${this.address.trsvcid} ${this.nqn}`;
  }
}

export type Route =
  | { readonly ok: true; readonly iface: string; readonly source: string }
  | { readonly ok: false; readonly errno: "ENODEV" | "ENETUNREACH" | "EADDRNOTAVAIL" | "ENOENT" };

const isFc = (traddr: string): boolean => traddr.startsWith("nn-");

const canonical = (traddr: string): string => canonicalIp(traddr) ?? traddr.toLowerCase();

export class Fabric {
  readonly targets: Target[] = [];
  readonly #interfaces = new Map<string, { readonly iface: Interface; up: boolean }>();
  readonly #fcPorts = new Set<string>();
  #watchers: (() => void)[] = [];

  /** A remote port of this host's FC adapter logs in or out. This does not affect the controllers behind it. */
  setFcPort(traddr: string, online: boolean): void {
    if (online) this.#fcPorts.add(traddr);
    else this.#fcPorts.delete(traddr);
    this.#changed();
  }

  addInterface(iface: Interface): void {
    this.#interfaces.set(iface.name, { iface, up: true });
    this.#changed();
  }

  setLink(name: string, up: boolean): void {
    const found = this.#interfaces.get(name);
    if (found === undefined || found.up === up) return;
    found.up = up;
    this.#changed();
  }

  /** `ip link set OLD name NOW`. */
  rename(old: string, now: string): void {
    const found = this.#interfaces.get(old);
    if (found === undefined) return;
    this.#interfaces.delete(old);
    this.#interfaces.set(now, { iface: { ...found.iface, name: now }, up: found.up });
    this.#changed();
  }

  /** Calls `changed` after each change of interfaces. */
  watch(changed: () => void): void {
    this.#watchers.push(changed);
  }

  /** A network event without any change. */
  touch(): void {
    this.#changed();
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** The host's interfaces, as its kernel reports them. An interface without a link keeps its addresses. */
  get interfaces(): InterfaceTable {
    return new Map(
      [...this.#interfaces.values()].map(({ iface: { name, index, mac, v4, v6 }, up }) =>
        [name, { index, mac, up, v4, v6 }] as const
      ),
    );
  }

  add(target: Target): Target {
    this.targets.push(target);
    return target;
  }

  /** All targets at an address; one that is reached by RDMA has no TCP port there. */
  at(transport: string, traddr: string, trsvcid: string): readonly Target[] {
    return this.targets.filter(({ address }) =>
      address.transport === transport && canonical(address.traddr) === canonical(traddr) &&
      address.trsvcid === trsvcid
    );
  }

  /** How packets to an address leave this host. */
  route(traddr: string, hostIface: string, hostTraddr: string): Route {
    if (isFc(traddr)) {
      return this.#fcPorts.has(traddr) ? { ok: true, iface: "", source: "" } : { ok: false, errno: "ENOENT" };
    }
    const address = canonical(traddr);
    const wanted = hostIface || scopeOf(traddr);
    const all = [...this.#interfaces.values()];
    const isWanted = ({ name, altnames = [] }: Interface): boolean =>
      wanted === "" || name === wanted || altnames.includes(wanted);
    if (!all.some(({ iface }) => isWanted(iface))) return { ok: false, errno: "ENODEV" };
    for (const { iface, up } of all) {
      if (!up || !isWanted(iface)) continue;
      if (!iface.nets.some((net) => address.startsWith(net))) continue;
      const addresses = parseIp(address)?.family === 6 ? iface.v6 : iface.v4;
      const own = addresses.length > 0 || iface.borrowed === undefined ? addresses : [iface.borrowed];
      const source = hostTraddr === "" ? own[0] : own.find((one) => canonical(one) === canonical(hostTraddr));
      if (source !== undefined) return { ok: true, iface: iface.name, source };
      if (hostTraddr !== "") return { ok: false, errno: "EADDRNOTAVAIL" };
    }
    return { ok: false, errno: "ENETUNREACH" };
  }

  /** The interface with this name has a link. */
  isUp(name: string): boolean {
    return this.#interfaces.get(name)?.up ?? false;
  }
}
