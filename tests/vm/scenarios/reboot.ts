/**
 * The .deb, file systems on what stacd connects, and the host goes down and comes up again: unmounted while the storage
 * still exists, nothing times out, and it is mounted again. The array and the network run from boot to the end,
 * as hardware is (lab-fabric.service): the network is cut when systemd stops network.target, and the array ends later.
 */
import assert from "node:assert/strict";
import { controllers, liveSubsystems, SOON, start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice } from "../storage.ts";

/** One that multi-user.target waits for, and one that it does not: both as docs/operations.md says. */
const MOUNTS = [
  { name: "sub-001", dir: "/srv/data", options: "_netdev,x-systemd.device-timeout=5min" },
  { name: "sub-002", dir: "/srv/more", options: "_netdev,x-systemd.device-timeout=5min,nofail" },
] as const;

/** A service whose files are on the storage, as a database is: it writes from boot until it is stopped. */
const WRITER = `[Unit]
Description=Writes to the storage
RequiresMountsFor=/srv/data
[Service]
ExecStart=/bin/sh -c 'while :; do cat /proc/sys/kernel/random/boot_id >>/srv/data/log; sync /srv/data/log; sleep 0.1; done'
[Install]
WantedBy=multi-user.target
`;

/** Units of the boot before, in the order in which they had stopped, and how. */
const STOPPED =
  `journalctl -b -1 -o json _PID=1 MESSAGE_ID=9d1aaa27d60140bd96365438aad20286 | jq -r '[.UNIT, .JOB_RESULT] | @tsv'`;

/** What systemd and the kernel say when something times out, or what is written is lost. */
const inVain = (since: string): string =>
  `journalctl -b -1 --no-pager --since=@${since} -o short-monotonic _PID=1 + _TRANSPORT=kernel |
    grep -iE 'systemd.*(timed out|timeout|killing|failed|left-over|busy)|blocked for more|I/O error|EXT4-fs (error|warning)|abort' || true`;
/** The same of systemd-shutdown, when the journal has ended already. */
const LEFT_BEHIND =
  /systemd-shutdown.*(?:unable to|failed to|timed out|could not)|EXT4-fs (?:error|warning)|I\/O error|blocked for more/i;

const DOWN = { seconds: 300 };

const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

const untilMounted = (guest: Guest, dir: string, after: string): Promise<string> =>
  guest.until(
    `${dir} is mounted after ${after}`,
    `findmnt -n -o SOURCE ${dir}`,
    (out) => out.startsWith("/dev/nvme"),
    SOON,
  );

async function prepare(guest: Guest): Promise<void> {
  await guest.run(
    "mkdir -p /etc/systemd/journald.conf.d /var/log/journal && systemctl -q unmask systemd-journal-flush && " +
      "printf '[Journal]\\nStorage=persistent\\n' >/etc/systemd/journald.conf.d/reboot.conf && " +
      "systemctl restart systemd-journald && journalctl --flush && systemctl enable --now lab-fabric",
  );
  await guest.run("DEBIAN_FRONTEND=noninteractive dpkg -i /payload/new.deb && systemctl enable stafd stacd");
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, ["sub-001", "sub-002"]);
  for (const { name, dir, options } of MOUNTS) {
    const device = await untilBlockDevice(guest, name);
    await guest.run(
      `mkfs.ext4 -q ${device} && udevadm settle && mkdir -p ${dir} && ` +
        `echo "UUID=$(blkid -s UUID -o value ${device}) ${dir} ext4 ${options} 0 2" >>/etc/fstab`,
    );
  }
  await guest.writeFile("/etc/systemd/system/lab-writer.service", WRITER);
  await guest.run(
    "systemctl daemon-reload && systemctl start remote-fs.target && systemctl enable --now lab-writer",
  );
  for (const { dir } of MOUNTS) {
    await untilMounted(guest, dir, "the preparation");
    await guest.run(
      `head -c 1048576 /dev/urandom >${dir}/file && sync ${dir}/file && md5sum ${dir}/file >>/var/lib/lab-sums`,
    );
  }
}

/** In the journal of the boot before: the order of the stops, and that nothing timed out. */
async function wentDownInOrder(guest: Guest, since: string): Promise<void> {
  const lines = (await guest.run(STOPPED)).trim().split("\n").map((line) => line.split("\t"));
  const results = new Map(lines.map(([unit = "", result = ""]) => [unit, result]));
  const order = lines.map(([unit = ""]) => unit);
  const at = (unit: string): number => {
    assert.equal(results.get(unit), "done", `${unit} has stopped:\n${lines.join("\n")}`);
    return order.indexOf(unit);
  };
  const steps = [
    ["lab-writer.service"],
    ["srv-data.mount", "srv-more.mount"],
    ["remote-fs-pre.target"],
    ["stacd.service"],
    ["stafd.service"],
    ["network.target", "dbus.service", "avahi-daemon.service"],
  ];
  for (const [n, later] of steps.entries()) {
    for (const before of steps[n - 1] ?? []) {
      for (const after of later) {
        assert.ok(at(before) < at(after), `${before} before ${after}:\n${order.join("\n")}`);
      }
    }
  }
  assert.ok(at("network.target") < at("lab-fabric.service"), "the bed has not taken the storage away before");
  assert.equal(await guest.run(inVain(since)), "", "something timed out");
  const daemons = await guest.run("journalctl -b -1 --no-pager -o cat -u stafd -u stacd");
  assert.doesNotMatch(daemons, /bus is lost|went away|Disconnect initiated/, daemons);
}

/** What stacd and the file systems must be after a boot, however it came to it. */
async function isBack(guest: Guest, after: string): Promise<void> {
  for (const { dir } of MOUNTS) await untilMounted(guest, dir, after);
  assert.deepEqual(liveSubsystems(await controllers(guest)), ["sub-001", "sub-002"]);
  await guest.run("systemctl is-active stafd stacd lab-writer remote-fs.target");
  await guest.run("md5sum -c --quiet /var/lib/lab-sums");
  const made = await guest.run("journalctl -b -o cat -u stacd -g 'Connection established!'");
  assert.doesNotMatch(made, /existed already/, "stacd made the connections");
  const kernel = await guest.run("journalctl -b -k -o cat -g 'EXT4-fs' || true");
  assert.doesNotMatch(kernel, /recovery complete|orphan|error/i, "unmounted cleanly before");
}

async function run(guest: Guest): Promise<void> {
  await prepare(guest);
  for (const by of ["reboot", "poweroff"] as const) {
    const booted = await guest.run(BOOT_ID);
    const since = (await guest.run("date +%s.%N")).trim();
    const { seconds, console: said } = await guest.bootAgain(by, DOWN);
    const boot = await guest.run(BOOT_ID);
    assert.notEqual(boot, booted);
    console.log(`        ${by}: down after ${seconds.toFixed(1)} s`);
    await isBack(guest, by);
    await wentDownInOrder(guest, since);
    assert.doesNotMatch(said, LEFT_BEHIND);
    // The writer wrote until it was stopped, and writes again; nothing that it was told is on disk is missing.
    await guest.run(`grep -q ${booted.trim()} /srv/data/log`);
    await guest.until(
      "the service writes again",
      `grep -c ${boot.trim()} /srv/data/log`,
      (out) => Number(out) > 0,
      SOON,
    );
  }
}

export const scenario: Scenario = {
  name: "reboot and poweroff with file systems mounted",
  ofOurs: true,
  run,
};
