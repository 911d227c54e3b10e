/** A subsystem added at the target appears as a block device, one removed disappears, with no one doing anything. */
import assert from "node:assert/strict";
import { start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { AVAHI } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, untilNoBlockDevice, writeAndReadBack } from "../storage.ts";

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2 && nvmet-lab mdns-up 1");
  await start(guest, "stafd", "stacd");
  const before = await untilConnected(guest, ["sub-001", "sub-002"]);

  await guest.run("nvmet-lab add extra 1");
  const more = await untilConnected(guest, ["extra", "sub-001", "sub-002"]);
  await writeAndReadBack(guest, "extra", await untilBlockDevice(guest, "extra"));

  await guest.run("nvmet-lab unlink extra 1");
  const after = await untilConnected(guest, ["sub-001", "sub-002"]);
  await untilNoBlockDevice(guest, "extra");

  for (const controller of before) {
    assert.ok(
      more.some((c) => c.device === controller.device && c.nqn === controller.nqn),
      controller.device,
    );
    assert.ok(
      after.some((c) => c.device === controller.device && c.nqn === controller.nqn),
      controller.device,
    );
  }
}

export const scenario: Scenario = { name: "change at the target", needs: AVAHI, run };
