/** A connectivity file of nvme-stas 3 as the manual says, on a real kernel; and `check` with what this host's kernel takes. */
import assert from "node:assert/strict";
import { deviceOf, nqnOf, ONE } from "../stacd.ts";
import { controllers, start, untilConnected, untilDiscovering } from "../fabric.ts";
import { configure, confOf } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const FILE = "/etc/nvme/nvme-stas.conf";

const text = (more: string): string =>
  `[Discovery Controller Defaults]
keep-alive-tmo = 21
[Discovery Controller]
controller = transport=tcp;traddr=${ONE};trsvcid=8009
[Subsystem]
nqn = ${nqnOf("sub-001")}
reconnect-delay = 0x7
controller = transport=tcp;traddr=${ONE};trsvcid=8009;ctrl-loss-tmo=98
${more}`;

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2");
  await configure(guest, confOf([]));
  await guest.writeFile(FILE, text(""));
  for (const daemon of ["stafd", "stacd"]) {
    await guest.run(`mkdir -p /etc/systemd/system/${daemon}.service.d`);
    await guest.writeFile(
      `/etc/systemd/system/${daemon}.service.d/next.conf`,
      `[Service]\nExecStart=\nExecStart=/usr/sbin/${daemon} --syslog --conn-conf-file ${FILE}\n`,
    );
  }
  await guest.run("systemctl daemon-reload");
  try {
    await start(guest, "stafd", "stacd");
    await untilDiscovering(guest, [`${ONE}:8009`]);
    // One by its line, the other because the discovery controller lists it.
    await untilConnected(guest, ["sub-001", "sub-002"]);
    const device = deviceOf(await controllers(guest), "sub-001");
    // The kernel keeps whole reconnects: a multiple of the delay.
    const shown = await guest.run(`cd /sys/class/nvme/${device} && cat reconnect_delay ctrl_loss_tmo`);
    assert.deepEqual(shown.split(/\s+/).slice(0, 2), ["7", "98"]);
    const good = await guest.attempt(`stacctl check --conn-conf-file ${FILE}`);
    assert.equal(good.code, 0, good.stdout + good.stderr);
    // What libnvme rejects changes nothing.
    await guest.writeFile(FILE, text("[Host]\n[Host]\n"));
    await guest.run("systemctl reload stafd stacd");
    const bad = await guest.attempt(`stafctl check --conn-conf-file ${FILE}`);
    assert.equal(bad.code, 1);
    assert.match(bad.stdout, /nvme-stas\.conf:10:1: .*second \[Host\] section/);
    await untilConnected(guest, ["sub-001", "sub-002"]);
    assert.match(
      await guest.run("journalctl -b -u stacd"),
      /nvme-stas\.conf:10:1: this is the second \[Host\] section/,
    );
  } finally {
    await guest.run(
      `rm -rf ${FILE} /etc/systemd/system/stafd.service.d/next.conf /etc/systemd/system/stacd.service.d/next.conf`,
    );
    await guest.run("systemctl stop stafd stacd; systemctl daemon-reload");
  }
}

export const scenarios: readonly Scenario[] = [
  { name: "a connectivity file of nvme-stas 3, and check on the host", ofOurs: true, slow: true, run },
];
