/**
 * A thousand subsystems at four ports, one of them dead, listed by one discovery controller: the dead port holds up none of
 * the others, and what is there is followed once it answers. A restart of both daemons makes no connection again, and both
 * stay below 60 MB.
 */
import assert from "node:assert/strict";
import { configureStacd, configureStafd } from "../stacd.ts";
import { start } from "../fabric.ts";
import { connections, FAKE, fakeUp, now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const PATHS = 1024;
const PORTS = ["192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14"];
const DEAD = "192.0.2.14";
const OF_A_PORT = PATHS / PORTS.length;
/** kB of each daemon. */
const LIMIT = 60 * 1024;
/** The kernel alone takes minutes for so many in an emulated machine. */
const SLOWLY = { seconds: 900 };

const LIVE = "grep -lx live /sys/class/nvme/nvme*/state | wc -l";
const liveAt = (count: number) => (out: string): boolean => Number(out) === count;

/** Of both daemons, in kB: the memory that is theirs, and their share of what they have in common. */
async function memory(guest: Guest): Promise<readonly number[]> {
  const text = await guest.run(
    "for d in stafd stacd; do sed -n 's/^Pss: *\\([0-9]*\\) kB/\\1/p' /proc/$(systemctl show -P MainPID $d)/smaps_rollup; done",
  );
  return text.trim().split("\n").map(Number);
}

const seconds = async (guest: Guest, act: () => Promise<void>): Promise<number> => {
  const before = Number(await now(guest));
  await act();
  return Math.round(Number(await now(guest)) - before);
};

async function run(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab up ${PATHS} --dcs ${PORTS.length} --spread`);
  await fakeUp(guest, { entries: PATHS, listed: PORTS });
  await guest.run(`ip -n tgt address del ${DEAD}/24 dev tgt0`);
  await configureStafd(guest, [FAKE]);
  await configureStacd(guest, { global: ["nr-io-queues = 1"] });
  await start(guest, "stafd", "stacd");
  const processes = "systemctl show -P MainPID -P NRestarts stafd stacd";
  const begun = await guest.run(processes);
  const answering = await seconds(guest, async () => {
    await guest.until("all but those of the dead port are live", LIVE, liveAt(PATHS - OF_A_PORT + 1), SLOWLY);
  });
  await guest.run(`ip -n tgt address add ${DEAD}/24 dev tgt0`);
  const late = await seconds(guest, async () => {
    await guest.until("those of the dead port, too", LIVE, liveAt(PATHS + 1), SLOWLY);
  });
  assert.equal(await guest.run(processes), begun, "a daemon was started again");
  const made = await connections(guest);
  const adopted = await seconds(guest, async () => {
    await guest.run("systemctl restart stafd stacd");
    await guest.until(
      "stacd has taken all of them over",
      "stacctl ls | grep -c fake-",
      liveAt(PATHS),
      SLOWLY,
    );
  });
  assert.equal(await connections(guest), made, "connections were made again");
  const used = await memory(guest);
  console.log(
    `        ${
      PATHS - OF_A_PORT
    } live after ${answering} s, the dead port's after ${late} s, restarted in ${adopted} s; ` +
      `Pss of stafd and stacd, in kB: ${used.join(", ")}`,
  );
  for (const kB of used) assert.ok(kB < LIMIT, `${kB} kB`);
}

export const scenarios: readonly Scenario[] = [
  { name: "a thousand paths, a dead port", ofOurs: true, slow: true, run },
];
