/**
 * Acts of a person on connections that carry a file system or a program's writes: new keys by sysfs (`renew`), options
 * that take one path after the other, and maintenance (`drain`), refused for a last path and over at its term.
 */
import assert from "node:assert/strict";
import { controllers, SOON, start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { AUTHENTICATION } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { now } from "../stafd.ts";
import {
  configureStacd,
  deviceOf,
  identities,
  nqnOf,
  ONE,
  reloadStacd,
  stacdJournal,
  tcpLine,
  untilStacdLogged,
} from "../stacd.ts";
import { untilBlockDevice } from "../storage.ts";

const NVMET = "/sys/kernel/config/nvmet";
/** Port 5 of the target is the first one's address on the other interface. */
const OTHER = "198.51.100.11";
/** A drain's term: an emulated machine needs that long for a few commands. */
const TERM = 90;

/** Writes to the device itself until it is stopped; each failure is a line. */
const writing = (device: string): string =>
  `systemd-run -q --unit=lab-writer /bin/sh -c 'while true; do dd if=/dev/zero of=${device} bs=4k count=16 ` +
  `oflag=direct conv=notrunc status=none 2>>/run/lab-write-errors || echo failed >>/run/lab-write-errors; ` +
  `echo x >>/run/lab-writes; done'`;

const writes = async (guest: Guest): Promise<number> => Number(await guest.run("wc -l </run/lab-writes"));

async function newKeys(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  const hostNqn = (await guest.run("cat /etc/nvme/hostnqn")).trim();
  const keys = (await guest.run("for i in 1 2 3 4; do nvme gen-dhchap-key --hmac=0 2>/dev/null; done"))
    .trim();
  const [old = "", oldCtrl = "", key = "", ctrlKey = ""] = keys.split("\n");
  const host = `${NVMET}/hosts/${hostNqn}`;
  const subsystem = `${NVMET}/subsystems/${nqnOf("sub-001")}`;
  const give = (one: string, ctrl: string): string =>
    `echo ${one} >${host}/dhchap_key && echo ${ctrl} >${host}/dhchap_ctrl_key`;
  await guest.run(
    `mkdir ${host} && ${give(old, oldCtrl)} && echo 0 >${subsystem}/attr_allow_any_host && ` +
      `ln -s ${host} ${subsystem}/allowed_hosts/`,
  );
  const conf = (one: string, ctrl: string) => ({
    controllers: [tcpLine("sub-001", ONE, `;dhchap-secret=${one};dhchap-ctrl-secret=${ctrl}`)],
  });
  await configureStacd(guest, conf(old, oldCtrl));
  const since = await now(guest);
  await start(guest, "stacd");
  const device = deviceOf(await untilConnected(guest, ["sub-001"]), "sub-001");
  const before = await identities(guest, ["sub-001"]);
  await guest.run(
    `rm -f /run/lab-writes /run/lab-write-errors; ${writing(await untilBlockDevice(guest, "sub-001"))}`,
  );
  try {
    await guest.until("it writes", "wc -l </run/lab-writes", (out) => Number(out) > 2, SOON);
    const sysfs = `cd /sys/class/nvme/${device} && cat dhchap_secret dhchap_ctrl_secret`;
    const shown = async (): Promise<string> => (await guest.run(sysfs)).replaceAll("\n\n", "\n");
    // Both at once the kernel cannot be given: with one old and one new key the target ends the connection.
    await guest.run("dmesg -C");
    await reloadStacd(guest, conf(key, ctrlKey));
    await untilStacdLogged(guest, since, /loaded again: .* is changed/);
    const refused = await guest.attempt(`COLUMNS=400 stacctl renew ${nqnOf("sub-001")}`);
    assert.equal(refused.code, 1, refused.stdout);
    assert.match(
      refused.stderr,
      /(?:not renewed|stopped): .* is in use: .*and no other usable path serves it/,
    );
    assert.equal(await shown(), `${old}\n${oldCtrl}\n`);
    // At the target first, then here: the connection lives on, and knows the old key only.
    let said = refused.stderr;
    for (const [one, ctrl] of [[key, oldCtrl], [key, ctrlKey]] as const) {
      await guest.run(give(one, ctrl));
      await reloadStacd(guest, conf(one, ctrl));
      await guest.until(
        "the kernel takes the key",
        `COLUMNS=400 stacctl renew ${nqnOf("sub-001")} --dry-run; true`,
        (out) => /the kernel authenticates again with the keys of the file; no path is lost/.test(out),
        SOON,
      );
      said += await guest.run(`COLUMNS=400 stacctl renew ${nqnOf("sub-001")}`);
      assert.match(said, /: done: the kernel authenticates again/);
      assert.equal(await shown(), `${one}\n${ctrl}\n`);
    }
    const log = await guest.until(
      "the kernel has authenticated with the new keys",
      "dmesg",
      (out) => out.split("re-authenticating controller").length === 3 && /: authenticated/.test(out),
      SOON,
    );
    assert.doesNotMatch(log, /authentication failed|Removing ctrl|I\/O error/);
    assert.equal(await identities(guest, ["sub-001"]), before, "the same connection");
    // The next connect of the kernel's own uses them as well.
    const count = await writes(guest);
    await guest.run(`echo 1 >/sys/class/nvme/${device}/reset_controller`);
    await guest.until("live again", `cat /sys/class/nvme/${device}/state`, (out) => out === "live\n", SOON);
    await guest.until("it writes again", "wc -l </run/lab-writes", (out) => Number(out) > count + 2, SOON);
    assert.equal(await guest.run("cat /run/lab-write-errors 2>/dev/null; true"), "", "no I/O error");
    const all = `${said}${await stacdJournal(guest, since)}` + await guest.run("cat /run/stacd/*");
    for (const one of [old, oldCtrl, key, ctrlKey]) {
      assert.ok(!all.includes(one.split(":")[2] ?? one), "a key is shown");
    }
  } finally {
    await guest.run("systemctl stop lab-writer; true");
  }
}

/** A mounted subsystem with a path on each interface. */
async function mounted(guest: Guest, more = ""): Promise<readonly string[]> {
  await guest.run(`nvmet-lab up 0 && nvmet-lab port-add 5 ${OTHER} && nvmet-lab add multi 1 5`);
  const lines = [tcpLine("multi", ONE, more), tcpLine("multi", OTHER, more)];
  await configureStacd(guest, { controllers: lines.slice(0, 1) });
  await start(guest, "stacd");
  await untilConnected(guest, ["multi"]);
  const device = await untilBlockDevice(guest, "multi");
  await guest.run(`mkfs.ext4 -q ${device} && mkdir -p /srv/multi && mount ${device} /srv/multi`);
  return lines;
}

async function drains(guest: Guest): Promise<void> {
  const lines = await mounted(guest);
  const since = await now(guest);
  try {
    const refused = await guest.attempt(`COLUMNS=400 stacctl drain ${ONE} --for ${TERM}`);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /not drained: nvme\d+ .*nvme\d+n1 is in use: mounted on \/srv\/multi/);
    await untilConnected(guest, ["multi"]);
    await reloadStacd(guest, { controllers: lines });
    await untilConnected(guest, ["multi", "multi"]);
    const drained = await guest.run(`COLUMNS=400 stacctl drain ${ONE} --for ${TERM}`);
    assert.match(drained, /^Drained until .*: 192\.0\.2\.11\n {2}nvme\d+ .*: being disconnected\n/);
    await guest.until(
      "only the other path is connected",
      "cat /sys/class/nvme/nvme*/address",
      (out) => out.includes(`traddr=${OTHER},`) && !out.includes(`traddr=${ONE},`),
      SOON,
    );
    await guest.run("dd if=/dev/urandom of=/srv/multi/file bs=64k count=16 conv=fsync status=none");
    await untilStacdLogged(guest, since, /its term is over/, { seconds: TERM + 120 });
    await untilConnected(guest, ["multi", "multi"]);
    assert.match(await guest.run("COLUMNS=400 stacctl history --evidence"), /undrained .*its term is over/);
  } finally {
    await guest.run("umount /srv/multi; true");
  }
}

