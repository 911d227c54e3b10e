/**
 * What restarts, moves and is away for a while takes no path that is in use, and no I/O fails (S12, S14, make before break): a file
 * system is mounted and written to all the time. The discovery controller is `fake-cdc`, the array is the kernel's target.
 */
import assert from "node:assert/strict";
import {
  configureStacd,
  configureStafd,
  connectedNames,
  identities,
  nqnOf,
  reloadStacd,
  untilStacdLogged,
} from "../stacd.ts";
import { controllers, SOON, start, untilConnected } from "../fabric.ts";
import { FAKE, fakeSet, fakeUp, now, untilLogged } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice } from "../storage.ts";

/** As `fake-cdc` names what it lists. */
const [BUSY, IDLE] = ["fake-000", "fake-001"] as const;
/** Port 5 of the array, on the other interface. */
const OTHER = "198.51.100.11";
/** Looks at what is held are 30 s apart. */
const GONE = { seconds: 180 };

/** Writes to the mounted file system and reads from the device until it is told to stop, or one of them fails. */
const LOAD = `while [ ! -e /run/load-stop ]; do
  dd if=/dev/urandom of=/srv/busy/file bs=64k count=16 conv=fsync status=none &&
  dd if=$1 of=/dev/null bs=64k count=16 iflag=direct status=none || { echo failed >/run/load-state; exit 1; }
  n=$((n + 1)); echo $n >/run/load-state
done`;

/** Runs `act` under load; nothing of the load may fail, and it has to go on when the act is over. */
async function underLoad(guest: Guest, act: () => Promise<void>): Promise<void> {
  const device = await untilBlockDevice(guest, BUSY);
  await guest.writeFile("/run/load", LOAD);
  await guest.run(
    `rm -f /run/load-stop /run/load-state
    mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 ${device} && mkdir -p /srv/busy && mount ${device} /srv/busy
    systemd-run -q --unit=lab-load -p Environment=n=0 sh /run/load ${device}`,
  );
  const since = await now(guest);
  try {
    await written(guest);
    await act();
    await written(guest);
    const kernel = await guest.run(`journalctl -k -o cat --no-pager --since=@${since}`);
    assert.doesNotMatch(kernel, /I\/O error|Buffer I\/O|critical (?:medium|target)|EXT4-fs error/i);
  } finally {
    await guest.run(
      "touch /run/load-stop; systemctl stop lab-load; umount /srv/busy; systemctl reset-failed lab-load; true",
    );
  }
}

/** The load has gone round once more, and has not failed. */
async function written(guest: Guest): Promise<void> {
  const look = "cat /run/load-state 2>/dev/null || echo 0";
  const before = (await guest.run(look)).trim();
  assert.notEqual(before, "failed");
  const after = await guest.until("the load goes on", look, (out) => out.trim() !== before, SOON);
  assert.notEqual(after.trim(), "failed");
}

async function gone(guest: Guest, name: string): Promise<void> {
  await guest.until(
    `${name} is disconnected`,
    "cat /sys/class/nvme/nvme*/subsysnqn; true",
    (out) => !out.includes(`${nqnOf(name)}\n`),
    GONE,
  );
}

