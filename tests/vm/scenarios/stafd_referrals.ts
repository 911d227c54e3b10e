/** stafd follows referrals and notifications, and drops what no page refers to any more. */
import assert from "node:assert/strict";
import { start, untilDiscovering } from "../fabric.ts";
import {
  at,
  configure,
  confOf,
  connections,
  listed,
  recordSignals,
  untilListed,
  untilPublished,
  untilSignal,
} from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const ONE = "192.0.2.11:8009";
const TWO = "192.0.2.12:8009";

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2 --dcs 2 && nvmet-lab add two 2");
  await configure(guest, confOf(["transport=tcp;traddr=192.0.2.11"]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE]);
  const first = await connections(guest);
  const one = at(await listed(guest), "192.0.2.11");
  await untilPublished(guest, one, ["sub-001", "sub-002"]);

  await guest.run("nvmet-lab add extra 1");
  await untilPublished(guest, one, ["extra", "sub-001", "sub-002"]);
  await guest.run("nvmet-lab rm extra");
  await untilPublished(guest, one, ["sub-001", "sub-002"]);

  await guest.run("nvmet-lab referral-add 1 there 192.0.2.12");
  await untilDiscovering(guest, [ONE, TWO]);
  const list = await untilListed(guest, "the one referred to", (found) => found.length === 2);
  const two = at(list, "192.0.2.12");
  assert.equal(two["origin"], "referral");
  await untilPublished(guest, two, ["two"]);

  // A notification of the one that was referred to; then it refers back.
  await guest.run("nvmet-lab add more 2");
  await untilPublished(guest, two, ["more", "two"]);
  const both = await connections(guest);
  await guest.run("nvmet-lab referral-add 2 back 192.0.2.11");
  await guest.always(
    "a circle of referrals makes no third connection",
    "ls -d /sys/class/nvme/nvme* | wc -l",
    (out) => out === "2\n",
    { seconds: 4 },
  );
  assert.equal(await connections(guest), both);
  assert.equal(at(await listed(guest), "192.0.2.11")["origin"], "configured");

  await recordSignals(guest);
  await guest.run("nvmet-lab referral-rm 1 there");
  await untilDiscovering(guest, [ONE]);
  await untilSignal(guest, "dc_removed");
  assert.deepEqual((await listed(guest)).map((entry) => entry["traddr"]), ["192.0.2.11"]);
  assert.equal(await connections(guest), first, "the controller that referred was connected again");
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: notifications and referrals", ofOurs: true, slow: true, run },
];
