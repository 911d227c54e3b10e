/** stacd connects what stafd finds; the block devices work, and both control tools show it. */
import assert from "node:assert/strict";
import { call, entries, start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { AVAHI } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, writeAndReadBack } from "../storage.ts";

const NAMES = ["sub-001", "sub-002", "sub-003"];

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 3 && nvmet-lab mdns-up 1");
  await start(guest, "stafd", "stacd");
  const connected = await untilConnected(guest, NAMES);
  for (const name of NAMES) await writeAndReadBack(guest, name, await untilBlockDevice(guest, name));

  const listed = entries(await call(guest, "stac", "list_controllers", "b", ["false"]));
  const devices = connected.filter((c) => !c.discovery).map((c) => c.device).sort();
  assert.deepEqual(listed.map((entry) => entry["device"] ?? "").sort(), devices);

  const stac = await guest.run("stacctl ls");
  const staf = await guest.run("stafctl ls");
  for (const name of NAMES) {
    assert.ok(stac.includes(`nqn.2024-01.io.example:${name}`), `stacctl ls:\n${stac}`);
  }
  for (const device of devices) assert.ok(stac.includes(device), `stacctl ls shows ${device}:\n${stac}`);
  assert.ok(staf.includes("192.0.2.11"), `stafctl ls:\n${staf}`);
}

export const scenario: Scenario = { name: "connection of what is listed", needs: AVAHI, run };
