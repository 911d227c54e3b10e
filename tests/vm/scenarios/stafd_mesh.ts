/** Discovery controllers that all refer to each other, and a state file that is loaded before each of two crashes. */
import assert from "node:assert/strict";
import { nothingChanges, SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import {
  configure,
  confOf,
  connections,
  FAKE,
  fakeUp,
  journal,
  listed,
  untilListed,
  untilLogged,
} from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const MESH = Array.from({ length: 10 }, (_, n) => `192.0.2.${101 + n}`);
const STATE = "/run/stafd/last-known-config.json";
const ALL = [FAKE, ...MESH].map((traddr) => `${traddr}:8009`).toSorted();

const now = async (guest: Guest): Promise<string> => (await guest.run("date +%s.%N")).trim();

/** One discovery controller in user space at eleven addresses, of which each lists the ten others. */
async function meshUp(guest: Guest): Promise<void> {
  await guest.run(
    "nvmet-lab net && dev=$(ip -n tgt -o addr show | awk '/ 192\\.0\\.2\\.18\\// { print $2 }') && " +
      MESH.map((traddr) => `ip -n tgt addr add ${traddr}/24 dev $dev`).join(" && "),
  );
  await fakeUp(guest, { addr: "0.0.0.0", dctype: "none", subtype: 1, entries: MESH.length, listed: MESH });
}

const kill = async (guest: Guest): Promise<void> => {
  const pid = (await guest.run("systemctl show -P MainPID stafd")).trim();
  await guest.run(`kill -9 ${pid}`);
  await guest.until(
    "systemd has started stafd again",
    "systemctl show -P MainPID stafd; systemctl is-active stafd",
    (out) => out.includes("\nactive\n") && !out.startsWith(`${pid}\n`) && !out.startsWith("0\n"),
    SOON,
  );
};

async function mesh(guest: Guest): Promise<void> {
  const since = await now(guest);
  await meshUp(guest);
  await configure(guest, confOf([`transport=tcp;traddr=${FAKE}`]));
  await start(guest, "stafd");
  await untilDiscovering(guest, ALL);
  await untilListed(guest, "eleven of them", (list) => list.length === 11);
  const made = await connections(guest);

  // Each page changes, and all are read again at once.
  const changed = await now(guest);
  await guest.run("fake-cdc aen");
  await untilLogged(guest, changed, /Received discovery log pages \(num records=10\)/);
  assert.equal((await listed(guest)).length, 11, "it answers");

  await guest.run("systemctl restart stafd");
  await untilListed(guest, "eleven of them after a restart", (list) => list.length === 11);
  assert.equal(await connections(guest), made);

  // The restart in order has left no mark; its own start is the first of the loads that end in a crash.
  await kill(guest);
  await untilListed(guest, "eleven of them after the first crash", (list) => list.length === 11);
  const second = await now(guest);
  await kill(guest);
  await untilLogged(guest, second, /loaded less than 60 s before each of the last 2 crashes/);
  assert.match(await guest.run("ls /run/stafd"), /last-known-config\.json\.set-aside/);
  await untilListed(guest, "eleven of them without the state", (list) => list.length === 11);
  await guest.always(
    "without the state file nothing is disconnected",
    "ls -d /sys/class/nvme/nvme* | wc -l",
    (out) => out === "11\n",
    { seconds: 15 },
  );
  assert.equal(await connections(guest), made, "the very same connections");
  await guest.run(`test -s ${STATE} && test -s ${STATE}.set-aside`);
  assert.doesNotMatch(await journal(guest, since), /watchdog/i);
}

/** `queue_count` tells an I/O controller from a discovery controller also while its link is lost. */
async function queues(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configure(guest, confOf(["transport=tcp;traddr=192.0.2.11"]));
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, ["192.0.2.11:8009"]);
  const before = await untilConnected(guest, ["sub-001"]);
  const command = "cd /sys/class/nvme && for c in nvme*; do " +
    "echo $(cat $c/cntrltype) $([ $(cat $c/queue_count) -gt 1 ] && echo many || echo one); done | sort";
  assert.equal(await guest.run(command), "discovery one\nio many\n");
  await guest.run("nvmet-lab port-down 1");
  await guest.until(
    "the link is lost",
    "cat /sys/class/nvme/nvme*/state",
    (out) => !out.includes("live"),
    SOON,
  );
  assert.equal(await guest.run(command), "discovery one\nio many\n");
  await guest.run("nvmet-lab port-up 1");
  await untilConnected(guest, ["sub-001"]);
  await nothingChanges(guest, before, 5);
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: discovery controllers that refer to each other, and two crashes", ofOurs: true, run: mesh },
  { name: "stafd: queues tell I/O controllers from discovery controllers", ofOurs: true, run: queues },
];
