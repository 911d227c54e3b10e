/** A site with two arrays, each with a path to every one of many subsystems. */
import { entryFor } from "../../src/lib/sim/discovery.ts";
import { Discovery } from "../../src/lib/sim/discovery.ts";
import type { Target } from "../../src/lib/sim/fabric.ts";
import { RealTime } from "../../src/lib/sim/scheduler.ts";
import { World } from "../../src/lib/sim/world.ts";

export interface TwoArrays {
  readonly world: World;
  /** By subsystem: its path on eth0, and that on eth1. */
  readonly paths: readonly (readonly [Target, Target])[];
  readonly dcs: readonly [Target, Target];
}

export const nqnOf = (n: number): string => `nqn.2025-01.com.example:volume-${String(n).padStart(3, "0")}`;

/** `name` gives subsystem n its NQN. */
export function twoArrays(count: number, name: (n: number) => string = nqnOf): TwoArrays {
  const world = new World(new RealTime(), 1, Date.now());
  for (const side of [0, 1]) {
    world.fabric.addInterface({
      name: `eth${side}`,
      index: side + 2,
      mac: `02:00:00:00:00:0${side + 2}`,
      v4: [`10.${side}.0.5`],
      v6: [],
      nets: [`10.${side}.`],
    });
  }
  const id = "5f1f9c3e-6d0a-4c55-9d3c-2f8f3f6b7a10";
  world.files.set("/etc/nvme/hostnqn", `nqn.2014-08.org.nvmexpress:uuid:${id}\n`);
  world.files.set("/etc/nvme/hostid", `${id}\n`);
  const port = (side: number, n: number): Target =>
    world.addSubsystem(
      { transport: "tcp", traddr: `10.${side}.${1 + (n >> 7)}.${1 + (n & 127)}`, trsvcid: "4420" },
      name(n),
    );
  const paths = Array.from({ length: count }, (_, n) => [port(0, n), port(1, n)] as const);
  const dc = (side: 0 | 1): Target => {
    const discovery = new Discovery("ddc", paths.map((both) => entryFor(both[side], "nvme")));
    return world.addDiscovery(
      { transport: "tcp", traddr: `10.${side}.0.10`, trsvcid: "8009" },
      `nqn.2025-01.com.example:array-${side}`,
      discovery,
    );
  };
  const dcs = [dc(0), dc(1)] as const;
  world.files.set(
    "/etc/stas/stafd.conf",
    "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.10;trsvcid=8009\n" +
      "controller = transport=tcp;traddr=10.1.0.10;trsvcid=8009\n",
  );
  world.files.set(
    "/etc/stas/stacd.conf",
    "[Global]\nreconnect-delay = 1\n[I/O controller connection management]\nyoung-page-soak = 0\n",
  );
  return { world, paths, dcs };
}
