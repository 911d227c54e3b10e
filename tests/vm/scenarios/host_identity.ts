/** Who this host is, and what its interfaces are called, changes: no connection goes for it, and none is made twice. */
import assert from "node:assert/strict";
import { configureStafd, identities, ONE, stacdJournal, staysAsItIs } from "../stacd.ts";
import { SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import { configure, confOf, now, reload } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice } from "../storage.ts";

const HOSTNQN = "/etc/nvme/hostnqn";
const OTHER = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555555";
const ALTNAME = "enp129s0f0np0";
const NAMES = ["sub-001", "sub-002"];
const WATCH = 15;

const byIface = (iface: string): string =>
  confOf([`transport=tcp;traddr=${ONE};trsvcid=8009;host-iface=${iface}`]);

/** All connections, discovery controllers too, with their numbers in sysfs. */
const everything = (guest: Guest): Promise<string> =>
  guest.run("cd /sys/class/nvme && stat -c '%n %i' $(readlink -f nvme*)");

async function hostNqn(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2");
  const old = (await guest.run(`cat ${HOSTNQN}`)).trim();
  await configureStafd(guest, [ONE]);
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, [`${ONE}:8009`]);
  await untilConnected(guest, NAMES);
  const disk = await untilBlockDevice(guest, "sub-001");
  await guest.run(`mkfs.ext4 -q -F ${disk} && mkdir -p /run/volume && mount ${disk} /run/volume`);
  try {
    await guest.run("echo before >/run/volume/file && sync");
    const made = await everything(guest);
    await guest.writeFile(HOSTNQN, `${OTHER}\n`);
    await guest.run("systemctl restart stafd stacd");
    await staysAsItIs(guest, WATCH);
    assert.equal(await everything(guest), made, "the same connections");
    await guest.run("echo after >/run/volume/file && sync && umount /run/volume");
    await guest.run(`mount ${disk} /run/volume && grep -qx after /run/volume/file`);
    for (const daemon of ["stafctl", "stacctl"]) {
      const { stdout } = await guest.attempt(`${daemon} status -o table`);
      assert.ok(stdout.includes(`connected as ${old}, configured is ${OTHER}`), stdout);
      assert.match(stdout, /degraded/);
    }
    await guest.writeFile(HOSTNQN, `${old}\n`);
    await guest.run("systemctl restart stafd stacd");
    await guest.until("all is well again", "stacctl status -o table", (out) => /good/.test(out), SOON);
    assert.equal(await everything(guest), made, "the same connections");
  } finally {
    await guest.writeFile(HOSTNQN, `${old}\n`);
    await guest.attempt("umount /run/volume");
  }
}

async function altname(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab up 2 && ip link property add dev fab0 altname ${ALTNAME}`);
  await configure(guest, byIface(ALTNAME));
  const since = await now(guest);
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, NAMES);
  const made = await everything(guest);
  for (const units of ["stafd stacd", "stacd", "stafd"]) {
    await guest.run(`systemctl restart ${units}`);
    await staysAsItIs(guest, WATCH);
    assert.equal(await everything(guest), made, `restart of ${units}`);
  }
  assert.doesNotMatch(await stacdJournal(guest, since), /EALREADY/);
  assert.match((await guest.attempt("stacctl status -o table")).stdout, /good/);
}

async function renamed(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2");
  await configure(guest, byIface("fab0"));
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, NAMES);
  const before = await identities(guest, NAMES);
  await guest.run("ip link set fab0 down && ip link set fab0 name fabx");
  try {
    await guest.until(
      "the link is lost",
      "cat /sys/class/nvme/nvme*/state",
      (out) => !out.includes("live"),
      { seconds: 60 },
    );
    await guest.run("ip link set fabx up");
    await reload(guest, byIface("fabx"));
    await untilConnected(guest, NAMES);
    assert.notEqual(await identities(guest, NAMES), before);
    await guest.until(
      "the connections by the old name are gone",
      "cat /sys/class/nvme/nvme*/state",
      (out) => out.trim().split("\n").every((state) => state === "live"),
      SOON,
    );
  } finally {
    await guest.attempt("ip link set fabx down; ip link set fabx name fab0; ip link set fab0 up");
  }
}

export const scenarios: readonly Scenario[] = [
  { name: "host NQN changed below a mounted file system", ofOurs: true, slow: true, run: hostNqn },
  { name: "host-iface by an altname", ofOurs: true, slow: true, run: altname },
  { name: "interface renamed and its link lost", ofOurs: true, slow: true, run: renamed },
];
