/**
 * Thirty discovery controllers with pages as long as a hostile one makes them, which change all the time: both daemons stay
 * below 150 MB, follow the rightful controller, and none of them is started again (V4).
 */
import assert from "node:assert/strict";
import { configureStacd, nqnOf, ONE } from "../stacd.ts";
import { SOON, start } from "../fabric.ts";
import { configure, confOf, fakeUp } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const HOSTILE = 30;
const ENTRIES = 2_000;
const LIMIT = 150 * 1024;
/** All of it is read in an emulated machine. */
const SLOWLY = { seconds: 240 };
const PORT = 8010;

const addresses = Array.from({ length: HOSTILE }, (_, n) => `192.0.2.${101 + n}`);

const live = (name: string): string =>
  `for c in /sys/class/nvme/nvme*; do grep -qx ${nqnOf(name)} $c/subsysnqn && cat $c/state; done; true`;

/** Of both daemons: the most memory that each has had, in kB. */
async function peaks(guest: Guest): Promise<readonly number[]> {
  const text = await guest.run(
    "for d in stafd stacd; do sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$(systemctl show -P MainPID $d)/status; done",
  );
  return text.trim().split("\n").map(Number);
}

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await guest.run(
    addresses.map((address) => `ip -n tgt address add ${address}/24 dev tgt0`).join(" && "),
  );
  // What they list is refused by the one address, and silent at the other.
  const listed = [ONE, "192.0.2.250"];
  await fakeUp(guest, {
    addr: "0.0.0.0",
    port: PORT,
    entries: ENTRIES,
    long: true,
    apart: true,
    stamp: true,
    listed,
  });
  const lines = [
    ...addresses.map((address) => `transport=tcp;traddr=${address};trsvcid=${PORT}`),
    `transport=tcp;traddr=${ONE};trsvcid=8009`,
  ];
  await configure(guest, confOf(lines));
  await configureStacd(guest, {});
  await start(guest, "stafd", "stacd");
  const processes = "systemctl show -P MainPID -P NRestarts stafd stacd";
  const begun = await guest.run(processes);
  await guest.until("the rightful subsystem is live", live("sub-001"), (out) => out === "live\n", SLOWLY);
  await guest.until(
    "all are connected",
    "fake-cdc show",
    (out) => out.includes(`"connected": ${HOSTILE},`),
    SLOWLY,
  );
  for (let round = 0; round < 3; round++) {
    await guest.run("fake-cdc aen && sleep 20");
  }
  await guest.run("nvmet-lab add late 1");
  await guest.until("the rightful change is followed", live("late"), (out) => out === "live\n", SLOWLY);
  const most = await peaks(guest);
  console.log(`        most memory of stafd and stacd, in kB: ${most.join(", ")}`);
  for (const kB of most) assert.ok(kB < LIMIT, `${kB} kB`);
  assert.equal(await guest.run(processes), begun, "a daemon was started again");
  await guest.until("stacctl answers", "stacctl ls >/dev/null && echo yes", (out) => out === "yes\n", SOON);
}

export const scenarios: readonly Scenario[] = [
  { name: "thirty hostile discovery controllers", ofOurs: true, slow: true, run },
];
