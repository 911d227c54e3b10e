/**
 * Both daemons in containers of podman by the recipes of `packaging/container`, on a host without nvme-stas: the Quadlets, and
 * Compose with the host's bus and with a bus of its own. Connections stay over a restart, a kill and a removal.
 */
import assert from "node:assert/strict";
import { capture } from "../../../scripts/run.ts";
import { VERSION } from "../../../src/lib/base/version.ts";
import { configureStacd, configureStafd, ONE } from "../stacd.ts";
import { type Controller, nothingChanges, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { COMPOSE, PODMAN } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const FOLDER = "/var/tmp/nvme-stas";
const QUADLETS = "/etc/containers/systemd";
const POLICIES = "/etc/dbus-1/system.d";
const RULE = "/run/udev/rules.d/70-nvmf-autoconnect.rules";
const NO_AVAHI = /no Avahi on this container.s bus/;
/** Pulling, unpacking and starting a container in an emulated machine. */
const SLOWLY = { seconds: 300 };
const RELOAD_BUS =
  "busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig >/dev/null";

/** What the docs ask of the host, and nothing else of ours; the image is built once a machine. */
async function prepare(guest: Guest): Promise<void> {
  await guest.run(
    "rm -f /usr/sbin/sta[fc]d /usr/bin/sta*ctl /usr/bin/stasadm /usr/lib/systemd/system/sta[fc]d.service " +
      `/usr/share/dbus-1/system.d/org.nvmexpress.sta[fc].conf && mkdir -p ${FOLDER} ${QUADLETS} && systemctl daemon-reload`,
  );
  for (const policy of ["staf", "stac"]) {
    await guest.push(`systemd/org.nvmexpress.${policy}.conf`, POLICIES);
  }
  await guest.run(RELOAD_BUS);
  if ((await guest.attempt(`podman image exists localhost/nvme-stas:${VERSION}`)).code !== 0) {
    await capture([Deno.execPath(), "run", "-A", "scripts/image.ts"]);
    for (const file of ["rootfs.tar", "Containerfile"]) await guest.push(`build/image/${file}`, FOLDER);
    await guest.run(`cd ${FOLDER} && podman build -q -t localhost/nvme-stas:${VERSION} . && rm rootfs.tar`);
  }
  await guest.run("nvmet-lab up 2");
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, {});
}

async function restore(guest: Guest): Promise<void> {
  await guest.attempt("systemctl stop stacd stafd; podman rm -af; podman volume rm -af");
  await guest.run(
    `rm -rf ${QUADLETS} ${POLICIES}/org.nvmexpress.sta[fc].conf ${FOLDER}/*.yaml && systemctl daemon-reload && lab-install ours`,
  );
}

async function connected(guest: Guest): Promise<Controller[]> {
  await untilDiscovering(guest, [`${ONE}:8009`]);
  return await untilConnected(guest, ["sub-001", "sub-002"]);
}

/** Both daemons answer in their containers; `exec` begins the command. */
async function untilAnswering(guest: Guest, exec: string): Promise<void> {
  for (const [daemon, tool, name] of [["stafd", "stafctl", ONE], ["stacd", "stacctl", "sub-001"]] as const) {
    await guest.until(
      `${tool} answers in the container of ${daemon}`,
      `${exec} ${daemon} ${tool} ls || true`,
      (out) => out.includes(name),
      SLOWLY,
    );
  }
}

async function quadlets(guest: Guest): Promise<void> {
  await prepare(guest);
  try {
    for (const daemon of ["stafd", "stacd"]) {
      await guest.push(`packaging/container/${daemon}.container`, QUADLETS);
    }
    await guest.run("systemctl daemon-reload && systemctl start stafd stacd");
    const before = await connected(guest);
    await untilAnswering(guest, "podman exec");
    assert.match(await guest.run("podman ps --format '{{.Names}} {{.Status}}'"), /^(?:sta[fc]d Up .*\n){2}$/);
    assert.match(
      await guest.run("podman exec stafd stafctl doctor || true"),
      /^container\n {2}ok {6}this is a container of podman\n(?! {2}(?:error|warning))/m,
    );
    await guest.run(`test -e ${RULE}`);

    await guest.run("systemctl restart stafd stacd");
    await untilAnswering(guest, "podman exec");
    await nothingChanges(guest, before, 10);

    await guest.run("podman kill -s KILL stafd stacd");
    await untilAnswering(guest, "podman exec");
    await nothingChanges(guest, before, 10);

    await guest.run("systemctl stop stacd stafd");
    await guest.run(`test ! -e ${RULE}`);
    assert.equal((await guest.run("podman ps -aq")).trim(), "", "a container is left");
  } finally {
    await restore(guest);
  }
}

async function compose(guest: Guest): Promise<void> {
  await prepare(guest);
  const command = (files: string): string =>
    `cd ${FOLDER} && DOCKER_HOST=unix:///run/podman/podman.sock docker-compose ${files}`;
  const hostBus = command("-f compose.yaml");
  const ownBus = command("-f compose.yaml -f compose.own-bus.yaml");
  try {
    for (const file of ["compose.yaml", "compose.own-bus.yaml"]) {
      await guest.push(`packaging/container/${file}`, FOLDER);
    }
    await guest.run(
      "systemctl start podman.socket && mkdir -p /run/nvme /run/stafd /run/stacd /run/udev/rules.d",
    );
    await guest.run(`${hostBus} up -d`);
    const before = await connected(guest);
    await untilAnswering(guest, `${hostBus} exec -T`);
    await guest.run(`${hostBus} restart`);
    await untilAnswering(guest, `${hostBus} exec -T`);
    await nothingChanges(guest, before, 10);
    await guest.run(`${hostBus} down`);
    const kept = before.filter(({ discovery }) => !discovery);
    const list = await untilConnected(guest, ["sub-001", "sub-002"]);
    assert.deepEqual(list.filter(({ discovery }) => !discovery), kept, "down has taken a connection");

    await guest.run(`${ownBus} up -d`);
    await untilAnswering(guest, `${ownBus} exec -T`);
    const again = await connected(guest);
    assert.deepEqual(again.filter(({ discovery }) => !discovery), kept);
    const doctor = `${ownBus} exec -T stafd stafctl doctor || true`;
    assert.doesNotMatch(await guest.run(doctor), NO_AVAHI);
    await guest.run("sed -i 's/^zeroconf = disabled/zeroconf = enabled/' /etc/stas/stafd.conf");
    assert.match(await guest.run(doctor), NO_AVAHI);
    assert.notEqual(
      (await guest.attempt("busctl status org.nvmexpress.staf")).code,
      0,
      "it is on the host's bus",
    );
    await guest.run(`${ownBus} down`);
  } finally {
    await guest.attempt(`${ownBus} down; systemctl stop podman.socket podman.service`);
    await restore(guest);
  }
}

export const scenarios: readonly Scenario[] = [
  { name: "podman: Quadlets", ofOurs: true, slow: true, needs: PODMAN, run: quadlets },
  { name: "podman: Compose", ofOurs: true, slow: true, needs: [...PODMAN, ...COMPOSE], run: compose },
];
