/** Both daemons in a world without faults: what is listed is connected at once, what is no longer listed goes. */
import assert from "node:assert/strict";
import { Discovery, entryFor } from "../../src/lib/sim/discovery.ts";
import { VirtualTime } from "../../src/lib/sim/scheduler.ts";
import { World } from "../../src/lib/sim/world.ts";
import { realCores } from "./cores.ts";
import { STACD_CONF, StacdDaemon, STAFD_CONF, StafdDaemon, type Watch } from "./daemons.ts";
import { hostFiles } from "./landscape.ts";

const NETS = { index: 2, mac: "02:00:00:00:00:01", v4: ["10.0.0.1"], v6: [], nets: ["10.0."] };

Deno.test("a listed subsystem is connected within a second, and disconnected when it is no longer listed", async () => {
  const time = new VirtualTime();
  const world = new World(time, 1);
  world.fabric.addInterface({ name: "eth0", ...NETS });
  const first = world.addSubsystem({ transport: "tcp", traddr: "10.0.1.1", trsvcid: "4420" }, "nqn.first");
  const second = world.addSubsystem({ transport: "tcp", traddr: "10.0.1.2", trsvcid: "4420" }, "nqn.second");
  const discovery = new Discovery("ddc", [entryFor(first, "nvme")]);
  world.addDiscovery({ transport: "tcp", traddr: "10.0.0.100", trsvcid: "8009" }, "nqn.dc", discovery);
  world.files.set(STAFD_CONF, "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n");
  // The first page is young.
  world.files.set(STACD_CONF, "[I/O controller connection management]\nyoung-page-soak = 0\n");
  hostFiles(world);
  const watch: Watch = {
    around: () => "go",
    failed: (error) => {
      throw error;
    },
  };
  const stafd = new StafdDaemon(world, realCores.stafd, watch);
  const stacd = new StacdDaemon(world, realCores.stacd, watch);
  const connected = (): string[] =>
    world.kernel.devices.all.map(({ target }) => target?.nqn ?? "").toSorted();
  stafd.start();
  stacd.start();

  await time.runUntil({ mono: 1_000 });
  assert.deepEqual(connected(), ["nqn.dc", "nqn.first"]);
  discovery.edit([entryFor(second, "nvme")], time.now.mono);
  await time.runUntil({ mono: 1_900 });
  assert.deepEqual(connected(), ["nqn.dc", "nqn.first", "nqn.second"]);
  // The first was connected for no event; the second was, within a second of it.
  const { counts, sum } = stacd.state.latency;
  assert.equal(counts.reduce((all, count) => all + count), 1);
  assert.ok(sum > 0 && sum <= 900, `${sum} ms`);
  await time.runUntil({ mono: 5_000 });
  assert.deepEqual(connected(), ["nqn.dc", "nqn.second"]);
});
