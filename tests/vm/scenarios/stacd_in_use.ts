/**
 * What is withdrawn and in use keeps its connection, and what is not in use goes (S12): a file system mounted in the
 * host's mount namespace, one mounted in another one, a program that writes to the device itself, and nothing at all.
 */
import assert from "node:assert/strict";
import {
  configureStacd,
  configureStafd,
  connectedNames,
  hide,
  nqnOf,
  ONE,
  stacdJournal,
  untilStacdLogged,
} from "../stacd.ts";
import { controllers, SOON, start, untilConnected } from "../fabric.ts";
import { now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice } from "../storage.ts";

const NAMES = ["hidden", "idle", "mounted", "raw"];
/** Seconds; shorter than the default, to spare a minute. */
const TRAFFIC_WINDOW = 10;
/** A held connection is looked at every 30 s; the first look may begin a window. */
const RELEASED = { seconds: 120 };

async function run(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab up 0 && for name in ${NAMES.join(" ")}; do nvmet-lab add $name 1; done`);
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, { management: [`in-use-window = ${TRAFFIC_WINDOW}`] });
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, NAMES);
  const device = new Map<string, string>();
  for (const name of NAMES) device.set(name, await untilBlockDevice(guest, name));
  await guest.run(
    `set -e
    mkfs.ext4 -q ${device.get("mounted")} && mkdir -p /srv/mounted && mount ${
      device.get("mounted")
    } /srv/mounted
    mkfs.ext4 -q ${device.get("hidden")} && mkdir -p /srv/hidden
    systemd-run -q --unit=lab-hidden -p PrivateMounts=yes /bin/sh -c 'mount ${
      device.get("hidden")
    } /srv/hidden && sleep infinity'
    systemd-run -q --unit=lab-raw /bin/sh -c 'while dd if=/dev/zero of=${
      device.get("raw")
    } bs=4k count=1 oflag=direct conv=notrunc status=none; do sleep 1; done'`,
  );
  await guest.until(
    "the private mount exists",
    `systemctl show -p MainPID --value lab-hidden`,
    (pid) => Number(pid) > 0,
    SOON,
  );
  await guest.run(
    `until grep -q /srv/hidden /proc/$(systemctl show -p MainPID --value lab-hidden)/mountinfo; do sleep 0.2; done
    ! grep -q /srv/hidden /proc/self/mountinfo`,
  );
  try {
    await withdraw(guest);
  } finally {
    await guest.run("systemctl stop lab-raw lab-hidden; umount /srv/mounted; true");
  }
}

async function withdraw(guest: Guest): Promise<void> {
  const since = await now(guest);
  await guest.run(NAMES.map(hide).join("; "));
  const left = async (what: string, names: readonly string[]): Promise<void> => {
    await guest.until(
      what,
      "cat /sys/class/nvme/nvme*/subsysnqn; true",
      (out) => NAMES.every((name) => out.includes(`${nqnOf(name)}\n`) === names.includes(name)),
      RELEASED,
    );
  };
  await untilStacdLogged(guest, since, /withdrawn, held: nvme\d+n1 is in use: mounted on \/srv\/mounted/);
  await untilStacdLogged(guest, since, /withdrawn, held: \/dev\/nvme\d+n1 is claimed \(EBUSY\)/, RELEASED);
  await untilStacdLogged(
    guest,
    since,
    /withdrawn, held: nvme\d+n1 is in use: a program reads or writes it/,
    RELEASED,
  );
  await left("only what is in use is connected", ["hidden", "mounted", "raw"]);
  // Two more looks change nothing, and repeat no line.
  await guest.run("sleep 65");
  assert.deepEqual(connectedNames(await controllers(guest)), ["hidden", "mounted", "raw"]);
  const journal = await stacdJournal(guest, since);
  assert.equal(journal.split("mounted on /srv/mounted (withdrawn").length - 1, 1, journal);
  const explained = await guest.run(`stacctl explain ${nqnOf("mounted")}`);
  assert.match(explained, /withdrawn, held: nvme\d+n1 is in use: mounted on \/srv\/mounted/);
  assert.match(await guest.run("stacctl plan; true"), /held nvme\d+ .*mounted on \/srv\/mounted/);
  assert.match(
    await guest.run("COLUMNS=400 stacctl status -o table; true"),
    /withdrawn, held: nvme\d+n1 is in use: mounted/,
  );
  await guest.run("dd if=/dev/urandom of=/srv/mounted/file bs=64k count=16 conv=fsync status=none");
  await guest.run("umount /srv/mounted && systemctl stop lab-raw lab-hidden");
  await left("what is no longer in use is disconnected", []);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "stacd in use: what is mounted or written to is held, what is not goes",
    ofOurs: true,
    slow: true,
    run,
  },
];
