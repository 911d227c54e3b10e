/**
 * Beside nvme-cli 3 and libnvme 3: the registry of owners, its commands that connect and disconnect, exclusions, the udev
 * rule; and what `stasadm migrate --to 3` writes, read by nvme-stas 3 itself.
 */
import assert from "node:assert/strict";
import { configureStacd, configureStafd, hide, nqnOf, ONE, unhide } from "../stacd.ts";
import { type Controller, nothingChanges, SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { NVME_CLI_3, NVME_STAS_3 } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const EXCLUSIONS = "/etc/nvme/exclusions.conf";
const OWNERS = "cd /run/nvme/registry && grep -H . nvme*/owner | sort";
const ALL = ["sub-001", "sub-002", "sub-003"];
const MIGRATED = "/var/tmp/nvme-stas-3";
/** Of the processes that run now. */
const JOURNAL =
  "for d in stafd stacd; do journalctl --no-pager -o cat _PID=$(systemctl show -P MainPID $d); done";

/** nvme-stas 3 keeps its three files there. */
const NEXT_FILES = "/etc/nvme/stafd.conf /etc/nvme/stacd.conf /etc/nvme/nvme-stas.conf";

/** Debian's package starts it. */
const DISCOVERD = "nvme-discoverd.service";

async function bothUp(guest: Guest, discoverd: "disable" | "enable"): Promise<Controller[]> {
  await guest.run(`systemctl ${discoverd} --now ${DISCOVERD}`);
  await guest.run("nvmet-lab up 3");
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, {});
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, [`${ONE}:8009`]);
  return await untilConnected(guest, ALL);
}

const ownedByUs = (list: readonly Controller[]): string =>
  list.map(({ device }) => `${device}/owner:stas\n`).toSorted().join("");

async function beside(guest: Guest): Promise<void> {
  try {
    const before = await bothUp(guest, "disable");
    assert.match(await guest.run("stacd --version"), /^libnvme 3\.\d+.*$/m);
    assert.equal(await guest.run(OWNERS), ownedByUs(before));
    const listed = await guest.run("nvme registry list");
    for (const { device } of before) {
      assert.match(listed, new RegExp(`^${device}\\n(?: .*\\n)*? +owner +stas$`, "m"));
    }
    await guest.run("test ! -e /run/udev/rules.d/70-nvmf-autoconnect.rules");

    await guest.run(`nvme disconnect-all && nvme connect-all -t tcp -a ${ONE} -s 8009`);
    await nothingChanges(guest, before, 10);

    // Its udev rule is in force, and acts on the notification, too: each is connected once, by us.
    await guest.run(hide("sub-002"));
    await untilConnected(guest, ["sub-001", "sub-003"]);
    await guest.run(unhide("sub-002"));
    const again = await untilConnected(guest, ALL);
    await nothingChanges(guest, again, 10);
    assert.equal(await guest.run(OWNERS), ownedByUs(again));

    const excluded = again.find(({ nqn }) => nqn === nqnOf("sub-003"))?.device;
    assert.ok(excluded !== undefined);
    await guest.run(`nvme disconnect --exclude --device ${excluded}`);
    const without = await untilConnected(guest, ["sub-001", "sub-002"]);
    await nothingChanges(guest, without, 10);
    assert.match(await guest.run(`stacctl explain ${nqnOf("sub-003")} || true`), /exclusions\.conf/);
    assert.match(await guest.run("stacctl doctor || true"), /1 exclusion for all programs on this host/);
    await guest.run(`rm ${EXCLUSIONS} && systemctl reload stafd stacd`);
    await untilConnected(guest, ALL);
  } finally {
    await guest.run(`rm -f ${EXCLUSIONS}`);
  }
}

/** It acts on stafd's discovery controller, too: nothing is connected twice, and `doctor` warns. */
async function discoverd(guest: Guest): Promise<void> {
  try {
    const before = await bothUp(guest, "enable");
    assert.match(await guest.run("stafctl doctor || true"), /warning +nvme-discoverd\.service connects what/);
    await guest.run("systemctl restart stafd stacd");
    await guest.until(
      "stacd lists them",
      "stacctl ls",
      (out) => ALL.every((name) => out.includes(name)),
      SOON,
    );
    await nothingChanges(guest, before, 10);
  } finally {
    await guest.run(`systemctl disable --now ${DISCOVERD}`);
  }
}

/** nvme-stas 3 reads the files without complaint, keeps the discovery controller connected, and connects the same. */
async function migrated(guest: Guest): Promise<void> {
  await bothUp(guest, "disable");
  await guest.run(`rm -rf ${MIGRATED} && cp -a /etc/nvme /var/tmp/nvme-before`);
  try {
    await guest.run(`stasadm migrate --to 3 --write ${MIGRATED}`);
    await guest.run("systemctl stop stacd stafd && lab-install peer");
    await guest.run(`rm -f ${NEXT_FILES} && cp -r ${MIGRATED}/. /etc/nvme/ && systemctl start stafd stacd`);
    assert.match(await guest.run("stafctl --version"), /\b3\.1/);
    await guest.until("nvme-stas 3 has read the page", JOURNAL, (out) => out.includes("num records="), SOON);
    await guest.until(
      "nvme-stas 3 lists them",
      "stacctl ls",
      (out) => ALL.every((n) => out.includes(n)),
      SOON,
    );
    await untilConnected(guest, ALL);
    await guest.always(
      "the discovery controller stays",
      "cat /sys/class/nvme/*/cntrltype",
      (out) => out.includes("discovery"),
      { seconds: 20 },
    );
    assert.doesNotMatch(await guest.run(JOURNAL), /nvme-stas\.conf.*(?:error|invalid|unknown|reject)/i);
  } finally {
    await guest.attempt("systemctl stop stacd stafd");
    await guest.run("rm -rf /etc/nvme && mv /var/tmp/nvme-before /etc/nvme && lab-install ours");
  }
}

export const scenarios: readonly Scenario[] = [
  { name: "nvme-cli 3: beside it", ofOurs: true, slow: true, needs: NVME_CLI_3, run: beside },
  { name: "nvme-cli 3: nvme-discoverd", ofOurs: true, slow: true, needs: NVME_CLI_3, run: discoverd },
  {
    name: "nvme-cli 3: migrated to nvme-stas 3",
    ofOurs: true,
    slow: true,
    needs: [...NVME_CLI_3, ...NVME_STAS_3],
    run: migrated,
  },
];
