/** Restarting either daemon, stopping stafd for a while, or both, disconnects nothing; nor does a crash. */
import assert from "node:assert/strict";
import { nothingChanges, SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, writeAndReadBack } from "../storage.ts";

const NAMES = ["sub-001", "sub-002", "sub-003"];
/** Longer than the time a removal is soaked for. */
const WATCH = 15;

/** The kernel numbers every connection anew: the same devices with the same instance are the same connections. */
async function connections(guest: Guest): Promise<string> {
  return await guest.run("cd /sys/class/nvme && stat -c '%n %i' $(readlink -f nvme*)");
}

type Step = readonly [what: string, command: string];

const RESTARTS: readonly Step[] = [
  ["restart of stacd", "systemctl restart stacd"],
  ["restart of stafd", "systemctl restart stafd"],
  ["restart of both", "systemctl restart stafd stacd"],
  ["stop of stafd", "systemctl stop stafd"],
  ["start of stafd", "systemctl start stafd"],
  ["stop of both", "systemctl stop stacd stafd"],
];

const CRASHES: readonly Step[] = [
  ["crash of stacd", "systemctl kill -s KILL stacd"],
  ["crash of stafd", "systemctl kill -s KILL stafd"],
];

async function run(guest: Guest, steps: readonly Step[]): Promise<void> {
  await guest.run("nvmet-lab up 3 && nvmet-lab mdns-up 1");
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, ["192.0.2.11:8009"]);
  const before = await untilConnected(guest, NAMES);
  const made = await connections(guest);
  const device = await untilBlockDevice(guest, "sub-001");
  for (const [what, command] of steps) {
    await guest.run(command);
    await nothingChanges(guest, before, WATCH);
    assert.equal(await connections(guest), made, `${what}: connections were made again`);
    await writeAndReadBack(guest, "sub-001", device);
    if (!what.startsWith("stop")) {
      await guest.until(`${what}: units are active`, "systemctl is-active stafd stacd", () => true, SOON);
    }
  }
}

export const restart: Scenario = {
  name: "restart and stop of the daemons",
  run: (guest) => run(guest, RESTARTS),
};

/** Not of the original, which stays down after a crash. */
export const crash: Scenario = {
  name: "crash of the daemons",
  ofOurs: true,
  run: (guest) => run(guest, CRASHES),
};