async function setUp(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab up 0 && nvmet-lab add ${BUSY} 1 && nvmet-lab add ${IDLE} 1`);
  await fakeUp(guest, { entries: 2 });
  await configureStafd(guest, [FAKE]);
}

/** It comes back with generation 1 and nothing in its page for a minute. young-page-soak is the default. */
async function emptyRestart(guest: Guest): Promise<void> {
  await setUp(guest);
  await guest.run("sed -i '/young-page-soak/d' /etc/stas/stafd.conf");
  await configureStacd(guest, { management: ["young-page-soak = 15 minutes"] });
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, [BUSY, IDLE]);
  const made = await identities(guest, [BUSY, IDLE]);
  await underLoad(guest, async () => {
    const since = await now(guest);
    await guest.run("fake-cdc down");
    await fakeUp(guest, { entries: 0 });
    await untilLogged(guest, since, /Received discovery log pages \(num records=0\)/);
    await untilLogged(guest, since, /The log page adds at once, and withdraws nothing before/);
    await guest.run("sleep 60");
    assert.equal(await identities(guest, [BUSY, IDLE]), made, "an empty page of a minute took something");
    await fakeSet(guest, { entries: 2 });
    await guest.run("fake-cdc aen");
    await untilLogged(guest, since, /Received discovery log pages \(num records=2\)/);
    await guest.run("sleep 5");
    assert.equal(await identities(guest, [BUSY, IDLE]), made, "whole again");
    // Withdrawn for good, and no page is young any more: what is not in use goes, what is in use stays.
    await reloadStacd(guest, {});
    await fakeSet(guest, { entries: 0 });
    await guest.run("fake-cdc aen");
    await gone(guest, IDLE);
    assert.equal(await identities(guest, [BUSY]), made.split("\n").find((line) => line.includes(BUSY)));
  });
}

/** The page has another address instead, and that one does not answer for a minute. */
async function movingPath(guest: Guest): Promise<void> {
  await setUp(guest);
  await guest.run(`nvmet-lab port-add 5 ${OTHER}`);
  await configureStacd(guest, {});
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, [BUSY, IDLE]);
  const made = await identities(guest, [BUSY]);
  await underLoad(guest, async () => {
    const since = await now(guest);
    await fakeSet(guest, { entries: 1, listed: [OTHER] });
    await guest.run("fake-cdc aen");
    await untilLogged(guest, since, /Received discovery log pages \(num records=1\)/);
    await gone(guest, IDLE);
    await guest.run("sleep 60");
    assert.equal(
      await identities(guest, [BUSY]),
      made,
      "the last path stays while the new address is silent",
    );
    await guest.run(`nvmet-lab link ${BUSY} 5`);
    await guest.until(
      "the new path is the only one",
      `for c in /sys/class/nvme/nvme*; do grep -q ${
        nqnOf(BUSY)
      } $c/subsysnqn && cat $c/state $c/address; done; true`,
      (out) =>
        out.startsWith("live\n") && out.includes(`traddr=${OTHER}`) && !out.includes("traddr=192.0.2.11"),
      GONE,
    );
  });
}

/** Its paths are being re-established, with I/O queued, while the page lists none of its subsystems. */
async function rebootedArray(guest: Guest): Promise<void> {
  await setUp(guest);
  await configureStacd(guest, {});
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, [BUSY, IDLE]);
  const made = await identities(guest, [BUSY]);
  await underLoad(guest, async () => {
    const since = await now(guest);
    await guest.run("nvmet-lab port-down 1");
    await guest.until(
      "the kernel has seen it",
      "cat /sys/class/nvme/nvme*/state",
      (out) => out.includes("connecting"),
      SOON,
    );
    await fakeSet(guest, { entries: 0 });
    await guest.run("fake-cdc aen");
    await untilStacdLogged(guest, since, new RegExp(`${BUSY}.*withdrawn, held`), GONE);
    await guest.run("sleep 40");
    assert.equal(await identities(guest, [BUSY]), made, "a path with I/O queued on it stays");
    await guest.run("nvmet-lab port-up 1");
    await guest.until(
      "its path is live again",
      `for c in /sys/class/nvme/nvme*; do grep -q ${nqnOf(BUSY)} $c/subsysnqn && cat $c/state; done; true`,
      (out) => out === "live\n",
      GONE,
    );
    await written(guest);
    await fakeSet(guest, { entries: 1 });
    await guest.run("fake-cdc aen");
    await gone(guest, IDLE);
    assert.equal(await identities(guest, [BUSY]), made);
    assert.deepEqual(connectedNames(await controllers(guest)), [BUSY]);
  });
}

export const scenarios: readonly Scenario[] = [
  {
    name: "outage: a discovery controller comes back empty for a minute",
    ofOurs: true,
    slow: true,
    run: emptyRestart,
  },
  {
    name: "outage: the last path moves to an address that comes up late",
    ofOurs: true,
    slow: true,
    run: movingPath,
  },
  { name: "outage: an array reboots while its page drops it", ofOurs: true, slow: true, run: rebootedArray },
];
