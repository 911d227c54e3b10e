/** A site of a real size: 60 subsystems and 118 paths over four discovery controllers on two networks, and a dead one. */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { line, type Site, withSite } from "./site.ts";

export const SUBSYSTEMS = 60;
export const nqn = (n: number): string =>
  "nqn.1992-08.com.example:storage-array-with-a-serial-number-of-its-own-00000000000042:" +
  `virtual-machine-of-the-finance-department:finance-lun-${String(n).padStart(4, "0")}`;

/** The array's four discovery controllers, two on each network, each for one half of the subsystems; and one that is dead. */
export const DCS = ["10.0.0.101", "10.0.0.102", "fd01::101", "fd01::102"];
export const STAFD = line(...[...DCS, "10.0.0.199"].map((traddr) => `traddr=${traddr}`));

export interface Big extends Site {
  /** By network, then subsystem. */
  readonly targets: readonly (readonly Target[])[];
  /** A screen of it. */
  screen(command: string, columns: number): Promise<readonly string[]>;
}

export function withBigSite(test: (site: Big) => Promise<void>): Promise<void> {
  return withSite(async (site) => {
    const { stage } = site;
    stage.world.fabric.addInterface({
      name: "eth1",
      index: 3,
      mac: "02:00:00:00:00:02",
      v4: [],
      v6: ["fd01::2"],
      nets: ["fd01:"],
    });
    // The second network is another one than the first one's.
    stage.world.fabric.addInterface({
      name: "eth0",
      index: 2,
      mac: "02:00:00:00:00:01",
      v4: ["10.0.0.1"],
      v6: [],
      nets: ["10.0."],
    });
    const targets = [0, 1].map((side) =>
      Array.from(
        { length: side === 0 ? SUBSYSTEMS : SUBSYSTEMS - 2 },
        (_, n) => stage.subsystem(nqn(n), side === 0 ? `10.0.1.${n + 1}` : `fd01::1:${(n + 1).toString(16)}`),
      )
    );
    for (const [k, traddr] of DCS.entries()) {
      const listed = (targets[k < 2 ? 0 : 1] ?? []).filter((_, n) => (n < SUBSYSTEMS / 2) === (k % 2 === 0));
      stage.dc(`nqn.dc-${k}`, traddr, listed.map((target) => entryFor(target, "nvme")));
    }
    stage.stafdConf(STAFD);
    stage.stacdConf("");
    await stage.start(120_000);
    assert.equal(stage.world.kernel.devices.all.length, 118 + DCS.length);
    await test({
      ...site,
      targets,
      screen: async (command, columns) => {
        const { out } = await site.run(command, {
          terminal: true,
          columns,
          env: { NO_COLOR: "1", PAGER: "cat" },
        });
        return out.trimEnd().split("\n");
      },
    });
  });
}
