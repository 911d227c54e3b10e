/** The .deb over the original with connections up, back to the original, and over it again: nothing is ever disconnected. */
import assert from "node:assert/strict";
import { SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, writeAndReadBack } from "../storage.ts";

/** The original's package, made again from what is installed: the guest reaches no archive. */
const REPACK = `set -e
rm -rf /run/repack && mkdir -p /run/repack/DEBIAN && cd /run/repack
dpkg -L nvme-stas | while read -r path; do
    if [ -f "$path" ] || [ -L "$path" ]; then mkdir -p "./$(dirname "$path")" && cp -a "$path" "./$path"; fi
done
for file in postinst prerm postrm conffiles; do cp "/var/lib/dpkg/info/nvme-stas.$file" "DEBIAN/$file"; done
dpkg-query -W -f='Package: \${Package}\\nVersion: \${Version}\\nArchitecture: \${Architecture}\\nMaintainer: \${Maintainer}\\nDepends: \${Depends}\\nDescription: original\\n' nvme-stas >DEBIAN/control
dpkg-deb --root-owner-group -Znone -b /run/repack /run/original.deb`;

const install = (file: string): string => `DEBIAN_FRONTEND=noninteractive dpkg -i ${file} </dev/null`;

const NAMES = ["sub-001", "sub-002", "sub-003"];
const OURS = "/usr/lib/nvme-stas/nvme-stas";

/** The kernel numbers every connection anew: the same devices with the same inode are the same connections. */
const CONNECTIONS = "cd /sys/class/nvme && stat -c '%n %i' $(readlink -f nvme*)";

/** Connections that the stacd which runs now has found and taken over. */
const TAKEN_OVER =
  "journalctl -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID stacd) -g 'Connection established!' | wc -l";

async function isRunning(guest: Guest, ours: boolean): Promise<void> {
  for (const daemon of ["stafd", "stacd"]) {
    await guest.until(
      `${daemon} is ${ours ? "ours" : "the original"}`,
      `systemctl is-active -q ${daemon} && readlink /proc/$(systemctl show -P MainPID ${daemon})/exe`,
      (exe) => (exe.trim() === OURS) === ours,
      SOON,
    );
  }
  await guest.until(
    "stacd has taken over all connections",
    TAKEN_OVER,
    (out) => Number(out) >= NAMES.length,
    SOON,
  );
}

async function run(guest: Guest): Promise<void> {
  await guest.run(REPACK);
  await guest.run("nvmet-lab up 3 && nvmet-lab mdns-up 1");
  await guest.run(
    "printf '[Global]\\nkato = 21\\n[Controllers]\\nexclude = nqn=nqn.2014-08.com.example:never\\n' >/etc/stas/stafd.conf",
  );
  await guest.run("systemctl enable stafd stacd");
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, ["192.0.2.11:8009"]);
  await untilConnected(guest, NAMES);
  const device = await untilBlockDevice(guest, "sub-001");
  const conf = await guest.run("md5sum /etc/stas/stafd.conf /etc/stas/stacd.conf");
  const made = await guest.run(CONNECTIONS);
  await isRunning(guest, false);

  const same = (when: string, seconds: number): Promise<void> =>
    guest.always(`${when}: the same connections as\n${made}`, CONNECTIONS, (now) => now === made, {
      seconds,
    });
  const unchanged = async (after: string): Promise<void> => {
    await same(after, 15);
    assert.equal(await guest.run("md5sum /etc/stas/stafd.conf /etc/stas/stacd.conf"), conf, after);
    await writeAndReadBack(guest, "sub-001", device);
  };

  await guest.run(install("/payload/new.deb"));
  await isRunning(guest, true);
  await guest.run("systemctl is-enabled stafd stacd");
  await unchanged("over the original");
  await guest.run("stafctl check");
  // The fabric is followed: one more, and it goes again.
  await guest.run("nvmet-lab add extra 1");
  await untilConnected(guest, ["extra", ...NAMES]);
  await guest.run("nvmet-lab unlink extra 1");
  await untilConnected(guest, NAMES);
  await unchanged("after a change");

  await guest.run(install("/run/original.deb"));
  await isRunning(guest, false);
  await guest.run("systemctl is-enabled stafd stacd");
  await unchanged("back to the original");

  await guest.run("systemctl disable stafd");
  // The original can drop connections when its stacd runs before its stafd has anything to say: then it was not us.
  await same("kept by the original until it is replaced", 0);
  await guest.run(install("/payload/new.deb"));
  assert.equal((await guest.attempt("systemctl is-enabled stafd")).stdout, "disabled\n");
  assert.equal((await guest.attempt("systemctl is-enabled stacd")).stdout, "enabled\n");
  await isRunning(guest, true);
  await unchanged("over it again");

  await guest.run("dpkg -P nvme-stas");
  await same("purged", 5);
  const left = await guest.run(
    "ls -d /etc/stas /usr/lib/nvme-stas /run/stafd /run/stacd /var/cache/stafd /var/lib/nvme-stas 2>/dev/null; " +
      "find /etc/systemd /var/lib/systemd -name 'sta[fc]d*'",
  );
  assert.equal(left, "", "a purge leaves these");
}

export const scenario: Scenario = { name: "install over the original", ofOurs: true, run };
