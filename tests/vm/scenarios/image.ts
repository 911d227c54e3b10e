/**
 * Both daemons from the container image's files alone, with what the recipes mount of the host: connecting, the tools inside,
 * a kill of both with the connections kept, and what `doctor` says inside and outside.
 */
import assert from "node:assert/strict";
import { capture } from "../../../scripts/run.ts";
import { configureStacd, configureStafd, ONE } from "../stacd.ts";
import { nothingChanges, SOON, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const ROOT = "/var/tmp/image";
/** Of the recipes; the system mounts /dev, /proc and /sys itself. */
const MOUNTS = ["/run/dbus", "/run/udev", "/run/nvme", "/run/stafd", "/run/stacd"];

const inImage = (unit: string, more: string, command: string): string =>
  `systemd-run --quiet --collect --unit=${unit} ${more} -p RootDirectory=${ROOT} -p MountAPIVFS=yes ` +
  `-p BindPaths='${
    MOUNTS.join(" ")
  }' -p BindReadOnlyPaths='/etc/nvme /etc/stas' -p Environment=container=podman ${command}`;

const tool = (words: string): string => inImage("image-tool", "--pipe --wait", words);

async function up(guest: Guest): Promise<void> {
  for (const daemon of ["stafd", "stacd"]) {
    await guest.run(inImage(`image-${daemon}`, "--service-type=exec", `/usr/sbin/${daemon}`));
  }
  await guest.until("both daemons answer", "stafctl ls && stacctl ls", () => true, SOON);
}

async function run(guest: Guest): Promise<void> {
  await capture([Deno.execPath(), "run", "-A", "scripts/image.ts"]);
  await guest.push("build/image/rootfs.tar", "/var/tmp");
  await guest.run(
    `mkdir -p ${ROOT} ${MOUNTS.join(" ")} /run/udev/rules.d && tar -xf /var/tmp/rootfs.tar -C ${ROOT}`,
  );
  try {
    await guest.run("nvmet-lab up 2");
    await configureStafd(guest, [ONE]);
    await configureStacd(guest, {});
    await up(guest);
    await untilDiscovering(guest, [`${ONE}:8009`]);
    const before = await untilConnected(guest, ["sub-001", "sub-002"]);
    const users = await guest.run("cat /proc/$(systemctl show -P MainPID image-stacd)/root/etc/passwd");
    assert.equal(users, "root:x:0:0:root:/:/sbin/nologin\n", "it does not run in the image");
    assert.match(await guest.run(tool("/usr/bin/stacctl ls")), /sub-001/);
    const inside = await guest.attempt(tool("/usr/bin/stafctl doctor"));
    assert.match(
      inside.stdout,
      /^container\n {2}ok {6}this is a container of podman\n(?! {2}(?:error|warning))/m,
    );

    await guest.run("systemctl kill -s KILL image-stafd image-stacd");
    await nothingChanges(guest, before, 10);
    const outside = await guest.attempt("stafctl doctor");
    assert.match(outside.stdout, /70-nvmf-autoconnect\.rules was left behind by a stafd that was killed/);
    await up(guest);
    await nothingChanges(guest, before, 10);
    await guest.run("systemctl stop image-stacd image-stafd");
    const rule = await guest.attempt("test -e /run/udev/rules.d/70-nvmf-autoconnect.rules");
    assert.notEqual(rule.code, 0, "the udev rule is still set aside");
  } finally {
    await guest.attempt(`systemctl stop image-stacd image-stafd; rm -rf ${ROOT} /var/tmp/rootfs.tar`);
  }
}

export const scenarios: readonly Scenario[] = [
  { name: "container image: both daemons from its files", ofOurs: true, slow: true, run },
];