async function renews(guest: Guest): Promise<void> {
  const lines = await mounted(guest, ";kato=10");
  try {
    const other = lines.map((line) => line.replace("kato=10", "kato=20"));
    await reloadStacd(guest, { controllers: other.slice(0, 1) });
    const refused = await guest.attempt(`COLUMNS=400 stacctl renew ${nqnOf("multi")}`);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /not renewed: .*mounted on \/srv\/multi, and no other usable path serves it/,
    );
    await reloadStacd(guest, { controllers: [...other.slice(0, 1), ...lines.slice(1)] });
    await untilConnected(guest, ["multi", "multi"]);
    const said = await guest.run(`COLUMNS=400 stacctl renew ${ONE}`);
    assert.match(said, /: done: disconnected and connected again \(kato is 10, not 20\)/);
    await untilConnected(guest, ["multi", "multi"]);
    const katos = (await guest.run("cat /sys/class/nvme/nvme*/kato")).trim().split("\n").toSorted();
    assert.deepEqual(katos, ["10", "20"]);
    await guest.run("dd if=/dev/urandom of=/srv/multi/file bs=64k count=16 conv=fsync status=none");
    assert.equal((await controllers(guest)).length, 2);
  } finally {
    await guest.run("umount /srv/multi; true");
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: "stacd by hand: new keys by sysfs while a program writes",
    ofOurs: true,
    slow: true,
    needs: AUTHENTICATION,
    run: newKeys,
  },
  { name: "stacd by hand: renew takes one path after the other", ofOurs: true, slow: true, run: renews },
  {
    name: "stacd by hand: a drain is refused for the last path, accepted with two, over at its term",
    ofOurs: true,
    slow: true,
    run: drains,
  },
];
