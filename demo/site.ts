/** The storage and the host of the demo: what is on the simulated network, and the files in the host's /etc. */
import { WELL_KNOWN_DISC_NQN } from "../src/lib/nvme/tid.ts";
import { Discovery, entryFor } from "../src/lib/sim/discovery.ts";
import type { Address, Target } from "../src/lib/sim/fabric.ts";
import { RealTime } from "../src/lib/sim/scheduler.ts";
import { World } from "../src/lib/sim/world.ts";

/** One storage system: a discovery controller and the subsystems behind it. */
export interface StorageArray {
  readonly name: string;
  readonly dc: Target;
  readonly discovery: Discovery;
}

export interface Site {
  readonly world: World;
  /** Announces itself by mDNS. */
  readonly alpha: StorageArray;
  /** Stands in stafd.conf. */
  readonly beta: StorageArray;
  /** Both arrays have a path to it. */
  readonly orders: readonly [alpha: Target, beta: Target];
  readonly archive: Target;
  /** Listed by beta, but switched off. */
  readonly backup: Target;
  /** Not listed at the start. */
  readonly payroll: Target;
}

const nqn = (name: string): string => `nqn.2025-01.com.example:${name}`;
const at = (traddr: string, trsvcid: string): Address => ({ transport: "tcp", traddr, trsvcid });
const HOST_ID = "5f1f9c3e-6d0a-4c55-9d3c-2f8f3f6b7a10";

function fillHost(world: World): void {
  const net = (name: string, index: number, n: number) => ({
    name,
    index,
    mac: `02:00:00:00:00:0${index}`,
    v4: [`192.168.${n}.5`],
    v6: [],
    nets: [`192.168.${n}.`],
  });
  world.fabric.addInterface(net("eth0", 2, 10));
  world.fabric.addInterface(net("eth1", 3, 20));
  world.files.set("/etc/nvme/hostnqn", `nqn.2014-08.org.nvmexpress:uuid:${HOST_ID}\n`);
  world.files.set("/etc/nvme/hostid", `${HOST_ID}\n`);
  world.files.set(
    "/etc/stas/stafd.conf",
    "[Controllers]\ncontroller = transport=tcp;traddr=192.168.20.10;trsvcid=8009\n",
  );
  // The demo shows a removal: nobody watches it for the quarter of an hour that a page is young.
  world.files.set(
    "/etc/stas/stacd.conf",
    "[I/O controller connection management]\nyoung-page-soak = 0\n",
  );
}

export function buildSite(): Site {
  const world = new World(new RealTime(), 1, Date.now());
  fillHost(world);
  const orders = [
    world.addSubsystem(at("192.168.10.11", "4420"), nqn("orders")),
    world.addSubsystem(at("192.168.20.11", "4420"), nqn("orders")),
  ] as const;
  const archive = world.addSubsystem(at("192.168.10.12", "4420"), nqn("archive"));
  const backup = world.addSubsystem(at("192.168.20.13", "4420"), nqn("backup"));
  world.setManner(backup, "silent");
  const payroll = world.addSubsystem(at("192.168.10.14", "4420"), nqn("payroll"));

  const array = (name: string, address: Address, listed: readonly Target[]): StorageArray => {
    const discovery = new Discovery("ddc", listed.map((target) => entryFor(target, "nvme")));
    return { name, dc: world.addDiscovery(address, nqn(`${name}.discovery`), discovery), discovery };
  };
  const alpha = array("alpha", at("192.168.10.10", "8009"), [orders[0], archive]);
  const beta = array("beta", at("192.168.20.10", "8009"), [orders[1], backup]);
  world.avahi.announce({
    hostIface: "eth0",
    name: "alpha",
    traddr: alpha.dc.address.traddr,
    port: Number(alpha.dc.address.trsvcid),
    txt: ["p=tcp", `NQN=${WELL_KNOWN_DISC_NQN}`],
  });
  return { world, alpha, beta, orders, archive, backup, payroll };
}
