/** The .deb on a Debian that never had nvme-stas: nothing starts by itself, it works when started, a purge leaves nothing. */
import assert from "node:assert/strict";
import { nothingChanges, start, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const LEFT =
  `find / -xdev \\( -path /proc -o -path /payload -o -path '/var/lib/lab-*' -o -path '/var/log/*' \\) -prune -o \\( \
  -name '*nvme-stas*' -o -name 'staf[dc]*' -o -name 'stac[dc]*' -o -name 'stas-*' -o -name 'stasadm*' -o -path /etc/stas \
  -o -name 'org.nvmexpress.sta*' \\) -print`;

async function run(guest: Guest): Promise<void> {
  const clean = await guest.run(LEFT);
  assert.equal(clean, "", "the image is not clean");
  await guest.run(
    "rm -rf /etc/nvme/hostnqn /etc/nvme/hostid && DEBIAN_FRONTEND=noninteractive dpkg -i /payload/new.deb",
  );

  for (const unit of ["stafd", "stacd", "nvme-stas-metrics.timer"]) {
    assert.equal((await guest.attempt(`systemctl is-enabled ${unit}`)).stdout, "disabled\n");
    assert.equal((await guest.attempt(`systemctl is-active ${unit}`)).stdout, "inactive\n");
  }
  assert.match(
    await guest.run("cat /etc/nvme/hostnqn"),
    /^nqn\.2014-08\.org\.nvmexpress:uuid:[0-9a-f-]{36}\n$/,
  );
  assert.match(await guest.run("cat /etc/nvme/hostid"), /^[0-9a-f-]{36}\n$/);
  await guest.run("cmp /etc/stas/stafd.conf /usr/share/nvme-stas/stafd.conf");
  await guest.run("stafctl check && stacctl check");
  await guest.run("systemd-analyze verify stafd.service stacd.service nvme-stas-metrics.timer --man=no");

  await guest.run("nvmet-lab up 2 && nvmet-lab mdns-up 1");
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, ["192.0.2.11:8009"]);
  await untilConnected(guest, ["sub-001", "sub-002"]);
  await guest.run("nvmet-lab add late 1");
  const connected = await untilConnected(guest, ["late", "sub-001", "sub-002"]);

  // As node_exporter's packages make it: its user owns the folder, and the one above (V3).
  await guest.run("install -d -o nobody -g nogroup /var/lib/prometheus /var/lib/prometheus/node-exporter");
  await guest.run("systemctl start nvme-stas-metrics.service");
  const owners = await guest.run("stat -c '%U %a' /var/lib/prometheus/node-exporter/*.prom");
  assert.equal(owners, "nobody 644\nnobody 644\n");
  const metrics = await guest.run("cat /var/lib/prometheus/node-exporter/*.prom");
  assert.match(metrics, /^nvme_stas_connected\{daemon="stacd",source="log-page"\} 3$/m);
  // Of the three, one was connected because of an event.
  assert.match(metrics, /^nvme_stas_aen_to_connect_seconds_count\{daemon="stacd"\} 1$/m);
  assert.match(metrics, /^nvme_stas_connected\{daemon="stafd",source="mdns"\} 1$/m);
  await guest.run("rm -r /var/lib/prometheus");

  await guest.run("systemctl enable stafd stacd && DEBIAN_FRONTEND=noninteractive dpkg -i /payload/new.deb");
  await guest.run("systemctl is-enabled stafd stacd && systemctl is-active stafd stacd");
  await nothingChanges(guest, connected, 10);

  await guest.run("dpkg -r nvme-stas");
  await nothingChanges(guest, connected, 5);
  await guest.run("test -e /etc/stas/stafd.conf && test ! -e /run/udev/rules.d/70-nvmf-autoconnect.rules");
  await guest.run("dpkg -P nvme-stas && systemctl daemon-reload");
  assert.equal(await guest.run(LEFT), "", "a purge leaves these");
}

export const scenario: Scenario = { name: "install on a clean machine", ofOurs: true, run };
